"""Requests under a key, and what one leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.test import TestResponse

from tests import canaries
from tests.waiting import eventually
from tests.world import Actor, World


def body_of(order: str, **more: Any) -> dict[str, Any]:
    items = canaries.items_of(canaries.person())
    return {"items": [*items, {"kind": "phone", "value": "1", "ref": "bad"}], "order": order, **more}


def keyed(by: Actor, key: str, body: dict[str, Any]) -> TestResponse:
    return by.post("/v1/tokens", body, headers={"Idempotency-Key": key})


def count_of(world: World, order: str) -> int:
    return int(world.row("select count(*) as n from token where order_ref = %s", (order,))["n"])


@contextmanager
def audit_locked(world: World) -> Iterator[None]:
    """No event can be written meanwhile: a request hangs in its transaction, until the lock's timeout at most."""
    with world.admin() as conn, conn.transaction():
        conn.execute("lock table audit_event in share row exclusive mode")
        yield


def hanging(world: World) -> list[int]:
    """The backends that wait to write an event."""
    with world.admin() as conn:
        rows = conn.execute(
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into audit_event%'"
        ).fetchall()
    return [row["pid"] for row in rows]


def wait_until_hanging(world: World) -> int:
    return eventually(lambda: hanging(world), within_s=1.5)[0]


def traces(world: World, order: str, key: str) -> dict[str, int]:
    """What a request left behind."""
    row = world.row(
        "select (select count(*) from token where order_ref = %(order)s) as tokens,"
        " (select count(*) from idempotency where key = %(key)s) as answers,"
        " (select count(*) from audit_event where body ->> 'order' = %(order)s) as events",
        {"order": order, "key": key},
    )
    return dict(row)


NOTHING = {"tokens": 0, "answers": 0, "events": 0}
