"""`purposes.yaml` and the access policies say the same of who reveals for what and when, or neither is used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from vault_gateway.access import Access, Policies
from vault_gateway.access.resources import Resource, waybill_resource
from vault_gateway.model import Principal, Role, Tenant, utc_now
from vault_gateway.reveals.purposes import PurposeError, Purposes
from vault_gateway.waybills.states import State

_TENANT = Tenant("platform", "merchant")
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
    now = utc_now()
    for purpose, state, principal in product(purposes.by_name.values(), State, _CLOSEST):
        listed = principal.role in purpose.roles and state in purpose.states
        for action in ("reveal.issue", "reveal.claim"):
            context: dict[str, str | int] = {"purpose": purpose.name, "now": int(now.timestamp())}
            permitted = access.decide(principal, action, _parcel(state), context).allowed
            if permitted != listed:
                who = f"a {principal.role.value} for {purpose.name} while a parcel is {state.value}"
                yield (
                    f"purposes.yaml {'lists' if listed else 'does not list'} {who}, but the access policies"
                    f" {'permit' if permitted else 'deny'} it {action}"
                )


def _parcel(state: State) -> Resource:
    return waybill_resource(
        _TENANT,
        "-",
        carrier="carrier",
        state=state.value,
        courier="courier",
        station="station",
        deliver_by=utc_now(),
    )
