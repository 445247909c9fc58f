"""Pages of the access log: nothing twice, nothing lost, whatever is written meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functional.audit.conftest import CALLER, load, tenant_of
from tests.pages import every
from tests.world import Actor, Town, World, new_town
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.audit.service import AuditService, question
from vault_gateway.model import Caller, Principal, Role
from vault_gateway.tokens.ids import parse_token

ACTIONS = ("reveal.issue", "reveal.claim", "waybill.event")


def test_paging_sees_every_event_that_was_there_at_the_start_exactly_once(
    world: World, ledger: Ledger, platform_auditor: Actor, town: Town
) -> None:
    tenant = tenant_of(town)
    now = datetime.now(UTC)
    there = set(
        load(world, tenant, [(now - timedelta(milliseconds=step), Event("test.page")) for step in range(300)])
    )
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with ledger.open(CALLER, tenant) as unit:
                unit.record(Event("test.page"))

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        events = every(platform_auditor, "/v1/audit/events", "action=test.page&limit=13")
    finally:
        done.set()
        for writer in writers:
            writer.join()
    seen = [event["id"] for event in events]
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    assert seen == sorted(seen, reverse=True)


def test_short_pages_add_up_to_the_whole_answer(world: World, ledger: Ledger) -> None:
    """However few steps a page may take, and however its matches lie, walking the cursors finds all of them."""
    town = new_town(world)
    neighbour = new_town(world, platform_slug=town.platform_slug)
    tenant, other = tenant_of(town), tenant_of(neighbour)
    now = datetime.now(UTC)
    events = []
    for step in range(200):
        event = Event(
            ACTIONS[step % 3],
            outcome="deny" if step % 17 == 0 else "allow",
            waybill=f"WB-{step % 50}",
            orders=tuple(f"o-{(step + more) % 11}" for more in range(1 + step % 3)),
            carrier="c-1" if step % 2 else "c-2",
            purpose="sort" if step % 40 == 0 else None,
        )
        events.append((now - timedelta(seconds=step), event))
    ids = [*load(world, tenant, events[::2]), *load(world, other, events[1::2])]
    by_id = dict(zip(ids, [event for _, event in [*events[::2], *events[1::2]]], strict=True))
    half = set(ids[:100])
    auditors = {
        None: Caller(Principal("key:a", Role.AUDITOR, platform=tenant.platform), "r", None),
        tenant.merchant: Caller(
            Principal("key:a", Role.AUDITOR, platform=tenant.platform, merchant=tenant.merchant), "r", None
        ),
    }

    @settings(max_examples=30, deadline=None)
    @given(
        filters=st.fixed_dictionaries(
            {},
            optional={
                "action": st.sampled_from(ACTIONS),
                "outcome": st.sampled_from(["allow", "deny", "error"]),
                "waybill": st.sampled_from(["WB-3", "WB-40"]),
                "order": st.sampled_from(["o-1", "o-10"]),
                "carrier": st.sampled_from(["c-1", "c-2"]),
                "purpose": st.just("sort"),
            },
        ),
        limit=st.integers(1, 60),
        steps=st.integers(1, 80),
        merchant=st.sampled_from([None, tenant.merchant]),
    )
    def walk(filters: dict[str, str], limit: int, steps: int, merchant: str | None) -> None:
        service = AuditService(ledger, parse_token, steps=steps)
        asked = question({**filters, "actor": CALLER.principal.id}, from_=None, to=None, before=None)
        seen: list[str] = []
        while True:
            page = service.find(auditors[merchant], asked, limit)
            assert len(page.rows) <= limit
            seen += [row["body"]["id"] for row in page.rows]
            if page.next is None:
                break
            asked = question(asked.filters, from_=None, to=None, before=page.next)
        wanted = [
            event_id
            for event_id in sorted(ids, reverse=True)
            if (merchant is None or event_id in half)
            and all(
                value in by_id[event_id].orders
                if name == "order"
                else getattr(by_id[event_id], name) == value
                for name, value in filters.items()
            )
        ]
        assert seen == wanted

    walk()
