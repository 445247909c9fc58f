"""Behind a proxy the access log and the limit on failed logins see the caller, and a caller cannot pose as another."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.world import Actor, World, new_town
from vault_gateway.settings.model import SettingsError

# The test client's own address.
PEER = "127.0.0.1/32"


@pytest.fixture
def behind_proxy(world: World) -> Flask:
    return world.gateway(trusted_proxies=PEER, failed_logins="3/minute")


@pytest.fixture
def in_the_open(world: World) -> Flask:
    return world.gateway(failed_logins="3/minute")


def failed(app: Flask, forwarded_for: str) -> int:
    headers = {"X-Forwarded-For": forwarded_for}
    return Actor(app, "vg_wrong", "nobody").get("/v1/waybills", headers=headers).status_code


def audited_ip(world: World, app: Flask, forwarded_for: str) -> str:
    town = new_town(world, app=app)
    answer = town.merchant.post(
        "/v1/tokens/search", {"kind": "phone", "last4": "0000"}, headers={"X-Forwarded-For": forwarded_for}
    )
    assert answer.status_code == 200, answer.text
    auditor = world.actor("auditor", platform=town.platform_slug)
    (event,) = auditor.get("/v1/audit/events?action=token.search").get_json()["items"]
    return str(event["ip"])


def test_the_access_log_has_the_callers_address(world: World, behind_proxy: Flask) -> None:
    assert audited_ip(world, behind_proxy, "8.8.8.8, 203.0.113.9:1234") == "203.0.113.9"


def test_a_caller_without_a_proxy_cannot_choose_its_address(world: World, in_the_open: Flask) -> None:
    assert audited_ip(world, in_the_open, "203.0.113.9") == "127.0.0.1"


def test_each_caller_behind_a_proxy_has_failed_logins_of_its_own(behind_proxy: Flask) -> None:
    assert [failed(behind_proxy, "203.0.113.1") for _ in range(4)] == [401, 401, 401, 429]
    assert failed(behind_proxy, "203.0.113.2") == 401


def test_forged_entries_give_no_new_tries(behind_proxy: Flask, in_the_open: Flask) -> None:
    assert [failed(behind_proxy, f"203.0.113.{n}, 198.51.100.1") for n in range(4)] == [401, 401, 401, 429]
    assert [failed(in_the_open, f"203.0.113.{n}") for n in range(4)] == [401, 401, 401, 429]


def test_another_address_of_the_same_ipv6_network_gives_no_new_tries(behind_proxy: Flask) -> None:
    assert [failed(behind_proxy, f"2001:db8::{n}") for n in range(4)] == [401, 401, 401, 429]
    assert failed(behind_proxy, "2001:db8:0:1::1") == 401


def test_networks_that_are_none_are_refused_at_start(world: World) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        world.gateway(trusted_proxies="the proxy")


def test_a_served_gateway_reads_all_header_lines_and_none_that_only_looks_like_one(world: World) -> None:
    """gunicorn joins repeated lines; one with underscores, which some proxies let through, is not the header."""
    town = new_town(world)
    auditor = world.actor("auditor", platform=town.platform_slug)
    with world.served(trusted_proxies=PEER) as url:
        seen = []
        for lines in (
            [("X-Forwarded-For", "8.8.8.8"), ("X-Forwarded-For", "203.0.113.9")],
            [("X-Forwarded-For", "203.0.113.9"), ("X_Forwarded_For", "8.8.8.8")],
            [("X_Forwarded_For", "8.8.8.8")],
            [("Forwarded", "for=8.8.8.8"), ("X-Real-IP", "8.8.8.8")],
        ):
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            body = b'{"kind": "phone", "last4": "0000"}'
            connection.putrequest("POST", "/v1/tokens/search")
            connection.putheader("Authorization", f"Bearer {town.merchant.key}")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            for name, value in lines:
                connection.putheader(name, value)
            connection.endheaders(body)
            assert connection.getresponse().status == 200
            connection.close()
            newest = auditor.get("/v1/audit/events?action=token.search").get_json()["items"][0]
            seen.append(newest["ip"])
    assert seen == ["203.0.113.9", "203.0.113.9", "127.0.0.1", "127.0.0.1"]
