"""The recipient's page: all who looked and nobody who did not, and no value."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests import canaries
from tests.functional.breakglass.steps import WHY, approved, asked, opened_by
from tests.functional.console.conftest import Parcel, look
from tests.functional.relay.conftest import CITY
from tests.functional.reveals.steps import claim
from tests.pool import add_numbers, retire_numbers
from tests.responders import Desk
from tests.world import Actor, Tokens, Town, World
from vault_gateway.ids import base32, new_id
from vault_gateway.model import utc_now


@pytest.fixture
def parcel(town: Town) -> Parcel:
    someone = canaries.person()
    tokens = town.tokenize(someone)
    return Parcel(town, someone, tokens, town.out_for_delivery(tokens))


def reveal(parcel: Parcel, purpose: str = "deliver") -> dict[str, object]:
    body = {"waybill_no": parcel.waybill_no, "purpose": purpose, "claim": True}
    answer = parcel.town.courier.post("/v1/reveals", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def test_nobody_looked(parcel: Parcel) -> None:
    page = look(parcel.town.world.app, parcel.code, "zh")
    assert page.status_code == 200
    assert parcel.entries() == []
    assert "没有人查看过您的信息" in page.text
    assert "派送中" in page.text
    assert parcel.waybill_no in page.text


def test_a_courier_who_was_given_something_is_there_and_one_who_was_refused_is_not(
    parcel: Parcel, town: Town, world: World
) -> None:
    beside = Parcel(town, parcel.recipient, parcel.tokens, town.out_for_delivery(parcel.tokens))
    other = world.actor("courier", carrier=town.carrier_slug)
    refused = {"waybill_no": parcel.waybill_no, "purpose": "deliver", "claim": True}
    assert other.post("/v1/reveals", refused).status_code == 404
    # Issued, and not opened: nothing was disclosed.
    body = {"waybill_no": parcel.waybill_no, "purpose": "deliver"}
    grant = town.courier.post("/v1/reveals", body).get_json()["reveal_id"]
    assert parcel.entries() == []

    given = claim(town.courier, grant).get_json()
    [(who, text)] = parcel.entries()
    assert who == "courier"
    assert town.carrier_slug in text
    assert "name, full address" in text
    assert "delivery (sent out, receipt not confirmed)" in text
    acked = town.courier.post(f"/v1/reveals/{grant}/ack", {"ack_code": given["ack_code"]})
    assert acked.status_code == 200, acked.text
    [(_, text)] = parcel.entries()
    assert "not confirmed" not in text
    assert beside.entries() == []
    zh = look(world.app, parcel.code, "zh").text
    assert "姓名、详细地址" in zh
    assert "派送" in zh


def test_no_value_is_on_the_page_nor_who_the_courier_is(parcel: Parcel, town: Town, world: World) -> None:
    reveal(parcel)
    for language in ("zh", "en"):
        page = look(world.app, parcel.code, language)
        assert list(canaries.leaks(page.data)) == []
        assert town.courier.name not in page.text
        assert town.merchant_slug not in page.text
        assert parcel.tokens.phone not in page.text


def test_an_emergency_is_shown_whether_of_the_parcel_or_of_one_token(parcel: Parcel, world: World) -> None:
    desk = Desk(world)
    asks, agrees = desk.responder(), desk.responder()
    opened_by(asks, approved(agrees, asked(asks, parcel.waybill_no)))
    opened_by(asks, approved(agrees, asked(asks, token=parcel.tokens.phone)))
    entries = parcel.entries()
    assert [who for who, _ in entries] == ["responder", "responder"]
    page = look(world.app, parcel.code).text
    assert page.count("emergency, approved by a second person") == 2
    assert WHY not in page
    assert asks.name not in page


@pytest.fixture
def merged(town: Town) -> tuple[Parcel, Tokens]:
    """A parcel of two orders that one buyer gave one by one, and the tokens of the second."""
    someone = canaries.person()
    first, second = town.tokenize(someone), town.tokenize(someone)
    order = {"network": "douyin", "carrier": town.carrier_slug}
    items = [{**order, "recipient": tokens.as_recipient()} for tokens in (first, second)]
    made = town.merchant.post("/v1/waybills", {"merge": True, "items": items}).get_json()["items"]
    assert made[1]["merged"] == [0, 1]
    return Parcel(town, someone, first, made[0]["waybill_no"]), second


def test_an_emergency_of_a_merged_orders_token_is_on_its_parcels_page_alone(
    merged: tuple[Parcel, Tokens], town: Town, world: World
) -> None:
    parcel, second = merged
    beside = Parcel(town, parcel.recipient, parcel.tokens, town.waybill(parcel.tokens))
    desk = Desk(world)
    asks, agrees = desk.responder(), desk.responder()
    opened_by(asks, approved(agrees, asked(asks, token=second.address)))
    [(who, text)] = parcel.entries()
    assert (who, "full address" in text) == ("responder", True)
    assert beside.entries() == []


def test_after_a_correction_the_page_is_the_new_recipients(
    merged: tuple[Parcel, Tokens], town: Town, world: World
) -> None:
    parcel, second = merged
    recipient = town.tokenize(canaries.person()).as_recipient()
    corrected = town.merchant.patch(f"/v1/waybills/{parcel.waybill_no}", {"recipient": recipient})
    assert corrected.status_code == 200
    desk = Desk(world)
    asks, agrees = desk.responder(), desk.responder()
    opened_by(asks, approved(agrees, asked(asks, token=second.phone)))
    assert parcel.entries() == []


@pytest.fixture
def called(world: World, town: Town) -> Iterator[tuple[Parcel, Actor, dict[str, str]]]:
    """A parcel with a relay number, and the telecom that owns it."""
    telecom = world.actor("telecom")
    add_numbers(world, telecom.name, 1, "extension", region=CITY)
    someone = canaries.person()
    tokens = town.tokenize(someone)
    body = {
        "network": "douyin",
        "carrier": town.carrier_slug,
        "recipient": tokens.as_recipient(),
        "relay": True,
    }
    made = town.merchant.post("/v1/waybills", body).get_json()
    yield Parcel(town, someone, tokens, made["waybill_no"]), telecom, made["relay"]
    retire_numbers(world, telecom.name)


def test_calls_and_messages_that_were_connected_are_shown(
    called: tuple[Parcel, Actor, dict[str, str]],
) -> None:
    parcel, telecom, relay = called
    assert relay["number"], relay

    def route(medium: str, extension: str, **more: str) -> str:
        body = {
            "call_id": f"call-{secrets.token_hex(8)}",
            "medium": medium,
            "caller": f"+86{canaries.phone()}",
            **more,
        }
        answer = telecom.post("/v1/relay/route", {**body, "called": relay["number"], "extension": extension})
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["action"])

    wrong = f"{(int(relay['extension']) + 1) % 10 ** len(relay['extension']):0{len(relay['extension'])}d}"
    assert route("voice", wrong) == "reject"
    assert parcel.entries() == []
    assert route("voice", relay["extension"]) == "connect"
    assert route("sms", relay["extension"], text="hello") == "connect"
    entries = parcel.entries()
    assert [who for who, _ in entries] == ["telecom", "telecom"]
    assert "to pass on a message" in entries[0][1]
    assert "to connect a call" in entries[1][1]


def test_what_is_no_code_is_answered_alike(parcel: Parcel, world: World) -> None:
    code = parcel.code
    others = [
        f"rc_{base32(new_id(utc_now()))}",
        code[:-1] + ("0" if code[-1] != "0" else "1"),
        code.upper(),
        code.replace("rc_", "rv_"),
        parcel.waybill_no,
        parcel.tokens.phone,
        "rc_",
        "'; select 1 --",
        "%00",
        "é" * 200,
    ]
    answers = [look(world.app, other) for other in others]
    assert {answer.status_code for answer in answers[:-2]} == {404}
    assert len({answer.data for answer in answers[:8]}) == 1
    assert all(answer.status_code == 404 for answer in answers)
    assert "belongs to no parcel" in answers[0].text


def test_guessing_ends_and_locks_nobody_out_elsewhere(parcel: Parcel, world: World) -> None:
    code = parcel.code
    app = world.gateway(failed_logins="3/minute")
    tries = [look(app, f"rc_{base32(new_id(utc_now()))}").status_code for _ in range(4)]
    assert tries == [404, 404, 404, 429]
    assert look(app, code).status_code == 429
    merchant = parcel.town.merchant
    assert Actor(app, merchant.key, merchant.name).get(f"/v1/waybills/{parcel.waybill_no}").status_code == 200


def test_an_erased_recipient_still_sees_who_looked(parcel: Parcel, town: Town) -> None:
    code = parcel.code
    reveal(parcel)
    for token in (parcel.tokens.name, parcel.tokens.phone, parcel.tokens.address):
        assert town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
    page = look(town.world.app, code)
    assert page.status_code == 200
    assert 'class="courier"' in page.text


def test_the_page_says_how_it_may_be_used(parcel: Parcel, world: World) -> None:
    page = look(world.app, parcel.code)
    assert page.mimetype == "text/html"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh-CN,zh;q=0.9", "zh-CN"), ("en-GB,en;q=0.8", "en"), ("fr", "zh-CN"), ("", "zh-CN")],
)
def test_the_browsers_language_is_spoken(parcel: Parcel, world: World, header: str, language: str) -> None:
    page = world.app.test_client().get(f"/receipt/{parcel.code}", headers={"Accept-Language": header})
    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in page.text
