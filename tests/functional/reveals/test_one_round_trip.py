"""Issued and claimed by one request: one transaction before anything is decrypted, with both events in it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.functional.reveals.steps import ask, claim, outline, row, state, told
from tests.world import Town, World
from vault_gateway.identity import memory, store
from vault_gateway.ids import base32
from vault_gateway.keys import KeysUnavailable, Revealer
from vault_gateway.reveals import claiming

BOTH = ["reveal.issue", "reveal.claim"]


def transactions(world: World, waybill_no: str) -> dict[str, set[str]]:
    """Which transactions wrote the parcel's reveal events, by action."""
    with world.admin() as conn:
        rows = conn.execute(
            "select action, xmin::text as by from audit_event where waybill = %s and action like 'reveal.%%'",
            (waybill_no,),
        )
        found: dict[str, set[str]] = {}
        for event in rows:
            found.setdefault(event["action"], set()).add(event["by"])
    return found


def test_it_commits_twice(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()
    answer = ask(town.courier, waybill_no, claim=True)
    assert answer.status_code == 201
    by = transactions(world, waybill_no)
    assert by["reveal.issue"] == by["reveal.claim"] != by["reveal.release"]
    assert [action for action, _, _ in outline(world, waybill=waybill_no)] == [*BOTH, "reveal.release"]
    stored = row(world, answer.get_json()["reveal_id"])
    assert (stored["state"], stored["released"]) == ("claimed", 1)
    assert stored["issued_at"] <= stored["claimed_at"] <= stored["first_released_at"]


def test_both_events_are_committed_before_anything_is_decrypted(
    world: World, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    waybill_no, seen = town.out_for_delivery(), []

    def away(*_: object) -> None:
        seen.extend(outline(world, waybill=waybill_no))
        raise KeysUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Revealer, "decrypt", away)
        assert told(ask(town.courier, waybill_no, claim=True))[0] == 503
    assert [action for action, _, _ in seen] == BOTH
    # The grant is there, claimed by its holder, who opens it now.
    reveal = grant_of(world, waybill_no)
    assert state(town.courier, reveal) == ("claimed", 0)
    assert claim(town.courier, reveal).status_code == 200


def grant_of(world: World, waybill_no: str) -> str:
    """The id of a parcel's only grant, which the caller was not told."""
    with world.admin() as conn:
        found = conn.execute("select id from reveal_grant where waybill_no = %s", (waybill_no,)).fetchone()
    assert found is not None
    return f"rv_{base32(found['id'])}"


def test_the_wait_for_a_parcel_counts_into_the_time_that_an_answer_may_take(
    world: World, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    waybill_no = town.out_for_delivery()
    monkeypatch.setattr(claiming, "LONGEST_CLAIM_S", 0.5)
    with ThreadPoolExecutor(1) as pool:
        with world.admin() as conn, conn.transaction():
            conn.execute("select from waybill where waybill_no = %s for update", (waybill_no,))
            answer = pool.submit(ask, town.courier, waybill_no, claim=True)
            time.sleep(1)
        assert told(answer.result()) == (503, "too_slow")
    assert state(town.courier, grant_of(world, waybill_no)) == ("claimed", 0)


def test_in_a_batch_each_is_asked_for_anew(world: World, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is revoked in the middle of one gets no more, and a long one is no reason to refuse its last."""
    first, *others = numbers = [town.out_for_delivery() for _ in range(4)]
    courier = replace(town.courier, app=world.gateway())
    decrypt = Revealer.decrypt

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.3)
        with world.admin() as conn:
            store.revoke_client(conn, courier.name, world.clock())
        return decrypt(*arguments)

    monkeypatch.setattr(memory, "REMEMBER_S", 0.0)
    monkeypatch.setattr(Revealer, "decrypt", slowly)
    items = [{"waybill_no": number, "purpose": "deliver"} for number in numbers]
    answer = courier.post("/v1/reveals", {"items": items, "claim": True})
    assert answer.status_code == 207
    opened, *refused = answer.get_json()["items"]
    assert opened.keys() >= {"fields"}
    assert [item["error"]["code"] for item in refused] == ["unauthenticated"] * len(others)
    assert [outline(world, waybill=number) for number in others] == [[]] * len(others)
    assert len(outline(world, waybill=first)) == 3
