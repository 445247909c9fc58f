"""`purposes.yaml` and the access policies cannot drift apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vault_gateway.access import Policies, load_policies
from vault_gateway.access.policies import parse_policies
from vault_gateway.model import Role
from vault_gateway.reveals.agreement import require_agreement
from vault_gateway.reveals.purposes import PurposeError, Purposes, load_purposes
from vault_gateway.settings.policies import default_policies
from vault_gateway.waybills.states import State


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(default_policies() / "access")


@pytest.fixture(scope="module")
def purposes() -> Purposes:
    return load_purposes(default_policies() / "purposes.yaml")


def test_the_shipped_files_agree(purposes: Purposes, policies: Policies) -> None:
    require_agreement(purposes, policies)


@pytest.mark.parametrize(
    ("name", "changed", "told"),
    [
        (
            "deliver",
            {"states": (State.OUT_FOR_DELIVERY, State.DELIVERED)},
            "courier for deliver while .* delivered",
        ),
        ("deliver", {"states": (State.DELIVERED,)}, "courier for deliver while .* out_for_delivery"),
        ("contact", {"roles": (Role.COURIER, Role.STATION)}, "station for contact"),
        ("sort", {"roles": (Role.COURIER,)}, "for sort while .* at_station"),
    ],
)
def test_a_purpose_that_the_policies_decide_otherwise_is_refused_with_role_and_state(
    purposes: Purposes, policies: Policies, name: str, changed: dict[str, Any], told: str
) -> None:
    purpose = replace(purposes.by_name[name], **changed)
    differing = replace(purposes, by_name={**purposes.by_name, name: purpose})

    with pytest.raises(PurposeError, match=told):
        require_agreement(differing, policies)


@pytest.mark.parametrize("action", ["reveal.issue", "reveal.claim"])
@pytest.mark.parametrize("role", ["Platform", "Merchant", "Carrier"])
def test_policies_that_open_a_reveal_to_a_role_without_purpose_are_refused(
    purposes: Purposes, policies: Policies, role: str, action: str
) -> None:
    more = f'@id("more") permit (principal is {role}, action == Action::"{action}", resource is Waybill);'
    widened = parse_policies({"all": policies.text, "more": more}, policies.schema_text)

    with pytest.raises(PurposeError, match=f"{role.lower()} for deliver .* permit it {action}"):
        require_agreement(purposes, widened)
