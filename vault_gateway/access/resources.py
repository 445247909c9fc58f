"""What is asked for, as Cedar sees it. None of these holds a value of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vault_gateway.model import Origin, Tenant


@dataclass(frozen=True, slots=True)
class Resource:
    """An entity of `policies/access/schema.cedarschema`: its type, its id and its attributes."""

    type: str
    id: str
    attributes: dict[str, str | int]


def _present(**attributes: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in attributes.items() if value is not None}


def tenant_ground(tenant: Tenant) -> Resource:
    return Resource("Tenant", str(tenant.id), {"platform": tenant.platform, "merchant": tenant.merchant})


def token_resource(tenant: Tenant, token: str, origin: Origin) -> Resource:
    return Resource(
        "Token", token, {"platform": tenant.platform, "merchant": tenant.merchant, "origin": origin.value}
    )


def waybill_resource(
    tenant: Tenant,
    waybill_no: str,
    *,
    carrier: str,
    state: str,
    courier: str | None,
    station: str | None,
    deliver_by: datetime | None,
) -> Resource:
    return Resource(
        "Waybill",
        waybill_no,
        _present(
            platform=tenant.platform,
            merchant=tenant.merchant,
            carrier=carrier,
            state=state,
            courier=courier,
            station=station,
            deliver_by=None if deliver_by is None else int(deliver_by.timestamp()),
        ),
    )


def grant_resource(tenant: Tenant, reveal_id: str, *, carrier: str, holder: str) -> Resource:
    return Resource(
        "Grant",
        reveal_id,
        {"platform": tenant.platform, "merchant": tenant.merchant, "carrier": carrier, "holder": holder},
    )


def webhooks_of(platform: str, merchant: str | None) -> Resource:
    """A merchant's, or a platform's own."""
    return Resource("Webhooks", "webhooks", _present(platform=platform, merchant=merchant))


def figures_of(platform: str | None, merchant: str | None, carrier: str | None) -> Resource:
    """Counts of the parcels of one merchant, platform or carrier, or (none given) of all."""
    return Resource("Figures", "figures", _present(platform=platform, merchant=merchant, carrier=carrier))


def break_glass_resource(request: str, *, issuer: str, requester: str) -> Resource:
    """`requester` is the id of the principal that asked, `issuer` that of the issuer it comes from."""
    return Resource("BreakGlass", request, {"issuer": issuer, "requester": requester})


def fleet(carrier: str) -> Resource:
    return Resource("Fleet", carrier, {"carrier": carrier})


def counter(carrier: str, station: str) -> Resource:
    return Resource("Counter", f"{carrier}/{station}", {"carrier": carrier, "station": station})


def notice_resource(notice_id: str, *, carrier: str, holder: str | None) -> Resource:
    return Resource("Notice", notice_id, _present(carrier=carrier, holder=holder))


def relay_pool() -> Resource:
    return Resource("RelayPool", "pool", {})


def relay_number(number: str, telecom: str) -> Resource:
    """`telecom` is the id of the principal that owns the number."""
    return Resource("RelayNumber", number, {"telecom": telecom})


def access_log(platform: str | None, merchant: str | None) -> Resource:
    return Resource("AccessLog", "log", _present(platform=platform, merchant=merchant))
