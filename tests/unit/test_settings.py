"""Settings are what the environment says, or a refusal that names the setting."""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from vault_gateway.keys import Credential
from vault_gateway.settings.environment import from_environment, to_environment
from vault_gateway.settings.model import IDENTITIES, PREFIX, Settings, SettingsError
from vault_gateway.settings.policies import default_policies

SETTINGS = Settings(
    database_url="host=/tmp dbname=x password=hunter2",
    vault_addr="http://127.0.0.1:8200",
    identities={name: Credential(f"{name}-role", f"{name}-secret") for name in IDENTITIES},
    policies=default_policies(),
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_the_environment_gives_back_the_settings_it_was_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(
        SETTINGS,
        admin_database_url="host=/tmp dbname=x user=admin",
        operator_database_url="host=/tmp dbname=x user=operator",
        vault_ca=Path("/etc/ca.pem"),
        vault_batch_items=99,
        redis_url="redis://127.0.0.1:1/0",
        host="::1",
        port=1234,
        workers=2,
        threads=3,
        database_connections=4,
        max_body_bytes=5,
        client_rate="6/second",
        failed_logins="7/second",
        missed_searches_a_day=8,
        reveal_ttl_s=9,
        log_json=False,
        public_url="https://vault.example.com",
        trusted_proxies="10.0.0.0/8, ::1",
        fold_every_s=7,
        webhook_senders=5,
        webhook_internal_hosts="shop.internal",
        webhook_ca=Path("/etc/ca-of-shops.pem"),
        jwks_internal_hosts="id.internal",
        jwks_ca=Path("/etc/jwks-ca.pem"),
        jwt_life_s=3600,
        break_glass_ttl_s=61,
        break_glass_a_day=12,
        unrecorded_routes=11,
        notice_provider="twilio",
        notice_webhook_url="https://sms.example/send",
        notice_webhook_secret="whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==",
        notice_ca=Path("/etc/notice-ca.pem"),
        twilio_api_url="https://api.example",
        twilio_account_sid="AC12",
        twilio_from="+12025550100",
        twilio_auth_token="token",
        twilio_telecom="twilio",
        twilio_url="https://relay.example",
        duties=("tokenize", "audit"),
    )
    assert not [
        f.name
        for f in fields(changed)
        if getattr(changed, f.name) == getattr(SETTINGS, f.name)
        and f.name not in ("database_url", "vault_addr", "identities", "policies")
    ], "change every one"
    for name, value in to_environment(changed).items():
        monkeypatch.setenv(name, value)
    assert from_environment() == changed


def test_a_toml_file_fills_in_what_the_environment_has_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    toml = tmp_path / "gateway.toml"
    toml.write_text('database_url = "from file"\nvault_addr = "https://vault.example"\nport = 9\n')
    monkeypatch.setenv("VAULT_GATEWAY_DATABASE_URL", "from environment")
    read = from_environment(toml)
    assert (read.database_url, read.vault_addr, read.port) == ("from environment", "https://vault.example", 9)


def test_what_a_file_says_is_in_no_environment_afterwards(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text('database_url = "one"\nvault_addr = "https://one.example"\nport = 1\n')
    other.write_text('database_url = "other"\nvault_addr = "https://other.example"\n')
    before = dict(os.environ)
    assert from_environment(one).port == 1
    assert os.environ == before
    read = from_environment(other)
    assert (read.database_url, read.vault_addr, read.port) == ("other", "https://other.example", 8080)
    with pytest.raises(SettingsError):
        from_environment(tmp_path / "none.toml")
    assert os.environ == before


def test_a_name_in_a_file_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    toml = tmp_path / "gateway.toml"
    toml.write_text('database_url_file = "/run/url"\nrelay_role_id = "r"\ntrusted_proxy = "10.0.0.0/8"\n')
    with pytest.raises(SettingsError, match=r"gateway\.toml: there is no setting trusted_proxy$"):
        from_environment(toml)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("host=secret\n")
    monkeypatch.setenv("VAULT_GATEWAY_DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("VAULT_GATEWAY_VAULT_ADDR", "http://127.0.0.1:8200")
    assert from_environment().database_url == "host=secret"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"vault_addr": "http://vault.example:8200"}, "VAULT_ADDR"),
        ({"vault_addr": "vault.example"}, "VAULT_ADDR"),
        ({"workers": 2}, "REDIS_URL"),
        ({"duties": ("tokenize", "rule")}, "DUTIES"),
        ({"duties": ()}, "DUTIES"),
        ({"threads": 0}, "THREADS"),
        ({"client_rate": "fast"}, "CLIENT_RATE"),
        ({"failed_logins": "0/minute"}, "FAILED_LOGINS"),
        ({"failed_logins": ""}, "FAILED_LOGINS"),
        ({"reveal_ttl_s": 601}, "REVEAL_TTL_S"),
        ({"public_url": "vault.example.com"}, "PUBLIC_URL"),
        ({"public_url": "https://" + "v" * 93}, "PUBLIC_URL"),
        ({"policies": Path("/nowhere")}, "POLICIES"),
    ],
)
def test_what_is_unsafe_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        replace(SETTINGS, **change)


@pytest.mark.parametrize("name", [one.name for one in fields(Settings) if one.type == "int"])
def test_every_number_has_a_least_and_a_most(name: str) -> None:
    for wrong in (-1, 2**40):
        change: dict[str, Any] = {name: wrong}
        with pytest.raises(SettingsError, match=f"VAULT_GATEWAY_{name.upper()} is [0-9]"):
            replace(SETTINGS, **change)


def test_half_an_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = to_environment(SETTINGS)
    del environment["VAULT_GATEWAY_REVEALER_SECRET_ID"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="REVEALER"):
        from_environment()


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="VAULT_GATEWAY_DATABASE_URL"):
        from_environment()


def test_no_secret_shows_in_the_repr() -> None:
    assert "hunter2" not in repr(SETTINGS)
    assert "secret" not in repr(SETTINGS)


def test_the_list_of_settings_is_whole_and_its_defaults_are_true() -> None:
    text = (Path(__file__).parents[2] / "docs/settings.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| ?(.*?) ?\| ", text, re.MULTILINE))
    expected = {}
    for one in fields(Settings):
        if one.name not in ("identities", "policies"):
            default = "needed" if one.default is MISSING else one.default or ""
            expected[one.name.upper()] = ",".join(default) if isinstance(default, tuple) else str(default)
    assert listed == {**expected, "POLICIES": "shipped"}
    assert all(identity.upper() in text for identity in IDENTITIES)
