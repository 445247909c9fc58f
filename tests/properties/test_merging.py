"""Merging is a partition of a batch by what its orders ask for: equal ones in one parcel, others never."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import canaries
from tests.world import Town, World, new_town, unique

# Few of each, so that they meet: recipients, senders (0 is none), networks, relay, and a token that nobody knows.
wishes = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from(["douyin", "jd"]), st.booleans(), st.integers(0, 9)
)
_NOBODYS = 0


def test_a_batch_is_parted_by_equality(world: World) -> None:
    town = new_town(world)
    # People who have some of their values in common.
    one, other = canaries.person(), canaries.person()
    people = [
        canaries.Person(name, phone, address)
        for name, phone, address in product(
            *zip(*((p.name, p.phone, p.address) for p in (one, other)), strict=True)
        )
    ][:4]

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(wishes, min_size=1, max_size=9))
    def parted(batch: list[tuple[int, int, str, bool, int]]) -> None:
        items = [_order(town, people, wish, at) for at, wish in enumerate(batch)]
        body, headers = {"merge": True, "items": items}, {"Idempotency-Key": unique("key")}
        made = town.merchant.post("/v1/waybills", body, headers=headers).get_json()["items"]
        assert [("error" in answer) for answer in made] == [wish[4] == _NOBODYS for wish in batch]
        for at, wish in enumerate(batch):
            if wish[4] == _NOBODYS:
                continue
            same = [n for n, each in enumerate(batch) if each[:4] == wish[:4] and each[4] != _NOBODYS]
            number = made[at]["waybill_no"]
            assert [n for n, answer in enumerate(made) if answer.get("waybill_no") == number] == same
            assert made[at].get("merged", [at]) == same
            assert made[at].get("orders", [made[at]["order"]]) == [items[n]["order"] for n in same]
        assert town.merchant.post("/v1/waybills", body, headers=headers).get_json()["items"] == made

    parted()


def _order(
    town: Town, people: list[canaries.Person], wish: tuple[int, int, str, bool, int], at: int
) -> dict[str, Any]:
    recipient, sender, network, relay, luck = wish
    item: dict[str, Any] = {
        "network": network,
        "carrier": town.carrier_slug,
        "order": f"o-{at}",
        "relay": relay,
        "recipient": town.tokenize(people[recipient]).as_recipient(),
    }
    if sender:
        item["sender"] = town.tokenize(people[sender]).as_recipient()
    if luck == _NOBODYS:
        item["recipient"]["name"] = "nm_01m74sxx00fdtt5ycrhzdsasqc"
    return item
