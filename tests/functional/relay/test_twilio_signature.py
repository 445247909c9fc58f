"""Only Twilio is heard, and only for the one account and telecom that the operator has set."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests import canaries
from tests.functional.relay import twilio as twilios
from tests.functional.relay.conftest import Line, wrong
from tests.functional.relay.twilio import ACCOUNT, TOKEN, URL, PhoneCall, Twilio, Verb, read
from tests.pool import fresh_number
from tests.world import Actor, TurnedClock, World
from vault_gateway.identity import store
from vault_gateway.relay.twilio.signature import sign
from vault_gateway.settings.model import SettingsError

VOICE = "/v1/relay/twilio/voice"


def form_of(call: PhoneCall) -> dict[str, str]:
    return {"AccountSid": ACCOUNT, **call.form}


@pytest.fixture
def call(line: Line, twilio: Twilio) -> PhoneCall:
    return PhoneCall(twilio, f"+86{canaries.phone()}", line.number)


def signature_of(path: str, form: dict[str, Any]) -> str:
    return sign(TOKEN, URL + path, {name: [value] for name, value in form.items()}).decode()


def assert_refused(answer: TestResponse) -> None:
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert answer.get_json()["code"] == "signature_invalid"


def test_what_the_twilio_package_signs_is_heard(call: PhoneCall) -> None:
    assert [verb.name for verb in call.begins()] == ["Gather"]


@pytest.mark.parametrize("signature", [None, "", "AAAA", "é\u2028", "A" * 27 + "=", "x" * 10_000])
def test_what_is_not_signed_is_refused(call: PhoneCall, signature: str | None) -> None:
    given = None if signature is None else signature.encode("utf-8").decode("latin-1")
    assert_refused(call.twilio.send(VOICE, form_of(call), given))


def test_a_key_takes_no_signatures_place(call: PhoneCall, telecom: Actor) -> None:
    key = {"Authorization": f"Bearer {telecom.key}"}
    assert_refused(call.twilio.send(VOICE, form_of(call), None, **key))


def test_another_secret_another_url_and_another_account_are_refused(call: PhoneCall) -> None:
    twilio, form = call.twilio, call.form
    assert_refused(twilio.but(token="0" * 32).post(VOICE, form))
    for url in ("http://relay.example", "https://other.example", f"{URL}/x", f"{URL}:8443"):
        assert_refused(twilio.but(url=url).post(VOICE, form))
    assert_refused(twilio.but(account="AC" + "0" * 32).post(VOICE, form))
    # Signed for one address, sent to another.
    assert_refused(twilio.send(f"{VOICE}/over", form_of(call), signature_of(VOICE, form_of(call))))
    assert_refused(twilio.send(f"{VOICE}?tries=1", form_of(call), signature_of(VOICE, form_of(call))))


@pytest.mark.parametrize("change", ["added", "changed", "doubled", "moved", "removed"])
def test_no_parameter_can_be_changed(call: PhoneCall, change: str) -> None:
    signed = {**form_of(call), "Digits": "471123"}
    sent: dict[str, Any] = dict(signed)
    if change == "added":
        sent["DialCallStatus"] = "busy"
    elif change == "changed":
        sent["Digits"] = "471124"
    elif change == "doubled":
        sent["Digits"] = ["471123", "471124"]
    elif change == "removed":
        del sent["Digits"]
    else:
        sent["DigitsF"] = sent.pop("Digits")
    assert_refused(call.twilio.send(VOICE, sent, signature_of(VOICE, signed)))


def test_names_and_values_cannot_be_shifted_into_each_other(call: PhoneCall) -> None:
    """What is signed has no marks between them, so the same text can be cut in another way."""
    signed = form_of(call)
    shifted = {**signed, "CallSidCA": signed["CallSid"].removeprefix("CA")}
    del shifted["CallSid"]
    assert sign(TOKEN, URL, {n: [v] for n, v in shifted.items()}) == sign(
        TOKEN, URL, {n: [v] for n, v in signed.items()}
    )
    answer = call.twilio.send(VOICE, shifted, signature_of(VOICE, signed))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")


def test_another_body_than_a_form_is_refused(call: PhoneCall) -> None:
    form = form_of(call)
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    assert_refused(call.twilio.send(VOICE, form, signature_of(VOICE, form), **multipart))
    assert_refused(
        call.twilio.send(VOICE, b"{}", signature_of(VOICE, {}), **{"Content-Type": "application/json"})
    )


@pytest.mark.parametrize("url", [URL, "https://relay.example:8443", "https://relay.example/behind/here"])
@pytest.mark.parametrize("signed_with_port", [False, True])
def test_the_public_url_counts_and_not_what_proxies_say(
    world: World, line: Line, telecom: Actor, url: str, signed_with_port: bool
) -> None:
    """The proxy ends https and calls the gateway by http under another name. Twilio signs with the port or without."""
    twilio = Twilio(twilios.gateway(world, telecom.name, twilio_url=url + "/"), url=url)
    call = PhoneCall(twilio, f"+86{canaries.phone()}", line.number)
    signed = url.replace("relay.example", "relay.example:443") if url.count(":") == 1 else url
    if not signed_with_port:
        signed = url.replace(":8443", "")
    form = form_of(call)
    signature = sign(TOKEN, signed + VOICE, {name: [value] for name, value in form.items()}).decode()
    for forwarded in (
        {},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "Host": "inside:8080"},
    ):
        [gather] = read(twilio.send(VOICE, form, signature, **forwarded))
        assert gather["action"] == f"{url}{VOICE}?tries=1"
    evil = sign(
        TOKEN, "https://evil.example" + VOICE, {name: [value] for name, value in form.items()}
    ).decode()
    assert_refused(twilio.send(VOICE, form, evil, **{"X-Forwarded-Host": "evil.example"}))


def test_public_url_is_taken_where_twilio_has_none_of_its_own(
    world: World, line: Line, telecom: Actor
) -> None:
    app = twilios.gateway(world, telecom.name, twilio_url=None, public_url="https://vault.example")
    call = PhoneCall(Twilio(app, url="https://vault.example"), f"+86{canaries.phone()}", line.number)
    assert call.begins()[0].name == "Gather"


def test_who_is_no_telecom_any_more_is_refused(world: World, line: Line) -> None:
    for name in ("no-such-client", line.town.merchant.name):
        nobodys = Twilio(twilios.gateway(world, name))
        assert_refused(nobodys.post(VOICE, PhoneCall(nobodys, "", "").form))
    gone = world.actor("telecom")
    with world.admin() as conn:
        assert store.revoke_client(conn, gone.name, world.clock())
    nobodys = Twilio(twilios.gateway(world, gone.name))
    assert_refused(nobodys.post(VOICE, PhoneCall(nobodys, "", "").form))


def test_without_the_setting_there_is_nothing(world: World, call: PhoneCall) -> None:
    off = call.twilio.but(app=world.app)
    for answer in (off.post(VOICE, call.form), off.send(VOICE, {}, None)):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"twilio_auth_token": None}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_account_sid": None}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_telecom": None}, "TWILIO_TELECOM"),
        ({"twilio_url": None}, "PUBLIC_URL"),
        ({"twilio_url": "http://relay.example"}, "TWILIO_URL"),
        ({"twilio_url": "https://relay.example?x"}, "TWILIO_URL"),
        ({"twilio_url": "relay.example"}, "TWILIO_URL"),
    ],
)
def test_half_a_twilio_is_refused_at_start(world: World, changed: dict[str, str | None], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        twilios.gateway(world, "telecom", **changed)


def test_a_repeated_webhook_is_the_same_call_and_an_old_one_tells_nothing(
    line: Line, call: PhoneCall, clock: TurnedClock, auditor: Actor
) -> None:
    [gather] = call.begins()
    form = {**call.form, "Digits": line.extension}
    first = call.twilio.follow(gather["action"], form)
    assert call.twilio.follow(gather["action"], form).data == first.data
    clock.advance(seconds=61)
    late = call.twilio.follow(gather["action"], form)
    assert line.recipient.phone not in late.text
    assert read(late)[0].name == "Say"
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}&outcome="
    assert len(auditor.get(f"{path}allow").get_json()["items"]) == 2
    [denied] = auditor.get(f"{path}deny").get_json()["items"]
    assert denied["reason"] == "no_binding"


def test_a_webhook_that_is_sent_over_and_over_locks_nobody(line: Line, call: PhoneCall) -> None:
    [gather] = call.begins()
    form = {**call.form, "Digits": wrong(line.extension)}
    statuses = [call.twilio.follow(gather["action"], form).status_code for _ in range(12)]
    assert statuses == [200] * 5 + [429] * 7
    assert call.dialled(line.extension).name == "Dial"


def test_a_request_that_was_not_connected_is_no_old_one_however_late_it_is_repeated(
    world: World, line: Line, telecom: Actor, clock: TurnedClock
) -> None:
    """SECURITY.md says so: Twilio's signature has no time in it, and there is no call that it could be a repeat of."""
    call = PhoneCall(Twilio(twilios.gateway(world, telecom.name)), f"+86{canaries.phone()}", line.number)
    form = {**call.form, "Digits": line.extension}
    away = Twilio(twilios.gateway(world, telecom.name, vault_addr="http://127.0.0.1:9"))
    assert away.post(f"{VOICE}?tries=1", form).status_code == 503
    clock.advance(hours=2)
    [dial] = read(call.twilio.post(f"{VOICE}?tries=1", form))
    assert dial.within[0].text == line.recipient.e164
    # From here on it was connected, and is an old one a minute later.
    clock.advance(seconds=61)
    assert line.recipient.phone not in call.twilio.post(f"{VOICE}?tries=1", form).text


def test_the_telecoms_rate_is_spent(world: World, line: Line, telecom: Actor) -> None:
    twilio = Twilio(twilios.gateway(world, telecom.name, client_rate="2/minute"))
    calls = [PhoneCall(twilio, "", line.number) for _ in range(3)]
    assert [one.twilio.post(VOICE, one.form).status_code for one in calls] == [200, 200, 429]


def test_no_number_at_all_is_no_telecoms_number(call: PhoneCall) -> None:
    assert call.twilio.post(VOICE, {**call.form, "To": fresh_number()}).status_code == 404
    for broken in ({"CallSid": "x"}, {"CallSid": "CA" + "G" * 32}, {"From": "1" * 65}, {"Digits": "1" * 65}):
        assert call.twilio.post(VOICE, {**call.form, **broken}).status_code == 422
    assert Verb("Reject") not in call.begins()
