"""`purposes.yaml`: the shipped one holds what the contract says, and a wrong one is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from vault_gateway.model import Role
from vault_gateway.reveals.purposes import PurposeError, load_purposes
from vault_gateway.settings.policies import default_policies
from vault_gateway.waybills.states import State

SHIPPED = default_policies() / "purposes.yaml"


def test_the_shipped_purposes_are_those_of_the_contract() -> None:
    purposes = load_purposes(SHIPPED)
    assert {name: (p.fields, p.roles, p.states) for name, p in purposes.by_name.items()} == {
        "deliver": (("name", "address"), (Role.COURIER,), (State.OUT_FOR_DELIVERY,)),
        "contact": (("phone",), (Role.COURIER,), (State.OUT_FOR_DELIVERY,)),
        "sort": (("street",), (Role.STATION,), (State.AT_STATION,)),
    }
    assert purposes.per_waybill <= purposes.per_token


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fields: [phone]", "fields: [phone, email]"),
        ("fields: [phone]", "fields: []"),
        ("roles: [station]", "roles: [merchant]"),
        ("roles: [station]", "roles: []"),
        ("states: [at_station]", "states: [at_the_door]"),
        ("states: [at_station]", "states: []"),
        ("  states: [at_station]\n", ""),
        ("per_waybill: 12", "per_waybill: 0"),
        ("per_token: 24", "per_token: many"),
        ("sort:", "sorting:"),
        ("limits:", "limit:"),
        ("deliver:", "deliver: ["),
    ],
)
def test_a_wrong_file_is_refused_whole(tmp_path: Path, old: str, new: str) -> None:
    text = SHIPPED.read_text("utf-8")
    assert old in text
    wrong = tmp_path / "purposes.yaml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PurposeError, match=r"purposes\.yaml"):
        load_purposes(wrong)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PurposeError):
        load_purposes(tmp_path / "purposes.yaml")
