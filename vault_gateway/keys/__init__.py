"""The only code that talks to Vault or OpenBao. Others import from here."""

from vault_gateway.keys.administration import Operator, Versions
from vault_gateway.keys.contexts import Address
from vault_gateway.keys.errors import KeyFault, KeysUnavailable
from vault_gateway.keys.health import health_of
from vault_gateway.keys.identity import Credential
from vault_gateway.keys.provision import provision
from vault_gateway.keys.server import Vault
from vault_gateway.keys.signing import Signer
from vault_gateway.keys.transit import Ciphertext, Plaintexts, RelayKeys, Revealer, Tokenizer

__all__ = [
    "Address",
    "Ciphertext",
    "Credential",
    "KeyFault",
    "KeysUnavailable",
    "Operator",
    "Plaintexts",
    "RelayKeys",
    "Revealer",
    "Signer",
    "Tokenizer",
    "Vault",
    "Versions",
    "health_of",
    "provision",
]
