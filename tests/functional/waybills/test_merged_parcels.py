"""A parcel of several orders: who knows it by which, and what becomes of it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests import canaries
from tests.functional.waybills.orders import merge, twice
from tests.pages import all_events
from tests.pool import add_numbers, no_numbers, retire_numbers
from tests.unit.labels.reading import words_of
from tests.world import Actor, Town, World, new_town, unique


@pytest.fixture
def town(world: World) -> Town:
    """Each test counts from nothing."""
    return new_town(world)


class TestWhoKnowsTheParcel:
    @pytest.fixture
    def parcel(self, town: Town) -> tuple[str, list[dict[str, Any]]]:
        items = twice(town)
        return merge(town.merchant, items)[0]["waybill_no"], items

    def test_it_is_found_by_each_order(self, town: Town, parcel: tuple[str, list[dict[str, Any]]]) -> None:
        waybill_no, items = parcel
        alone = town.waybill(order=items[1]["order"])
        for at, numbers in enumerate(([waybill_no], [alone, waybill_no])):
            found = town.merchant.get(f"/v1/waybills?order={items[at]['order']}").get_json()["items"]
            assert [each["waybill_no"] for each in found] == numbers
            assert found[-1]["orders"] == [item["order"] for item in items]
        page = town.merchant.get(f"/v1/waybills?order={items[1]['order']}&limit=1").get_json()
        rest = town.merchant.get(f"/v1/waybills?order={items[1]['order']}&cursor={page['next']}").get_json()
        assert [each["waybill_no"] for each in page["items"] + rest["items"]] == [alone, waybill_no]
        assert town.merchant.get(f"/v1/waybills?order={items[1]['order']}&state=delivered").get_json() == {
            "items": []
        }

    def test_its_owner_sees_the_orders_and_its_carrier_how_many(
        self, town: Town, parcel: tuple[str, list[dict[str, Any]]]
    ) -> None:
        waybill_no, items = parcel
        owner = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()
        carrier = town.carrier.get(f"/v1/waybills/{waybill_no}").get_json()
        assert owner["orders"] == [item["order"] for item in items]
        assert "merged" not in owner
        assert owner["label"]["orders"] == carrier["label"]["orders"] == "2"
        assert not {"order", "orders"} & carrier.keys()
        for item in items:
            assert item["order"] not in str(carrier)

    def test_its_label_says_how_many(self, town: Town, parcel: tuple[str, list[dict[str, Any]]]) -> None:
        [words] = words_of(town.merchant.get(f"/v1/waybills/{parcel[0]}/label.pdf").data)
        assert "2 orders" in words
        [alone] = words_of(town.merchant.get(f"/v1/waybills/{town.waybill(order='x')}/label.pdf").data)
        assert "orders" not in alone

    def test_the_log_has_one_row_that_names_them(
        self, town: Town, auditor: Actor, parcel: tuple[str, list[dict[str, Any]]]
    ) -> None:
        waybill_no, items = parcel
        [event] = all_events(auditor, f"waybill={waybill_no}&action=waybill.create")
        assert event["orders"] == [item["order"] for item in items]
        assert event["detail"] == {"orders": 2}
        assert "order" not in event
        tokens = [text for item in items for text in item["recipient"].values()]
        assert event["tokens"] == tokens
        for text in tokens:
            assert event in all_events(auditor, f"token={text}")

    def test_each_order_finds_all_that_was_done(
        self, town: Town, auditor: Actor, parcel: tuple[str, list[dict[str, Any]]]
    ) -> None:
        waybill_no, items = parcel
        town.event(waybill_no, "accepted")
        town.event(waybill_no, "out_for_delivery", courier=town.courier.name)
        revealed = town.courier.post(
            "/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
        )
        assert revealed.status_code == 201
        everything = [event["id"] for event in all_events(auditor, f"waybill={waybill_no}")]
        assert len(everything) >= 5
        for item in items:
            found = all_events(auditor, f"order={item['order']}")
            assert [event["id"] for event in found] == everything
            some = all_events(auditor, f"order={item['order']}&action=reveal.claim")
            assert [event["action"] for event in some] == ["reveal.claim"]
            both = all_events(auditor, f"order={item['order']}&waybill={waybill_no}")
            assert [event["id"] for event in both] == everything
        exported = auditor.get(f"/v1/audit/export?format=csv&order={items[1]['order']}").text
        rows = list(csv.DictReader(io.StringIO(exported)))
        assert {row["orders"] for row in rows} == {" ".join(item["order"] for item in items)}

    def test_matching_is_on_record_as_such(self, town: Town, auditor: Actor) -> None:
        merge(town.merchant, twice(town))
        [event] = all_events(auditor, f"actor=key:{town.merchant.name}&action=token.match")
        assert (event["outcome"], event["detail"]) == ("allow", {"count": 2})

    def test_it_is_delivered_to_the_values_of_its_first_order(self, town: Town) -> None:
        """Erasing the tokens of another order takes nothing from it; erasing those of the first does."""
        items = twice(town)
        waybill_no = merge(town.merchant, items)[0]["waybill_no"]
        for text in items[1]["recipient"].values():
            assert town.merchant.delete(f"/v1/tokens/{text}").status_code == 204
        shown = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()
        assert "***" not in shown["recipient"].values()
        assert town.merchant.delete(f"/v1/tokens/{items[0]['recipient']['phone']}").status_code == 204
        shown = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()
        assert shown["recipient"]["phone"] == "***"
        assert shown["orders"] == [item["order"] for item in items]

    def test_a_correction_is_the_whole_parcels(
        self, town: Town, parcel: tuple[str, list[dict[str, Any]]]
    ) -> None:
        waybill_no, items = parcel
        other = canaries.person()
        recipient = town.tokenize(other).as_recipient()
        answer = town.merchant.patch(f"/v1/waybills/{waybill_no}", {"recipient": recipient})
        assert answer.get_json()["recipient"]["phone"].endswith(other.phone[-4:])
        assert answer.get_json()["orders"] == [item["order"] for item in items]


def test_a_parcel_has_one_relay_number_or_none_again(world: World, town: Town) -> None:
    telecom, headers = world.actor("telecom").name, {"Idempotency-Key": unique("key")}
    items = [*twice(town, relay=True), *twice(town, relay=True)]
    with no_numbers(world, "extension"):
        add_numbers(world, telecom, 1, "extension", region=None, places=1)
        made = merge(town.merchant, items, headers=headers)
        assert merge(town.merchant, items, headers=headers) == made
        retire_numbers(world, telecom)
    assert made[0] == made[1]
    assert made[2] == made[3]
    relays = made[0]["relay"], made[2]["relay"]
    assert sorted("extension" in relay for relay in relays) == [False, True]
    assert sorted(relay.get("error", {}).get("code", "") for relay in relays) == ["", "relay_pool_exhausted"]
