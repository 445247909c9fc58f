"""What a break-glass opens: the recipient of a parcel, or one token."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.errors import not_found
from vault_gateway.model import Kind, Tenant
from vault_gateway.reveals.breakglass import store
from vault_gateway.reveals.purposes import KIND_OF_FIELD, token_of
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.ids import parse_token
from vault_gateway.waybills.finding import about
from vault_gateway.waybills.store.numbers import locate as locate_waybill
from vault_gateway.waybills.store.waybills import get_waybill
from vault_gateway.waybills.waybill import Waybill

FIELDS = ("name", "phone", "address")


@dataclass(frozen=True, slots=True)
class Target:
    """`waybill` or `token`; the fields' tokens as they are now."""

    fields: tuple[str, ...]
    tokens: tuple[UUID, ...]
    waybill: Waybill | None = None
    token: str | None = None


def find_target(unit: Unit, waybill_no: str | None, token: str | None, event: Event) -> tuple[Tenant, Target]:
    """Enters the tenant of either; the live parcel of the number, else the last one. 404 for what is not there."""
    if waybill_no is not None:
        located = locate_waybill(unit.conn, waybill_no)
        if located is None:
            raise refused(event, not_found(), reason="unknown_waybill", policies=tuple(event.policies))
        waybill_id, tenant = located
        unit.enter(tenant)
        waybill = get_waybill(unit.conn, tenant.id, waybill_id, lock="share")
        return tenant, target_of_waybill(unit, tenant, waybill, about(event, waybill))
    parsed = parse_token(token)
    owner = None if parsed is None else store.locate_token(unit.conn, parsed[1])
    if owner is None or token is None:
        raise refused(event, not_found(), reason="unknown_token", policies=tuple(event.policies))
    unit.enter(owner)
    return owner, target_of_token(unit, owner, token, event)


def target_of_waybill(unit: Unit, tenant: Tenant, waybill: Waybill, event: Event) -> Target:
    wanted = {field: token_of(waybill, field) for field in FIELDS}
    _require_there(unit, tenant, {token: KIND_OF_FIELD[field] for field, token in wanted.items()}, event)
    return Target(FIELDS, tuple(wanted.values()), waybill=waybill)


def target_of_token(unit: Unit, tenant: Tenant, token: str, event: Event) -> Target:
    parsed = parse_token(token)
    assert parsed is not None, "the schema takes tokens only, and what it took is stored"
    kind, token_id = parsed
    _require_there(unit, tenant, {token_id: kind}, event)
    return Target((kind.value,), (token_id,), token=token)


def _require_there(unit: Unit, tenant: Tenant, wanted: dict[UUID, Kind], event: Event) -> None:
    """404 unless each is an unerased token of that kind."""
    rows = token_store.sealed_values(unit.conn, tenant.id, tuple(wanted))
    if {token: Kind(row["kind"]) for token, row in rows.items()} != wanted:
        raise refused(event, not_found(), reason="erased", policies=tuple(event.policies))
