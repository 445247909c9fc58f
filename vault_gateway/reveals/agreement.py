"""`purposes.yaml` and the access policies say the same of who reveals for what and when, or neither is used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

from vault_gateway.access import Access, Policies
from vault_gateway.access.decisions import Context
from vault_gateway.access.resources import Resource, waybill_resource
from vault_gateway.model import Principal, Role, Tenant
from vault_gateway.reveals.purposes import PurposeError, Purposes
from vault_gateway.waybills.states import State

_TENANT = Tenant("platform", "merchant")
# Any will do: it is asked now, and the parcel may be delivered until now.
_MOMENT = datetime(2026, 11, 11, tzinfo=UTC)
# Each is as close to the parcel as its role can be: what is denied to them is denied for role, purpose or state.
_CLOSEST = (
    Principal("key:platform", Role.PLATFORM, platform=_TENANT.platform),
    Principal("key:merchant", Role.MERCHANT, platform=_TENANT.platform, merchant=_TENANT.merchant),
    Principal("key:carrier", Role.CARRIER, carrier="carrier"),
    Principal("key:station", Role.STATION, carrier="carrier", station="station"),
    Principal("key:courier", Role.COURIER, carrier="carrier", handle="courier"),
)


def require_agreement(purposes: Purposes, policies: Policies) -> None:
    """PurposeError with the first purpose, role and state of which the two say different things."""
    for difference in _differences(purposes, Access(policies)):
        raise PurposeError(difference)


def _differences(purposes: Purposes, access: Access) -> Iterator[str]:
    now = int(_MOMENT.timestamp())
    tried = list(product(purposes.by_name.values(), ("reveal.issue", "reveal.claim")))
    asked: list[tuple[str, Context]] = [(action, {"purpose": one.name, "now": now}) for one, action in tried]
    for state, principal in product(State, _CLOSEST):
        decided = access.decide_each(principal, _parcel(state), asked)
        for (purpose, action), decision in zip(tried, decided, strict=True):
            listed = principal.role in purpose.roles and state in purpose.states
            if decision.allowed != listed:
                who = f"a {principal.role.value} for {purpose.name} while a parcel is {state.value}"
                yield (
                    f"purposes.yaml {'lists' if listed else 'does not list'} {who}, but the access policies"
                    f" {'permit' if decision.allowed else 'deny'} it {action}"
                )


def _parcel(state: State) -> Resource:
    return waybill_resource(
        _TENANT,
        "-",
        carrier="carrier",
        state=state.value,
        courier="courier",
        station="station",
        deliver_by=_MOMENT,
    )
