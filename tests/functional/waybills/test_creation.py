"""Making waybills, one and many."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import canaries
from tests.pool import add_numbers, retire_numbers
from tests.world import Actor, Tokens, Town, World, new_town, unique


def number() -> str:
    return unique("SF").upper()


def order(town: Town, tokens: Tokens, **more: Any) -> dict[str, Any]:
    return {"network": "douyin", "carrier": town.carrier_slug, "recipient": tokens.as_recipient(), **more}


@pytest.fixture(scope="module")
def someone(town: Town) -> Tokens:
    return town.tokenize(canaries.person())


def test_a_waybill_shows_masks_and_its_label(town: Town) -> None:
    person, sender = canaries.person(), canaries.person()
    tokens, senders = town.tokenize(person), town.tokenize(sender)
    answer = town.merchant.post(
        "/v1/waybills", order(town, tokens, order="o-1", sender=senders.as_recipient())
    )
    assert answer.status_code == 201
    made = answer.get_json()
    assert made["state"] == "created"
    assert made["network"] == "douyin"
    assert made["carrier"] == town.carrier_slug
    assert made["order"] == "o-1"
    assert made["receipt"].startswith("rc_")
    assert made["recipient"]["phone"] == f"1******{person.phone[-4:]}"
    assert made["sender"]["phone"] == f"1******{sender.phone[-4:]}"
    assert made["label"]["barcode"] == made["waybill_no"]
    assert not list(canaries.leaks(answer.data, [person.name, person.phone, person.detail, sender.name]))


def test_a_generated_number_is_the_networks(town: Town, someone: Tokens) -> None:
    numbers = {town.waybill(someone) for _ in range(5)}
    assert len(numbers) == 5
    assert len({len(each) for each in numbers}) == 1
    jd = town.merchant.post("/v1/waybills", {**order(town, someone), "network": "jd"}).get_json()
    assert jd["waybill_no"][:2] not in {each[:2] for each in numbers}


def test_a_number_of_ones_own_is_unique_while_its_parcel_lives(
    town: Town, elsewhere: Town, someone: Tokens
) -> None:
    own = number()
    assert town.waybill(someone, waybill_no=own) == own
    for place, tokens in ((town, someone), (elsewhere, elsewhere.tokenize(canaries.person()))):
        answer = place.merchant.post("/v1/waybills", order(place, tokens, waybill_no=own))
        assert answer.status_code == 422
        assert answer.get_json()["code"] == "waybill_no_unusable"


@pytest.mark.parametrize(
    "bad",
    [
        "12345678901",
        "SF1",
        "sf12345678",
        "SF" + "1" * 40,
        "SF 123456",
        "-SF123456",
        "ＳＦ123456",
        "SF12345\n",
    ],
)
def test_a_number_that_could_be_a_phone_or_a_text_is_refused(town: Town, someone: Tokens, bad: str) -> None:
    answer = town.merchant.post("/v1/waybills", order(town, someone, waybill_no=bad))
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "validation_failed"
    assert bad not in answer.text


def test_a_number_is_free_again_after_its_parcels_life(town: Town, elsewhere: Town, someone: Tokens) -> None:
    own = number()
    town.waybill(someone, waybill_no=own)
    assert town.merchant.post(f"/v1/waybills/{own}/cancel").status_code == 200
    assert elsewhere.waybill(waybill_no=own) == own
    # Each merchant and carrier finds its own parcel under the number, and the living one is the one that moves.
    assert town.merchant.get(f"/v1/waybills/{own}").get_json()["state"] == "cancelled"
    assert town.carrier.get(f"/v1/waybills/{own}").get_json()["state"] == "cancelled"
    assert elsewhere.merchant.get(f"/v1/waybills/{own}").get_json()["state"] == "created"
    assert elsewhere.event(own, "accepted").status_code == 201
    assert town.event(own, "accepted").status_code == 409
    assert new_town(town.world).merchant.get(f"/v1/waybills/{own}").status_code == 404


def test_of_sixteen_who_want_a_number_at_once_one_gets_it(town: Town, someone: Tokens) -> None:
    own, together = number(), threading.Barrier(16)

    def want(_: int) -> int:
        together.wait()
        return town.merchant.post("/v1/waybills", order(town, someone, waybill_no=own)).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = sorted(pool.map(want, range(16)))
    assert answers == [201] + [422] * 15
    assert town.merchant.get(f"/v1/waybills/{own}").status_code == 200


def test_batches_that_share_numbers_in_another_order_do_not_block_each_other(
    town: Town, someone: Tokens
) -> None:
    numbers = [number() for _ in range(40)]

    def batch(wanted: list[str]) -> list[bool]:
        items = [order(town, someone, waybill_no=each) for each in wanted]
        answer = town.merchant.post("/v1/waybills", {"items": items})
        assert answer.status_code in (201, 207, 422), answer.text
        return ["error" not in item for item in answer.get_json()["items"]]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(batch, [numbers, numbers[::-1]])
    assert [a != b for a, b in zip(one, other[::-1], strict=True)] == [True] * 40


@pytest.fixture(scope="module")
def not_ours(town: Town, elsewhere: Town, someone: Tokens) -> dict[str, dict[str, str]]:
    ours, theirs = someone.as_recipient(), elsewhere.tokenize(canaries.person())
    erased = town.tokenize(canaries.person())
    assert town.merchant.delete(f"/v1/tokens/{erased.phone}").status_code == 204
    return {
        "foreign": {**ours, "name": theirs.name},
        "erased": {**ours, "phone": erased.phone},
        "unknown": {**ours, "address": "ad_01m74sxx00fdtt5ycrhzdsasqc"},
        "another kind": {**ours, "name": ours["phone"]},
        "another kind's id": {**ours, "name": "nm_" + ours["phone"][3:]},
    }


class TestTokensThatAreNone:
    """Another merchant's, of another kind, erased, or made up: one answer."""

    def test_for_a_waybill(self, town: Town, someone: Tokens, not_ours: dict[str, dict[str, str]]) -> None:
        for recipient in not_ours.values():
            for body in (
                {**order(town, someone), "recipient": recipient},
                order(town, someone, sender=recipient),
            ):
                answer = town.merchant.post("/v1/waybills", body)
                assert answer.status_code == 422
                assert answer.get_json()["code"] == "token_unknown"

    def test_for_a_correction(self, town: Town, someone: Tokens, not_ours: dict[str, dict[str, str]]) -> None:
        waybill_no = town.waybill(someone)
        for recipient in not_ours.values():
            answer = town.merchant.patch(f"/v1/waybills/{waybill_no}", {"recipient": recipient})
            assert answer.status_code == 422
            assert answer.get_json()["code"] == "token_unknown"

    def test_trying_them_is_on_record(
        self, town: Town, someone: Tokens, auditor: Actor, not_ours: dict[str, dict[str, str]]
    ) -> None:
        items = [order(town, someone)] + [
            {**order(town, someone), "recipient": recipient} for recipient in not_ours.values()
        ]
        assert town.merchant.post("/v1/waybills", {"items": items}).status_code == 207
        query = f"actor=key:{town.merchant.name}&action=waybill.create&outcome=deny"
        latest = auditor.get(f"/v1/audit/events?{query}").get_json()["items"][0]
        assert latest["reason"] == "token_unknown"
        assert latest["detail"] == {"items": 5}
        assert latest["merchant"] == town.merchant_slug


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
        taken = town.waybill(someone, waybill_no=number())
        twice = number()
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
            order(town, other, colour="Xu Misplaced", branch="main", waybill_no=number()),
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
            order(town, someone, waybill_no=number()),
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


@pytest.mark.parametrize(
    "more",
    [{"state": "accepted"}, {"tenant_id": "x"}, {"receipt": "x"}, {"order": "a b"}, {"order": ""}, {"relay": 2},
     {"relay": "no"}, {"recipient": {}}, {"network": 1}, {"courier": "me"}],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(town: Town, someone: Tokens, more: dict[str, Any]) -> None:
    body = {**order(town, someone), **more}
    answer = town.merchant.post("/v1/waybills", body)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "validation_failed"
    answer = town.merchant.post("/v1/waybills", {"items": [body]})
    assert answer.status_code == 422
    assert [item["error"]["code"] for item in answer.get_json()["items"]] == ["validation_failed"]


def test_who_may_make_waybills(town: Town, elsewhere: Town, someone: Tokens) -> None:
    body = order(town, someone)
    for stranger in (town.carrier, town.courier, town.station):
        assert stranger.post("/v1/waybills", body).status_code == 403
    assert town.platform.post("/v1/waybills", body).get_json()["code"] == "merchant_required"
    of_merchant = {**body, "merchant": town.merchant_slug}
    answer = town.platform.post("/v1/waybills", of_merchant)
    assert answer.status_code == 201
    assert elsewhere.merchant.post("/v1/waybills", of_merchant).status_code == 404
    assert new_town(town.world).platform.post(
        "/v1/waybills", {**of_merchant, "platform": town.platform_slug}
    ).status_code == 404  # fmt: skip
