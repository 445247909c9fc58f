"""Vault fails in the middle of a claim: nothing goes out, it is on record, and the grant can be tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.keys.faulty_proxy import FaultyProxy, faulty_proxy
from tests.functional.reveals.steps import ask, claim, issued, opened, outline, row, state, told
from tests.world import Actor, Town, TurnedClock, World
from vault_gateway.reveals import claiming, store

UNAVAILABLE = (503, "vault_unavailable")


@pytest.fixture(scope="module")
def proxy(world: World) -> Iterator[FaultyProxy]:
    with faulty_proxy(world.settings.vault_addr) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def proxied(world: World, town: Town, proxy: FaultyProxy) -> Actor:
    """The town's courier, on a gateway whose Vault is behind the proxy."""
    return replace(town.courier, app=world.gateway(vault_addr=proxy.addr))


@pytest.fixture(autouse=True)
def well_again(proxy: FaultyProxy) -> Iterator[None]:
    yield
    proxy.break_after(0, "none")


@pytest.mark.parametrize("healthy", [0, 1])
@pytest.mark.parametrize(
    "fault", ["500", "503", "403", "400", "cut", "garbage", "short", "odd items", "redirect"]
)
def test_nothing_goes_out_and_the_same_holder_tries_again(
    world: World, town: Town, proxied: Actor, proxy: FaultyProxy, fault: str, healthy: int
) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    reveal = issued(proxied, waybill_no)
    proxy.break_after(healthy, fault)
    answer = claim(proxied, reveal)
    assert told(answer) == UNAVAILABLE
    assert int(answer.headers["Retry-After"]) >= 1
    assert not list(canaries.leaks(answer.data))
    assert state(proxied, reveal) == ("claimed", 0)
    assert row(world, reveal)["ack_digests"] == []
    action, outcome, reason = outline(world, waybill=waybill_no)[-1]
    assert (action, outcome) == ("reveal.claim", "error")
    assert str(reason).startswith("vault_")

    proxy.break_after(0, "none")
    assert claim(proxied, reveal).get_json()["fields"]["name"] == someone.name
    assert state(proxied, reveal) == ("claimed", 1)


def test_another_key_does_not_get_the_second_try(town: Town, proxied: Actor, proxy: FaultyProxy) -> None:
    key = X25519PrivateKey.generate()
    reveal = issued(proxied, town.out_for_delivery())
    proxy.break_after(0, "500")
    assert told(claim(proxied, reveal, key)) == UNAVAILABLE
    proxy.break_after(0, "none")
    assert told(claim(proxied, reveal)) == (409, "reveal_spent")
    assert told(claim(proxied, reveal, X25519PrivateKey.generate())) == (409, "reveal_spent")
    opened(claim(proxied, reveal, key), key)


def test_what_vault_never_opened_expires_undisclosed_and_is_given_back(
    town: Town, proxied: Actor, proxy: FaultyProxy, clock: TurnedClock
) -> None:
    waybill_no = town.out_for_delivery()
    proxy.break_after(0, "500")
    for _ in range(13):
        reveal = issued(proxied, waybill_no)
        assert told(claim(proxied, reveal)) == UNAVAILABLE
        assert told(ask(proxied, waybill_no)) == (409, "reveal_live")
        clock.advance(seconds=61)
        assert state(proxied, reveal) == ("expired", 0)
        assert told(claim(proxied, reveal)) == (409, "reveal_spent")
    proxy.break_after(0, "none")
    assert ask(proxied, waybill_no, claim=True).status_code == 201


def test_an_answer_that_comes_after_the_expiry_stays_here(
    world: World, town: Town, proxied: Actor, proxy: FaultyProxy, clock: TurnedClock
) -> None:
    """Once a reader may have been told `expired`, which means certainly undisclosed, nothing goes out any more."""
    waybill_no = town.out_for_delivery()
    reveal = issued(proxied, waybill_no)
    proxy.on_transit = lambda: clock.advance(seconds=61)
    try:
        assert told(claim(proxied, reveal)) == (409, "reveal_spent")
    finally:
        proxy.on_transit = None
    assert state(town.courier, reveal) == ("expired", 0)
    assert outline(world, waybill=waybill_no)[-1] == ("reveal.release", "deny", "spent_expired")


def test_a_grant_revoked_while_vault_answers_stays_shut(
    world: World, town: Town, proxied: Actor, proxy: FaultyProxy
) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(proxied, waybill_no)
    revocations: list[int] = []
    one_at_a_time = threading.Lock()

    def revoke() -> None:
        # Both values are asked for together.
        with one_at_a_time:
            if revocations:
                return
            revocations.append(town.carrier.post(f"/v1/reveals/{reveal}/revoke").status_code)

    proxy.on_transit = revoke
    try:
        assert told(claim(proxied, reveal)) == (409, "reveal_spent")
    finally:
        proxy.on_transit = None
    assert revocations == [200]
    assert state(town.courier, reveal) == ("revoked", 0)
    assert outline(world, waybill=waybill_no)[-1] == ("reveal.release", "deny", "spent_revoked")


def test_a_claim_that_takes_too_long_is_not_answered_on_an_old_permission(
    world: World, town: Town, proxied: Actor, proxy: FaultyProxy
) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(proxied, waybill_no)
    proxy.on_transit = lambda: time.sleep(claiming.LONGEST_CLAIM_S + 0.1)
    try:
        answer = claim(proxied, reveal)
    finally:
        proxy.on_transit = None
    assert told(answer) == (503, "too_slow")
    assert answer.headers["Retry-After"] == "2"
    assert state(proxied, reveal) == ("claimed", 0)
    assert outline(world, waybill=waybill_no)[-1] == ("reveal.release", "error", "too_slow")
    assert claim(proxied, reveal).status_code == 200


def test_a_release_whose_commit_takes_too_long_sends_nothing_and_may_have(
    world: World, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted and on record it is: what is certain is that nothing was sent on an old permission."""
    reveal = issued(town.courier, town.out_for_delivery())
    count = store.count_release

    def count_late(*arguments: Any, **named: Any) -> None:
        count(*arguments, **named)
        monkeypatch.setattr(claiming, "LONGEST_CLAIM_S", 0.0)

    monkeypatch.setattr(store, "count_release", count_late)
    answer = claim(town.courier, reveal)
    assert told(answer) == (503, "too_slow")
    assert not list(canaries.leaks(answer.data))
    assert state(town.courier, reveal) == ("claimed", 1)


def test_a_value_that_does_not_open_is_an_error_on_record(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    stored = row(world, reveal)
    with world.admin() as conn:
        conn.execute(
            "update token set ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)"
            " where tenant_id = %s and id = %s",
            (stored["tenant_id"], stored["tokens"][0]),
        )
    assert told(claim(town.courier, reveal)) == (500, "internal")
    assert state(town.courier, reveal) == ("claimed", 0)
    assert outline(world, waybill=waybill_no)[-1] == ("reveal.claim", "error", "does_not_open")
