"""Making waybills, one and many."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import canaries
from tests.functional.waybills.orders import order, own_number
from tests.world import Actor, Tokens, Town, new_town


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
    own = own_number()
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
    own = own_number()
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
    own, together = own_number(), threading.Barrier(16)

    def want(_: int) -> int:
        together.wait()
        return town.merchant.post("/v1/waybills", order(town, someone, waybill_no=own)).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = sorted(pool.map(want, range(16)))
    assert answers == [201] + [422] * 15
    assert town.merchant.get(f"/v1/waybills/{own}").status_code == 200


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
