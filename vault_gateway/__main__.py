"""`python -m vault_gateway`."""

from vault_gateway.cli import main

main()
