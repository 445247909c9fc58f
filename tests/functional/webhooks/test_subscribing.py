"""Who may be told of parcels, and what is kept of it."""

from __future__ import annotations

import pytest

from tests.functional.webhooks.conftest import Shop, drain, subscribe
from tests.functional.webhooks.receiver import Receiver
from tests.world import Town, World
from vault_gateway.webhooks.sending import Sender

URL = "https://shop.example/parcels"


def test_the_secret_is_shown_once_and_stored_nowhere(town: Town, world: World) -> None:
    webhook_id, secret = subscribe(town.merchant, URL, events=["delivered"])
    (listed,) = town.merchant.get("/v1/webhooks").get_json()["items"]
    assert (listed["webhook_id"], listed["url"], listed["events"]) == (webhook_id, URL, ["delivered"])
    assert "secret" not in listed
    assert secret.removeprefix("whsec_").encode() not in world.dump()


def test_a_repeated_request_makes_one_webhook_and_tells_the_same_secret(town: Town) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [town.merchant.post("/v1/webhooks", {"url": URL}, headers=headers) for _ in range(2)]
    assert answers[0].get_json() == answers[1].get_json()
    assert len(town.merchant.get("/v1/webhooks").get_json()["items"]) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/parcels",
        "http://127.0.0.1/parcels",
        "ftp://shop.example/parcels",
        "https://user:word@shop.example/",
        "https://shop.example/#here",
        "https://shop.example:0/",
        "https:///parcels",
    ],
)
def test_only_https_without_user_and_fragment_is_taken(town: Town, url: str) -> None:
    answer = town.merchant.post("/v1/webhooks", {"url": url})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "webhook_url_refused")
    assert url not in answer.text


def test_a_removed_webhook_hears_nothing_and_is_not_anothers_to_remove(
    shop: Shop, sender: Sender, receiver: Receiver, elsewhere: Town
) -> None:
    path = f"/v1/webhooks/{shop.webhook_id}"
    for other in (elsewhere.merchant, elsewhere.platform, shop.town.platform):
        assert other.delete(path).status_code == 404
    shop.town.waybill()
    assert shop.town.merchant.delete(path).status_code == 204
    assert shop.town.merchant.delete(path).status_code == 404
    assert shop.town.merchant.get("/v1/webhooks").get_json()["items"] == []
    assert (drain(sender), receiver.got) == (0, [])


def test_who_owns_no_parcels_has_no_webhooks(town: Town) -> None:
    for other in (town.carrier, town.courier, town.station, town.world.actor("operator")):
        answer = other.post("/v1/webhooks", {"url": URL})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
        assert other.get("/v1/webhooks").status_code == 403


def test_ten_are_enough(town: Town) -> None:
    for _ in range(10):
        subscribe(town.merchant, URL)
    answer = town.merchant.post("/v1/webhooks", {"url": URL})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "webhook_limit")
    subscribe(town.platform, URL)
