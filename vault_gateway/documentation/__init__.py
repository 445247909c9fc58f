"""The OpenAPI document at `/openapi.json` and the pages under `/docs`.

A new endpoint is described in the file of its room here: one `Operation` each. Bodies and queries are described
by the very marshmallow schemas that load them, so they cannot drift; what else there is, a test compares with
the application's routes and a fuzzer with its answers.
"""

from vault_gateway.documentation.http import documentation_blueprint

__all__ = ["documentation_blueprint"]
