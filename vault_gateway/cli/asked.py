"""What is asked about, in `access explain`: the resource that the gateway would ask the policies about, built as its
rooms build it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from vault_gateway.access.resources import (
    Resource,
    access_log,
    break_glass_resource,
    counter,
    figures_of,
    fleet,
    notice_resource,
    relay_number,
    relay_pool,
    tenant_ground,
    token_resource,
    webhooks_of,
)
from vault_gateway.database import Connection, enter_tenant
from vault_gateway.identity.clients import ClientError
from vault_gateway.ids import parse_prefixed
from vault_gateway.model import SLUG, Origin, Principal, Role, Tenant
from vault_gateway.notices.service import NOTICE_PREFIX
from vault_gateway.notices.store import get_notice
from vault_gateway.relay.store import pool
from vault_gateway.reveals import store as reveal_store
from vault_gateway.reveals.breakglass import store as break_glass_store
from vault_gateway.reveals.breakglass.requests import PREFIX as REQUEST_PREFIX
from vault_gateway.reveals.breakglass.requests import resource_of as resource_of_request
from vault_gateway.reveals.grants import PREFIX as REVEAL_PREFIX
from vault_gateway.reveals.grants import resource_of_grant
from vault_gateway.tokens.ids import parse_token
from vault_gateway.tokens.store import find_views
from vault_gateway.waybills.finding import resource_of
from vault_gateway.waybills.store.numbers import locate
from vault_gateway.waybills.store.waybills import get_waybill
from vault_gateway.waybills.waybill import Waybill

# The type that the schema gives to each action.
TYPES: Mapping[str, str] = {
    action: type_
    for type_, actions in {
        "Tenant": "token.create token.read token.search token.match order.read waybill.create waybill.list"
        " segment.list",
        "Token": "token.erase",
        "Waybill": "waybill.read waybill.label waybill.cancel waybill.correct waybill.event relay.bind relay.read"
        " relay.release notice.send reveal.issue reveal.claim",
        "Grant": "reveal.read reveal.ack reveal.revoke",
        "BreakGlass": "breakglass.request breakglass.approve breakglass.read breakglass.claim breakglass.ack"
        " breakglass.revoke",
        "Fleet": "courier.register courier.remove courier.resume courier.list fleet.list routes.replace",
        "Webhooks": "webhook.create webhook.list webhook.remove",
        "Figures": "usage.read flows.read",
        "AccessLog": "audit.read audit.export breakglass.list",
        "Counter": "parcel.search",
        "Notice": "notice.read",
        "RelayNumber": "relay.route relay.record",
        "RelayPool": "relay.pool",
    }.items()
    for action in actions.split()
}

_GROUND = "a waybill number (its merchant's), PLATFORM/MERCHANT"
# What `--on` names for each type.
_NAMED: Mapping[str, str] = {
    "Tenant": _GROUND,
    "Token": "a token",
    "Waybill": "a waybill number",
    "Grant": f"a reveal's id ({REVEAL_PREFIX}...)",
    "BreakGlass": f"a request's id ({REQUEST_PREFIX}...) or its reveal's ({REVEAL_PREFIX}...); `new` for a request",
    "Fleet": "a waybill number (its carrier's) or a carrier",
    "Webhooks": f"{_GROUND} or a platform",
    "Figures": f"{_GROUND}, a platform, a carrier (where a carrier asks) or `all`",
    "AccessLog": f"{_GROUND}, a platform or `all`",
    "Counter": "CARRIER/STATION",
    "Notice": f"a notice's id ({NOTICE_PREFIX}...)",
    "RelayNumber": "a number of the pool (+86...)",
    "RelayPool": "`pool`",
}


def what_is_asked(conn: Connection, who: Principal, action: str, on: str) -> Resource:
    """ClientError (exit 1) where there is no such thing; wrong usage (exit 2) where `on` names none of the type that
    the action is asked about, or there is no such action."""
    type_ = TYPES.get(action)
    if type_ is None:
        raise click.UsageError("there is no such action: schema.cedarschema lists them")
    with conn.transaction():
        found = _BUILT[type_](conn, who, on)
    if found is None or found.type != type_:
        raise click.UsageError(f"{action} is asked about a {type_}: --on names {_NAMED[type_]}")
    return found


def _tenant(conn: Connection, _: Principal, on: str) -> Resource | None:
    tenant = _tenant_of(conn, on)
    return None if tenant is None else tenant_ground(tenant)


def _token(conn: Connection, _: Principal, on: str) -> Resource | None:
    parsed = parse_token(on)
    if parsed is None:
        return None
    tenant = break_glass_store.locate_token(conn, parsed[1])
    if tenant is None:
        raise ClientError("there is no such token")
    enter_tenant(conn, tenant.id)
    row = find_views(conn, tenant.id, [parsed[1]])[parsed[1]]
    return token_resource(tenant, on, Origin(row["origin"]))


def _waybill(conn: Connection, _: Principal, on: str) -> Resource | None:
    found = _parcel(conn, on)
    if found is None:
        raise ClientError("there is no such waybill")
    return resource_of(*found)


def _grant(conn: Connection, _: Principal, on: str) -> Resource | None:
    if not on.startswith(REVEAL_PREFIX):
        return None
    reveal_id = parse_prefixed(REVEAL_PREFIX, on)
    located = None if reveal_id is None else reveal_store.enter_reveal(conn, reveal_id)
    if located is None:
        raise ClientError("there is no such reveal")
    grant = reveal_store.get_grant(conn, located.tenant.id, located.reveal_id, lock=None)
    return resource_of_grant(located.tenant, grant)


def _break_glass(conn: Connection, who: Principal, on: str) -> Resource | None:
    if on == "new":
        return break_glass_resource("new", issuer=who.issuer or "-", requester=who.id)
    if not on.startswith(REQUEST_PREFIX):
        return _grant(conn, who, on)
    request_id = parse_prefixed(REQUEST_PREFIX, on)
    located = None if request_id is None else break_glass_store.locate_request(conn, request_id)
    if located is None:
        raise ClientError("there is no such request")
    enter_tenant(conn, located.tenant.id)
    return resource_of_request(break_glass_store.get_request(conn, located.tenant.id, located.request_id))


def _fleet(conn: Connection, _: Principal, on: str) -> Resource | None:
    found = _parcel(conn, on)
    carrier = on if found is None else found[1].carrier
    return fleet(carrier) if SLUG.fullmatch(carrier) else None


def _webhooks(conn: Connection, _: Principal, on: str) -> Resource | None:
    tenant = _tenant_of(conn, on)
    if tenant is not None:
        return webhooks_of(tenant.platform, tenant.merchant)
    return webhooks_of(on, None) if SLUG.fullmatch(on) else None


def _figures(conn: Connection, who: Principal, on: str) -> Resource | None:
    if on == "all":
        return figures_of(None, None, None)
    if who.role is Role.CARRIER:
        found = _parcel(conn, on)
        carrier = on if found is None else found[1].carrier
        return figures_of(None, None, carrier) if SLUG.fullmatch(carrier) else None
    tenant = _tenant_of(conn, on)
    if tenant is not None:
        return figures_of(tenant.platform, tenant.merchant, None)
    return figures_of(on, None, None) if SLUG.fullmatch(on) else None


def _access_log(conn: Connection, _: Principal, on: str) -> Resource | None:
    if on == "all":
        return access_log(None, None)
    tenant = _tenant_of(conn, on)
    if tenant is not None:
        return access_log(tenant.platform, tenant.merchant)
    return access_log(on, None) if SLUG.fullmatch(on) else None


def _counter(_conn: Connection, _: Principal, on: str) -> Resource | None:
    carrier, slash, station = on.partition("/")
    if not (slash and SLUG.fullmatch(carrier) and SLUG.fullmatch(station)):
        return None
    return counter(carrier, station)


def _notice(conn: Connection, _: Principal, on: str) -> Resource | None:
    if not on.startswith(NOTICE_PREFIX):
        return None
    notice_id = parse_prefixed(NOTICE_PREFIX, on)
    notice = None if notice_id is None else get_notice(conn, notice_id)
    if notice is None:
        raise ClientError("there is no such notice")
    return notice_resource(on, carrier=notice.carrier, holder=notice.sender.holder)


def _relay_number(conn: Connection, _: Principal, on: str) -> Resource | None:
    if not on.startswith("+"):
        return None
    number = pool.find_number(conn, on)
    if number is None:
        raise ClientError("there is no such number in the pool")
    return relay_number(number.number, number.telecom)


def _relay_pool(_conn: Connection, _: Principal, on: str) -> Resource | None:
    return relay_pool() if on == "pool" else None


_BUILT: Mapping[str, Callable[[Connection, Principal, str], Resource | None]] = {
    "Tenant": _tenant,
    "Token": _token,
    "Waybill": _waybill,
    "Grant": _grant,
    "BreakGlass": _break_glass,
    "Fleet": _fleet,
    "Webhooks": _webhooks,
    "Figures": _figures,
    "AccessLog": _access_log,
    "Counter": _counter,
    "Notice": _notice,
    "RelayNumber": _relay_number,
    "RelayPool": _relay_pool,
}


def _tenant_of(conn: Connection, on: str) -> Tenant | None:
    """`PLATFORM/MERCHANT`, or whose a parcel is."""
    platform, _, merchant = on.partition("/")
    if SLUG.fullmatch(platform) and SLUG.fullmatch(merchant):
        return Tenant(platform, merchant)
    found = _parcel(conn, on)
    return None if found is None else found[0]


def _parcel(conn: Connection, on: str) -> tuple[Tenant, Waybill] | None:
    located = locate(conn, on)
    if located is None:
        return None
    waybill_id, tenant = located
    enter_tenant(conn, tenant.id)
    return tenant, get_waybill(conn, tenant.id, waybill_id)
