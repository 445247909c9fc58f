"""Whether what two responders agreed on still holds when it is opened."""

from __future__ import annotations

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.identity.issuer_store import token_stands
from vault_gateway.model import Tenant
from vault_gateway.reveals.breakglass import store
from vault_gateway.reveals.breakglass.requests import resource_of
from vault_gateway.reveals.grants import spent
from vault_gateway.reveals.machine import Grant


def require_standing(
    unit: Unit, tenant: Tenant, grant: Grant, event: Event, public_key: bytes | None
) -> tuple[str, ...]:
    """The policies that permit opening the grant. It is sealed or it is not opened, and it is over once the issuer,
    or the token by which one of the two asked or approved, was revoked."""
    request = store.get_request(unit.conn, tenant.id, grant.id)
    policies = unit.require(event, resource_of(request), not_found())
    for who, part in (("requester", request.requester), ("approver", request.approver)):
        assert part is not None, "a grant was approved"
        if not token_stands(unit.conn, request.issuer, part.jti):
            raise refused(event, spent(), reason=f"{who}_revoked", policies=policies)
    if public_key is None:
        answer = GatewayError("public_key_required", 422, "This opens sealed to a public_key alone.")
        raise refused(event, answer, reason="public_key_required", policies=policies)
    return policies
