"""Issuers' keys: rotation is seen, servers are spared, and a slow one holds up nobody else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional.identity.provider import Provider
from tests.waiting import eventually
from vault_gateway.errors import GatewayError
from vault_gateway.identity.compact import TokenRefused
from vault_gateway.identity.fetch import JwksError
from vault_gateway.identity.jwks import Key, KeySet, parse_jwks
from vault_gateway.identity.key_sets import GOOD_FOR_S, OF_URL, WAIT_S, KeySets

URL = "https://id.example/jwks"


class Watch:
    """Monotonic time, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """What a server has, how often it was asked, and whether it answers: `gate` closed is a slow one."""

    def __init__(self) -> None:
        self.provider = Provider("https://id.example")
        self.loads = 0
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()

    def load(self, _source: str) -> KeySet:
        self.loads += 1
        assert self.gate.wait(10)
        if self.broken:
            raise JwksError("the address of the keys does not answer as it should")
        return parse_jwks(self.provider.jwks())


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def key_sets(issuer: Issuer, watch: Watch) -> KeySets:
    return KeySets(issuer.load, waiting_at_most=2, monotonic=watch)


def find(key_sets: KeySets, kid: str = "k1") -> Key:
    return key_sets.find("i1", URL, kid, "ES256")


def test_keys_are_loaded_once_while_fresh(key_sets: KeySets, issuer: Issuer, watch: Watch) -> None:
    for _ in range(5):
        find(key_sets)
        watch.now += OF_URL.fresh_s / 6
    assert issuer.loads == 1


def test_a_new_key_is_seen_when_a_token_names_it(key_sets: KeySets, issuer: Issuer, watch: Watch) -> None:
    find(key_sets)
    issuer.provider.rotate("k2")
    watch.now += OF_URL.retry_s
    find(key_sets, "k2")
    assert issuer.loads == 2
    with pytest.raises(TokenRefused, match="unknown_key"):
        find(key_sets)


def test_a_key_that_was_taken_away_while_nobody_asked_is_not_believed_once_more(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    find(key_sets)
    issuer.provider.rotate("k2")
    watch.now += 2 * OF_URL.fresh_s
    with pytest.raises(TokenRefused, match="unknown_key"):
        find(key_sets)
    assert issuer.loads == 2


def test_after_a_quiet_time_a_broken_server_keeps_the_last_good_keys_and_holds_up_the_first_alone(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    find(key_sets)
    watch.now += 2 * OF_URL.fresh_s
    issuer.broken = True
    find(key_sets)
    assert issuer.loads == 2
    issuer.gate.clear()
    watch.now += OF_URL.retry_s
    began = time.monotonic()
    for _ in range(20):
        find(key_sets)
    assert time.monotonic() - began < WAIT_S
    assert issuer.loads == 3
    issuer.gate.set()


def test_a_flood_of_unknown_kids_is_one_load_an_interval(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    find(key_sets)
    for minute in range(3):
        watch.now += OF_URL.retry_s
        for guess in range(50):
            with pytest.raises(TokenRefused):
                find(key_sets, f"guess-{minute}-{guess}")
    assert issuer.loads == 1 + 3


def test_many_at_once_are_one_load(key_sets: KeySets, issuer: Issuer) -> None:
    issuer.gate.clear()

    def one(_: int) -> str:
        try:
            find(key_sets)
        except GatewayError as error:
            return error.code
        return "found"

    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(one, n) for n in range(16)]
        eventually(lambda: sum(answer.done() for answer in answers) == 14)
        issuer.gate.set()
        outcomes = sorted(answer.result() for answer in answers)
    assert outcomes == ["found"] * 2 + ["identity_provider_unavailable"] * 14
    assert issuer.loads == 1


def test_a_load_that_outlasts_the_interval_stays_the_only_one(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    issuer.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(find, key_sets)
        eventually(lambda: issuer.loads == 1)
        watch.now += 3 * OF_URL.retry_s
        with pytest.raises(GatewayError):
            find(key_sets)
        assert isinstance(first.exception(), GatewayError)
    assert issuer.loads == 1
    issuer.gate.set()


def test_known_keys_go_on_while_new_ones_are_loaded_slowly(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    find(key_sets)
    issuer.gate.clear()
    watch.now += OF_URL.fresh_s
    began = time.monotonic()
    for _ in range(100):
        find(key_sets)
    assert time.monotonic() - began < WAIT_S
    assert issuer.loads == 2
    issuer.gate.set()


def test_waiting_ends_after_a_second(key_sets: KeySets, issuer: Issuer) -> None:
    issuer.gate.clear()
    began = time.monotonic()
    with pytest.raises(GatewayError) as raised:
        find(key_sets)
    assert (raised.value.status, raised.value.code) == (503, "identity_provider_unavailable")
    assert raised.value.retry_after is not None
    assert 0.9 < time.monotonic() - began < 5
    issuer.gate.set()


def test_another_issuer_is_not_held_up(issuer: Issuer, watch: Watch) -> None:
    other = Issuer()
    key_sets = KeySets(
        lambda source: (issuer if source == URL else other).load(source), waiting_at_most=2, monotonic=watch
    )
    issuer.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(find, key_sets)
        eventually(lambda: issuer.loads == 1)
        key_sets.find("i2", "https://other.example/jwks", "k1", "ES256")
        issuer.gate.set()
        stuck.result()


def test_the_last_good_keys_hold_for_an_hour_and_no_longer(
    key_sets: KeySets, issuer: Issuer, watch: Watch
) -> None:
    find(key_sets)
    issuer.broken = True
    watch.now += GOOD_FOR_S - 1
    find(key_sets)
    eventually(lambda: issuer.loads == 2)
    watch.now += OF_URL.retry_s
    with pytest.raises(GatewayError) as raised:
        find(key_sets)
    assert raised.value.code == "identity_provider_unavailable"
    issuer.broken = False
    watch.now += OF_URL.retry_s
    find(key_sets)


def test_after_a_failure_the_next_try_waits_for_the_interval(watch: Watch) -> None:
    calls = 0

    def load(_source: str) -> KeySet:
        nonlocal calls
        calls += 1
        raise JwksError("gone")

    key_sets = KeySets(load, waiting_at_most=1, monotonic=watch)
    for tries in (1, 2):
        for _ in range(3):
            with pytest.raises(GatewayError):
                find(key_sets)
        assert calls == tries
        watch.now += OF_URL.retry_s
