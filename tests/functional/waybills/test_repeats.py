"""A request that is made again under its key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests import canaries
from tests.functional.waybills.orders import order, own_number
from tests.pool import add_numbers, retire_numbers
from tests.world import Tokens, Town, World, unique


class TestRepeats:
    def test_the_same_key_gives_the_same_answer_whatever_happened_since(
        self, town: Town, someone: Tokens
    ) -> None:
        headers = {"Idempotency-Key": unique("key")}
        body = order(town, someone, order="again")
        first = town.merchant.post("/v1/waybills", body, headers=headers)
        assert first.status_code == 201
        town.event(first.get_json()["waybill_no"], "accepted")
        second = town.merchant.post("/v1/waybills", body, headers=headers)
        assert (second.status_code, second.get_json()) == (201, first.get_json())

    def test_a_batch_with_errors_too(self, town: Town, elsewhere: Town, someone: Tokens) -> None:
        headers = {"Idempotency-Key": unique("key")}
        foreign = elsewhere.tokenize(canaries.person()).as_recipient()
        items = [
            order(town, someone, waybill_no=own_number()),
            {**order(town, someone), "recipient": foreign},
            {**order(town, someone), "network": "no-such"},
            order(town, someone),
        ]
        first = town.merchant.post("/v1/waybills", {"items": items}, headers=headers)
        second = town.merchant.post("/v1/waybills", {"items": items}, headers=headers)
        assert first.status_code == second.status_code == 207
        assert first.get_json() == second.get_json()

    def test_corrected_and_delivered_ones_keep_their_places_and_are_shown_as_they_are_now(
        self, world: World, town: Town, elsewhere: Town, someone: Tokens
    ) -> None:
        telecom, headers = unique("telecom"), {"Idempotency-Key": unique("key")}
        add_numbers(world, telecom, 2, "extension", region="杭州市")
        foreign = elsewhere.tokenize(canaries.person()).as_recipient()
        items = [
            order(town, someone, order="r-0", relay=True),
            order(town, someone, order="r-1", waybill_no="sf 1234"),
            order(town, someone, order="r-2", relay=True),
            {**order(town, someone), "recipient": foreign},
            order(town, someone, order="r-4", relay=True),
        ]
        first = town.merchant.post("/v1/waybills", {"items": items}, headers=headers)
        made = first.get_json()["items"]
        corrected, delivered, untouched = made[0], made[2], made[4]
        person = canaries.person()
        recipient = town.tokenize(person).as_recipient()
        path = f"/v1/waybills/{corrected['waybill_no']}"
        assert town.merchant.patch(path, {"recipient": recipient}).status_code == 200
        town.hand_to_courier(delivered["waybill_no"])
        assert town.event(delivered["waybill_no"], "delivered").status_code == 201

        again = town.merchant.post("/v1/waybills", {"items": items}, headers=headers)
        assert (first.status_code, again.status_code) == (207, 207)
        now = again.get_json()["items"]
        assert [(at, item["error"]) for at, item in enumerate(now) if "error" in item] == [
            (at, made[at]["error"]) for at in (1, 3)
        ]
        same = ("waybill_no", "network", "carrier", "order", "receipt", "state", "created_at", "updated_at")
        for at in (0, 2, 4):
            assert {name: now[at][name] for name in same} == {name: made[at][name] for name in same}
        assert now[4] == untouched
        # Nothing of a recipient is kept with the key: masks and relay numbers are those of the parcel as it is.
        assert now[0]["recipient"]["phone"] == f"1******{person.phone[-4:]}"
        for at in (0, 2):
            shown = town.merchant.get(f"/v1/waybills/{made[at]['waybill_no']}").get_json()
            assert (now[at]["recipient"], now[at]["relay"]) == (shown["recipient"], shown["relay"])
        retire_numbers(world, telecom)

    def test_another_body_with_the_key_is_refused(self, town: Town, someone: Tokens) -> None:
        headers = {"Idempotency-Key": unique("key")}
        town.merchant.post("/v1/waybills", order(town, someone), headers=headers)
        answer = town.merchant.post("/v1/waybills", order(town, someone, order="x"), headers=headers)
        assert answer.status_code == 422
        assert answer.get_json()["code"] == "idempotency_key_reused"

    def test_at_once_they_make_one_parcel(self, town: Town, someone: Tokens, world: World) -> None:
        reference, headers = unique("o"), {"Idempotency-Key": unique("key")}

        def send(_: int) -> int:
            return town.merchant.post(
                "/v1/waybills", order(town, someone, order=reference), headers=headers
            ).status_code

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(send, range(8)))
        assert answers <= {201, 409}
        assert len(town.merchant.get(f"/v1/waybills?order={reference}").get_json()["items"]) == 1
