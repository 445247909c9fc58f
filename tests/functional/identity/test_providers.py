"""Identity providers that rotate, hang, fail or come back, seen from the real gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import urllib3
from flask import Flask

from tests.functional.identity.conftest import Trust
from tests.functional.identity.provider import Answer, Provider, json_answer, serving
from tests.in_thread import authority
from tests.world import Actor, World, unique
from vault_gateway.identity.key_sets import OF_FILE
from vault_gateway.identity.sources import outside_of

PATH = "/v1/waybills"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("tls"), "localhost")


class Switched:
    """Answers as its provider's server does now."""

    def __init__(self, provider: Provider) -> None:
        self.now: Answer = json_answer(provider.jwks())

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.now(handler)


@pytest.fixture
def provider() -> Provider:
    return Provider(f"https://{unique('id')}.example")


@pytest.fixture
def switched(provider: Provider) -> Switched:
    return Switched(provider)


@pytest.fixture
def url(switched: Switched, tls: Path) -> Iterator[str]:
    with serving(switched, tls) as server:
        yield f"https://localhost:{server.server_port}/jwks"


def gateway(world: World, tls: Path) -> Flask:
    return world.gateway(jwks_internal_hosts="localhost", jwks_ca=tls.with_name("ca.pem"))


def trusted(world: World, trust: Trust, provider: Provider, url: str, tls: Path) -> None:
    settings = replace(world.settings, jwks_internal_hosts="localhost", jwks_ca=tls.with_name("ca.pem"))
    trust("carrier", provider=provider, jwks=url, outside=outside_of(settings), carrier=unique("c"))


def status(app: Flask, token: str) -> int:
    return Actor(app, token, "jwt").get(PATH).status_code


def test_keys_come_from_a_real_server_by_tls(
    world: World, trust: Trust, provider: Provider, url: str, tls: Path
) -> None:
    trusted(world, trust, provider, url, tls)
    assert status(gateway(world, tls), provider.token(sub="desk")) == 200


def test_a_gateway_whose_operator_did_not_open_the_host_asks_nobody(
    world: World, trust: Trust, provider: Provider, url: str, tls: Path
) -> None:
    trusted(world, trust, provider, url, tls)
    answer = Actor(world.app, provider.token(sub="desk"), "jwt").get(PATH)
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "identity_provider_unavailable"
    assert answer.headers["Retry-After"]


def test_rotated_keys_are_found_and_a_broken_server_keeps_the_last_good_ones(
    world: World, trust: Trust, provider: Provider, switched: Switched, url: str, tls: Path
) -> None:
    trusted(world, trust, provider, url, tls)
    app = gateway(world, tls)
    old = provider.token(sub="desk")
    assert status(app, old) == 200
    provider.rotate("k2")
    switched.now = json_answer(provider.jwks())
    deadline = time.monotonic() + 20
    while status(app, provider.token(sub="desk")) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert status(app, old) == 401
    switched.now = lambda handler: handler.send_error(500)
    assert status(app, provider.token(sub="other-desk")) == 200


def test_a_file_of_keys_is_read_again_when_it_changes(
    world: World, provider: Provider, trust: Trust, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(provider.jwks())
    trust("carrier", provider=provider, jwks=str(file), carrier=unique("c"))
    assert status(world.app, provider.token(sub="desk")) == 200
    old_key, old_kid = provider.key, provider.kid
    provider.rotate("k2")
    file.write_bytes(provider.jwks())
    time.sleep(OF_FILE.retry_s)
    assert status(world.app, provider.token(sub="desk")) == 200
    provider.key, provider.kid = old_key, old_kid
    assert status(world.app, provider.token(sub="desk")) == 401


def test_a_hanging_server_does_not_hold_up_those_with_keys(
    world: World, trust: Trust, provider: Provider, switched: Switched, url: str, tls: Path
) -> None:
    """On a real server with few threads: twenty requests wait for the hanging one or are told to come again."""
    trusted(world, trust, provider, url, tls)
    release = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> None:
        release.wait(20)

    switched.now = hang
    merchant = world.actor("merchant", platform=unique("p"), merchant=unique("m"))
    with world.served(threads=4, jwks_internal_hosts="localhost", jwks_ca=tls.with_name("ca.pem")) as served:
        pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=15.0)

        def get(key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"}
            return pool.request("GET", served + PATH, headers=headers).status

        statuses: list[int] = []
        callers = [
            threading.Thread(target=lambda: statuses.append(get(provider.token(sub="desk"))))
            for _ in range(20)
        ]
        for caller in callers:
            caller.start()
        slowest = 0.0
        for _ in range(10):
            began = time.monotonic()
            assert get(merchant.key) == 200
            slowest = max(slowest, time.monotonic() - began)
        for caller in callers:
            caller.join()
        # Had all of them waited, it would be the fifth of five rounds of a second each.
        assert slowest < 3.0
        assert statuses == [503] * 20
        release.set()
