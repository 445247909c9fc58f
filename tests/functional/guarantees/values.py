"""Values with which each role's requests go well."""

from __future__ import annotations

from dataclasses import replace

from tests.functional.guarantees.ground import Ground
from tests.functional.guarantees.requests import Place, Sample, places_of
from vault_gateway.documentation.operations import Operation

# Which parcel of its own a role asks for while something else varies.
OWN_PARCEL = {"courier": "out", "station": "waiting"}


def of_role(one: Sample, operation: Operation, role: str) -> Sample:
    """Only platforms and merchants name a merchant in a query; others are refused for that alone."""
    if role in ("platform", "merchant") or "operator" in operation.roles:
        return one
    return replace(one, query={n: v for n, v in one.query.items() if n not in ("platform", "merchant")})


def good_values(operation: Operation, one: Sample, role: str, own: Ground) -> dict[Place, str]:
    parcel = OWN_PARCEL.get(role, "accepted")
    return {
        place: own.live[parcel if place.kind == "waybill" else place.kind]
        for place in places_of(operation, one)
    }
