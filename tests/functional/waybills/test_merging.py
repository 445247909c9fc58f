"""Orders of one recipient in one parcel: what is merged, and what never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import canaries
from tests.functional.waybills.orders import merge, order, own_number, twice
from tests.functional.waybills.segments import counts, granted
from tests.policies import policies_with
from tests.world import Tokens, Town, World, new_town, today, unique


@pytest.fixture
def town(world: World) -> Town:
    """Each test counts from nothing."""
    return new_town(world)


class TestWhatIsMerged:
    def test_every_item_is_answered_in_its_place(self, town: Town) -> None:
        first, second = twice(town)
        other = order(town, town.tokenize(canaries.person()), order="other")
        wrong = {**order(town, town.tokenize(canaries.person())), "carrier": "no-such"}
        made = merge(town.merchant, [first, wrong, other, second])
        assert made[1]["error"]["code"] == "carrier_unknown"
        assert made[0] == made[3]
        assert made[0]["orders"] == [first["order"], second["order"]]
        assert (made[0]["order"], made[0]["merged"]) == (first["order"], [0, 3])
        assert made[2]["waybill_no"] != made[0]["waybill_no"]
        assert made[2]["order"] == "other"
        assert not {"orders", "merged"} & made[2].keys()

    def test_values_written_otherwise_are_the_same(self, town: Town) -> None:
        someone = canaries.person()
        again = [
            {"kind": "name", "value": f" {someone.name} "},
            {"kind": "phone", "value": f"+86 {someone.phone[:3]}-{someone.phone[3:]}"},
            {"kind": "address", "value": someone.address},
        ]
        answer = town.merchant.post("/v1/tokens", {"items": again}).get_json()["items"]
        tokens = town.tokenize(someone), Tokens(*(item["token"] for item in answer))
        one, other = merge(town.merchant, [order(town, each) for each in tokens])
        assert one == other
        assert one["merged"] == [0, 1]
        assert "order" not in one

    def test_a_reference_that_comes_twice_stands_once(self, town: Town) -> None:
        tokens = town.tokenize(canaries.person())
        made = merge(town.merchant, [order(town, tokens, order=name) for name in ("x-1", "x-2", "x-1")])
        assert [each["orders"] for each in made] == [["x-1", "x-2"]] * 3
        assert made[0]["merged"] == [0, 1, 2]

    def test_a_number_that_both_bring_is_one_parcels(self, town: Town) -> None:
        own = own_number()
        made = merge(town.merchant, twice(town, waybill_no=own))
        assert [each["waybill_no"] for each in made] == [own, own]

    def test_beyond_a_hundred_they_go_in_the_next_parcel(self, town: Town) -> None:
        tokens = town.tokenize(canaries.person())
        made = merge(town.merchant, [order(town, tokens, order=f"h-{at}") for at in range(201)])
        assert [len(each.get("orders", [0])) for each in made] == [100] * 200 + [1]
        assert len({each["waybill_no"] for each in made}) == 3


class TestWhatIsNot:
    def test_without_being_asked(self, town: Town) -> None:
        answer = town.merchant.post("/v1/waybills", {"items": twice(town)})
        assert len({each["waybill_no"] for each in answer.get_json()["items"]}) == 2
        answer = town.merchant.post("/v1/waybills", {"merge": False, "items": twice(town)})
        assert len({each["waybill_no"] for each in answer.get_json()["items"]}) == 2

    @pytest.mark.parametrize("kind", ["name", "phone", "address"])
    @pytest.mark.parametrize("party", ["recipient", "sender"])
    def test_another_value(self, town: Town, kind: str, party: str) -> None:
        sender = town.tokenize(canaries.person()).as_recipient()
        first, second = twice(town, sender=sender)
        other = town.tokenize(canaries.person()).as_recipient()
        second[party] = {**second[party], kind: other[kind]}
        made = merge(town.merchant, [first, second])
        assert made[0]["waybill_no"] != made[1]["waybill_no"]

    def test_another_way(self, town: Town) -> None:
        carrier = new_town(town.world).carrier_slug
        first, _ = twice(town)
        sender = town.tokenize(canaries.person()).as_recipient()
        ways: list[dict[str, Any]] = [
            {},
            {"network": "jd"},
            {"carrier": carrier},
            {"relay": True},
            {"waybill_no": own_number()},
            {"waybill_no": own_number()},
            {"sender": sender},
        ]
        made = merge(town.merchant, [{**first, **way} for way in ways])
        assert len({each["waybill_no"] for each in made}) == len(ways)
        assert not [each for each in made if "merged" in each]

    @pytest.mark.parametrize("wrong", [1, "true", None])
    def test_a_merge_that_is_no_boolean_is_refused(self, town: Town, wrong: object) -> None:
        answer = town.merchant.post("/v1/waybills", {"merge": wrong, "items": twice(town)})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")

    def test_one_alone_takes_no_merge(self, town: Town) -> None:
        answer = town.merchant.post("/v1/waybills", {**twice(town)[0], "merge": True})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")

    def test_across_merchants_of_one_platform(self, town: Town) -> None:
        neighbour = new_town(town.world, platform_slug=town.platform_slug)
        someone = canaries.person()
        theirs = order(town, neighbour.tokenize(someone))
        made = merge(town.merchant, [order(town, town.tokenize(someone)), theirs])
        assert "merged" not in made[0]
        assert made[1]["error"]["code"] == "token_unknown"


class TestRepeats:
    def test_the_same_key_gives_the_same_answer_whatever_happened_since(self, town: Town) -> None:
        first, second = twice(town)
        wrong = {**first, "network": "no-such"}
        headers = {"Idempotency-Key": unique("key")}
        items = [wrong, first, wrong, second, *twice(town)]
        made = merge(town.merchant, items, headers=headers)
        town.event(made[1]["waybill_no"], "accepted")
        assert merge(town.merchant, items, headers=headers) == made
        assert [each.get("merged") for each in made] == [None, [1, 3], None, [1, 3], [4, 5], [4, 5]]

    def test_without_merge_it_is_another_request(self, town: Town) -> None:
        headers = {"Idempotency-Key": unique("key")}
        items = twice(town)
        merge(town.merchant, items, headers=headers)
        answer = town.merchant.post("/v1/waybills", {"items": items}, headers=headers)
        assert answer.get_json()["code"] == "idempotency_key_reused"


class TestNumbers:
    def test_one_of_the_segment_and_one_fee(self, world: World, town: Town) -> None:
        numbers = granted(world, town, 20)
        made = merge(town.merchant, twice(town))
        assert made[0]["waybill_no"] == numbers[0]
        assert counts(town.merchant)[:2] == (19, 1)
        month = f"{today():%Y-%m}"
        [line] = town.merchant.get(f"/v1/usage?month={month}").get_json()["items"]
        assert line["issued"] == 1

    def test_what_gets_none_says_so_to_each_of_its_orders(self, world: World, town: Town) -> None:
        granted(world, town, 1)
        one, other = twice(town), twice(town)
        made = merge(town.merchant, [one[0], other[0], one[1], other[1]])
        assert made[0]["waybill_no"] == made[2]["waybill_no"]
        assert [made[at]["error"]["code"] for at in (1, 3)] == ["segment_exhausted"] * 2

    def test_cancelling_gives_the_one_number_back(self, world: World, town: Town) -> None:
        granted(world, town, 20)
        first, second = twice(town)
        waybill_no = merge(town.merchant, [first, second])[0]["waybill_no"]
        cancelled = town.merchant.post(f"/v1/waybills/{waybill_no}/cancel").get_json()
        assert cancelled["state"] == "cancelled"
        assert cancelled["orders"] == [first["order"], second["order"]]
        assert counts(town.merchant) == (20, 1, 1, 1)

    def test_one_of_each_branch(self, world: World, town: Town) -> None:
        branches = {branch: granted(world, town, 5, branch=branch) for branch in ("east", "west")}
        [first, second] = twice(town)
        made = merge(
            town.merchant, [{**each, "branch": name} for each in (first, second) for name in branches]
        )
        assert [each["waybill_no"] for each in made] == [numbers[0] for numbers in branches.values()] * 2


def test_who_may_not_match_may_not_merge(world: World, tmp_path: Path) -> None:
    """It would tell the same."""
    folder = policies_with(tmp_path / "policies")
    for name, old, new in (
        ("merchant.cedar", 'Action::"token.match", ', ""),
        ("merchant.cedar", 'Action::"token.match",', ""),
        (
            "cases.yaml",
            "do: token.match, on: teas-ground, then: allow, by: merchant-own-ground, ",
            "do: token.match, on: teas-ground, then: deny, ",
        ),
    ):
        file = folder / "access" / name
        file.write_text(file.read_text().replace(old, new))
    town = new_town(world, app=world.gateway(policies=folder))
    answer = town.merchant.post("/v1/waybills", {"merge": True, "items": twice(town)})
    match = town.merchant.post("/v1/tokens/match", {"recipients": [twice(town)[0]["recipient"]]})
    assert (answer.status_code, answer.get_json()["code"]) == (match.status_code, match.get_json()["code"])
    assert answer.status_code == 404
    answer = town.merchant.post("/v1/waybills", {"items": twice(town)})
    assert answer.status_code == 201
