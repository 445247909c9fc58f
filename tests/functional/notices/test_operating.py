"""What operators do: choose a provider, look after what nobody took."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.functional.notices import provider as providers
from tests.functional.notices.conftest import Waiting
from tests.functional.notices.provider import Provider
from tests.world import Actor, World
from vault_gateway.notices import providers as connectors
from vault_gateway.settings.model import SettingsError


def run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vault_gateway", "notices", "dead", *arguments]
    data = ["--data", str(world.instance.engines.data)]
    return subprocess.run([*command, *data], capture_output=True, text=True, check=False)


def test_what_is_dead_is_listed_and_revived(
    waiting: Waiting, provider: Provider, world: World, auditor: Actor
) -> None:
    provider.plan.append(422)
    notice = waiting.queued()
    waiting.becomes(notice, "dead", 1)
    listed = run(world, "--json")
    assert listed.returncode == 0, listed.stderr
    [ours] = [one for one in json.loads(listed.stdout) if one["notice_id"] == notice]
    assert (ours["state"], ours["reason"], ours["waybill_no"]) == ("dead", "http_422", waiting.waybill_no)
    for secret in (waiting.recipient.phone, waiting.code):
        assert secret not in listed.stdout
    plain = run(world)
    assert notice in plain.stdout
    assert run(world, "--retry", notice).returncode == 0
    waiting.becomes(notice, "sent", 1)
    assert [id_ for id_, _, _ in provider.taken] == [notice] * 2
    again = run(world, "--retry", notice)
    assert (again.returncode, again.stdout) == (1, "")
    assert run(world, "--retry", "nt_unknown").returncode == 1
    events = auditor.get("/v1/audit/events?action=notice.retry").get_json()["items"]
    assert [event["resource"] for event in events][:1] == [f"notice:{notice}"]


def test_a_service_in_twilios_shape_gets_a_form_with_basic_authentication(
    waiting: Waiting, world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors, "_TIMEOUT", urllib3.Timeout(2.0))
    twilio = connectors.TwilioMessages(provider.url, providers.ACCOUNT, providers.TOKEN, providers.SENDER)
    message = connectors.Message("nt_1", waiting.recipient.e164, "您的包裹 & more")
    assert twilio.send(message) == (connectors.Outcome.SENT, None)
    assert provider.taken == [("nt_1", waiting.recipient.e164, "您的包裹 & more")]
    assert waiting.recipient.phone not in repr(message)
    wrong = connectors.TwilioMessages(provider.url, providers.ACCOUNT, "wrong", providers.SENDER)
    assert wrong.send(message) == (connectors.Outcome.LATER, "http_401")
    nobody = connectors.TwilioMessages("http://127.0.0.1:9", providers.ACCOUNT, "x", providers.SENDER)
    assert nobody.send(message) == (connectors.Outcome.LATER, "no_connection")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"notice_webhook_url": "https://sms.example/send"}, "NOTICE_WEBHOOK_SECRET"),
        (
            {"notice_webhook_url": "http://sms.example/send", "notice_webhook_secret": "x" * 16},
            "https",
        ),
        ({"notice_webhook_url": "https://sms.example/send", "notice_webhook_secret": "x"}, "16 characters"),
        ({"twilio_api_url": "https://api.example"}, "TWILIO_ACCOUNT_SID"),
        (
            {"twilio_api_url": "https://api.example", "twilio_account_sid": "AC1", "twilio_from": "+1"},
            "TWILIO_AUTH_TOKEN",
        ),
        ({"notice_provider": "webhook"}, "NOTICE_WEBHOOK_URL"),
        ({"notice_provider": "twilio"}, "TWILIO_API_URL"),
        ({"notice_provider": "pigeon"}, "NOTICE_PROVIDER"),
        (
            {"notice_webhook_url": "https://sms.example", "notice_webhook_secret": "whsec_no-base-64-at-all"},
            "NOTICE_WEBHOOK_SECRET",
        ),
    ],
)
def test_half_a_provider_is_refused_at_start(world: World, changed: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        replace(world.settings, **changed)


def test_no_secret_shows_in_the_settings(world: World, tmp_path: Path) -> None:
    settings = replace(
        world.settings,
        notice_webhook_url="https://sms.example/send",
        notice_webhook_secret="a-very-secret-secret",
        twilio_api_url="https://api.example",
        twilio_account_sid="AC12",
        twilio_from="+12025550100",
        twilio_auth_token="a-very-secret-token",
    )
    assert "very-secret" not in repr(settings)
