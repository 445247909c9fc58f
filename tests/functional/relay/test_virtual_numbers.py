"""A virtual number of another platform, as merchants paste it, is kept, masked, dialled and revealed as what it is."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests import canaries
from tests.canaries import Person
from tests.world import Actor, Tokens, Town


@pytest.fixture
def virtual(town: Town) -> tuple[Person, str, Tokens]:
    """Somebody whose phone is a peer's relay number; the extension; the tokens."""
    someone, extension = canaries.person(), f"{secrets.randbelow(10_000):04d}"
    items = canaries.items_of(someone)
    items[1]["value"] = canaries.plant(f"{someone.phone}-{extension}")
    answer = town.merchant.post("/v1/tokens", {"items": items})
    assert answer.status_code == 201, answer.text
    made = answer.get_json()["items"]
    assert made[1]["masked"] == f"1******{someone.phone[-4:]}-****"
    return someone, extension, Tokens(*(item["token"] for item in made))


def found(town: Town, **wanted: str) -> list[str]:
    answer = town.merchant.post("/v1/tokens/search", {"kind": "phone", **wanted})
    assert answer.status_code == 200, answer.text
    return [item["token"] for item in answer.get_json()["items"]]


def test_it_is_found_whole_and_by_no_part(town: Town, virtual: tuple[Person, str, Tokens]) -> None:
    someone, extension, tokens = virtual
    assert found(town, value=f"${someone.phone}$#{extension}#") == [tokens.phone]
    other = f"{(int(extension) + 1) % 10_000:04d}"
    for value in (someone.phone, f"{someone.phone}-{other}"):
        assert tokens.phone not in found(town, value=value)
    for last4 in (someone.phone[-4:], extension):
        assert tokens.phone not in found(town, last4=last4)


def test_a_call_to_the_parcel_is_put_through_with_the_extension(
    town: Town, telecom: Actor, virtual: tuple[Person, str, Tokens]
) -> None:
    someone, extension, tokens = virtual
    number = town.waybill(tokens, relay=True)
    relay = town.merchant.get(f"/v1/waybills/{number}").get_json()["relay"]
    for more in ({"medium": "voice"}, {"medium": "sms", "text": "I am at the door"}):
        body: dict[str, Any] = {
            "call_id": f"call-{secrets.token_hex(8)}",
            "caller": canaries.phone(),
            "called": relay["number"],
            "extension": relay["extension"],
            **more,
        }
        answer = telecom.post("/v1/relay/route", body).get_json()
        assert (answer["action"], answer["destination"], answer["extension"]) == (
            "connect",
            someone.e164,
            extension,
        )


def test_the_courier_reads_the_number_with_its_extension(
    town: Town, virtual: tuple[Person, str, Tokens]
) -> None:
    someone, extension, tokens = virtual
    number = town.out_for_delivery(tokens)
    body = {"waybill_no": number, "purpose": "contact", "claim": True}
    answer = town.courier.post("/v1/reveals", body)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["fields"] == {"phone": f"{someone.e164};ext={extension}"}


def test_a_courier_has_a_phone_of_its_own(town: Town) -> None:
    body = {"handle": town.courier.name, "phone": f"{canaries.phone()}-7576"}
    answer = town.carrier.post("/v1/couriers", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "phone_extension")
