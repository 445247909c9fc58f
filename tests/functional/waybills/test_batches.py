"""Many orders at once: each item has its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import canaries
from tests.functional.waybills.orders import order, own_number
from tests.world import Tokens, Town, unique


def test_batches_that_share_numbers_in_another_order_do_not_block_each_other(
    town: Town, someone: Tokens
) -> None:
    numbers = [own_number() for _ in range(40)]

    def batch(wanted: list[str]) -> list[bool]:
        items = [order(town, someone, waybill_no=each) for each in wanted]
        answer = town.merchant.post("/v1/waybills", {"items": items})
        assert answer.status_code in (201, 207, 422), answer.text
        return ["error" not in item for item in answer.get_json()["items"]]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(batch, [numbers, numbers[::-1]])
    assert [a != b for a, b in zip(one, other[::-1], strict=True)] == [True] * 40


class TestBatches:
    def test_a_thousand_at_once(self, town: Town, someone: Tokens) -> None:
        items = [order(town, someone, order=f"b-{at}") for at in range(1000)]
        answer = town.merchant.post("/v1/waybills", {"items": items})
        assert answer.status_code == 201
        made = answer.get_json()["items"]
        assert [item["order"] for item in made] == [item["order"] for item in items]
        assert len({item["waybill_no"] for item in made}) == 1000

    @pytest.mark.parametrize("count", [0, 1001])
    def test_none_and_too_many_are_refused(self, town: Town, someone: Tokens, count: int) -> None:
        answer = town.merchant.post("/v1/waybills", {"items": [order(town, someone)] * count})
        assert answer.status_code == 422
        assert answer.get_json()["code"] == "validation_failed"

    def test_each_item_has_its_own_error(self, town: Town, someone: Tokens) -> None:
        taken = town.waybill(someone, waybill_no=own_number())
        twice = own_number()
        items = [
            order(town, someone),
            {**order(town, someone), "network": "no-such"},
            {**order(town, someone), "carrier": "no-such"},
            order(town, someone, waybill_no=taken),
            order(town, someone, waybill_no=twice),
            order(town, someone, waybill_no=twice),
        ]
        answer = town.merchant.post("/v1/waybills", {"items": items})
        assert answer.status_code == 207
        codes = [item.get("error", {}).get("code") for item in answer.get_json()["items"]]
        assert codes == [
            None,
            "network_unknown",
            "carrier_unknown",
            "waybill_no_unusable",
            None,
            "waybill_no_unusable",
        ]
        answer = town.merchant.post("/v1/waybills", {"items": items[1:4]})
        assert answer.status_code == 422
        assert len(answer.get_json()["items"]) == 3

    @pytest.mark.parametrize("merge", [False, True])
    def test_a_misshapen_item_fails_alone(self, town: Town, merge: bool) -> None:
        one, other = (town.tokenize(canaries.person()) for _ in range(2))
        items: list[Any] = [
            order(town, one, order="s-0"),
            order(town, one, waybill_no="sf 1234"),
            order(town, other, recipient={**other.as_recipient(), "name": "Xu Misplaced"}),
            order(town, one, order="s-3"),
            "Xu Misplaced",
            None,
            order(town, other, colour="Xu Misplaced", branch="main", waybill_no=own_number()),
            order(town, other, order="s-7"),
        ]
        headers = {"Idempotency-Key": unique("key")}
        answer = town.merchant.post("/v1/waybills", {"items": items, "merge": merge}, headers=headers)
        assert answer.status_code == 207
        made = answer.get_json()["items"]
        wrong = {at: item["error"] for at, item in enumerate(made) if "error" in item}
        assert {at: error["code"] for at, error in wrong.items()} == dict.fromkeys(
            (1, 2, 4, 5, 6), "validation_failed"
        )
        assert (
            wrong[1]["detail"] == "/waybill_no: 8 to 32 of A-Z, 0-9 and -, with a letter; or 12 to 20 digits."
        )
        assert wrong[2]["detail"] == "/recipient/name: Not a token."
        assert wrong[6]["detail"] == "/: There is a field that is not known here."
        assert "sf 1234" not in answer.text
        assert "Misplaced" not in answer.text
        assert [made[at].get("merged") for at in (0, 3, 7)] == (
            [[0, 3], [0, 3], None] if merge else [None] * 3
        )
        assert made[7]["order"] == "s-7"
        again = town.merchant.post("/v1/waybills", {"items": items, "merge": merge}, headers=headers)
        assert (again.status_code, again.get_json()) == (207, answer.get_json())

    def test_nothing_but_misshapen_items_is_422(self, town: Town) -> None:
        answer = town.merchant.post("/v1/waybills", {"items": [7, {}]})
        assert answer.status_code == 422
        codes = [item["error"]["code"] for item in answer.get_json()["items"]]
        assert codes == ["validation_failed"] * 2

    def test_a_fault_of_the_whole_body_refuses_it_whole(self, town: Town, someone: Tokens) -> None:
        for body in (
            {"items": {"0": order(town, someone)}},
            {"items": None},
            {"items": [order(town, someone)], "colour": "red"},
        ):
            answer = town.merchant.post("/v1/waybills", body)
            assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
