"""SQL of questions to the access log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Kind

# A filter's name in the contract and its column: of the event, but for `token` of a table beside it. So for `orders`,
# which is an order among several (see `walks`).
COLUMNS: Mapping[str, LiteralString] = {
    "actor": "actor",
    "role": "role",
    "action": "action",
    "outcome": "outcome",
    "waybill": "waybill",
    "order": "order_ref",
    "orders": "order_ref",
    "token": "token",
    "carrier": "carrier",
    "station": "station",
    "purpose": "purpose",
}
# Few events have one of these in common, so they lead whatever the scope.
_KEYS = ("token", "waybill", "order", "orders")
_BESIDE: Mapping[str, LiteralString] = {"token": "audit_token", "orders": "audit_order"}
# An index of each log leads with one of these, the rarest first.
_OF_A_LOG = ("station", "actor", "carrier", "action")

TokenName = tuple[Kind, UUID]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader was appointed to: one tenant, else whole logs."""

    logs: Sequence[str] = ()
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`filters` by the contract's names; ids from `since` (inclusive) and below `before`."""

    filters: Mapping[str, str] = field(default_factory=dict)
    since: UUID | None = None
    before: UUID | None = None


def all_logs(conn: Connection) -> list[str]:
    """The log of every platform; those of no platform are for the caller to add."""
    return [row["slug"] for row in conn.execute("select slug from platform order by slug")]


def enter_scope(conn: Connection, *, log: str | None, tenant_id: UUID | None) -> None:
    """Opens the log to a reader until the transaction ends: one tenant, one platform's log, or all of it."""
    if tenant_id is not None:
        conn.execute("select set_config('app.audit_tenant', %s, true)", (str(tenant_id),))
    else:
        conn.execute("select set_config('app.audit_scope', %s, true)", ("*" if log is None else log,))
    # The planner takes the wall for far more selective than it is, and would fetch a whole log to sort it.
    # Walking an index in its order stops where the page is full.
    conn.execute(
        """
        select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
               set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
               set_config('enable_mergejoin', 'off', true)
        """
    )


def walks(scope: Scope, asked: Question) -> list[Question]:
    """The questions whose answers are those of `asked`: an event of one order is found by another index than one of
    several."""
    if _lead(scope, asked) != ("order",):
        return [asked]
    several = {"orders" if name == "order" else name: value for name, value in asked.filters.items()}
    return [asked, replace(asked, filters=several)]


def find_edge(conn: Connection, scope: Scope, asked: Question, steps: int) -> UUID | None:
    """Where a page has to end so that it walks over at most `steps` index entries (each log has its share);
    None where it may run to the end, or every entry is an answer, so that the page's own limit ends it."""
    lead = _lead(scope, asked)
    if set(asked.filters) <= set(lead):
        return None
    row = conn.execute(
        f"""
        select edge.id from {_ground(scope)}
        cross join lateral (
          select e.id from {_index(lead)} e
          where {_of_ground(scope)} and {_where("e", asked, lead)}
          order by e.id desc offset %(steps)s limit 1
        ) as edge
        order by edge.id desc limit 1
        """,
        {**_parameters(scope, asked), "steps": _share(scope, steps)},
        prepare=False,
    ).fetchone()
    return None if row is None else row["id"]


def find_events(conn: Connection, scope: Scope, asked: Question, limit: int, steps: int) -> list[Row]:
    """Newest first. The id is a UUIDv7 made in the gateway, so a page ends at an id and the next one begins
    below it whatever is written meanwhile. `asked.since` is the edge, where there is one: nothing above it is
    beyond the limit of the inner select, which is there so that only the lead's index can be walked."""
    lead = _lead(scope, asked)
    return conn.execute(
        f"""
        select found.* from {_ground(scope)}
        cross join lateral (
          select walked.id, walked.body, walked.salt, walked.commitment
          from (
            select event.* from {_index_with_events(lead)}
            where {_of_ground(scope)} and {_where("e", asked, lead)}
            order by e.id desc limit %(steps)s
          ) as walked
          where {_fits("walked", asked, lead)}
          order by walked.id desc limit %(limit)s
        ) as found
        order by found.id desc limit %(limit)s
        """,
        {**_parameters(scope, asked), "limit": limit, "steps": max(limit, _share(scope, steps) + 1)},
        prepare=False,
    ).fetchall()


def find_making(conn: Connection, scope: Scope, asked: Question, token: TokenName | None) -> list[Row]:
    """The event in which a token was made, where it fits the question too: a batch does not name its tokens."""
    return conn.execute(
        f"""
        select e.id, e.body, e.salt, e.commitment from {_ground(scope)}
        join audit_event e on {_of_ground(scope)}
        where e.id = (select event_that_made(%(kind)s, %(id)s)) and {_where("e", asked, ())}
          and {_fits("e", asked, ("token",))}
        """,
        {
            **_parameters(scope, asked),
            "kind": None if token is None else token[0].value,
            "id": token and token[1],
        },
        prepare=False,
    ).fetchall()


def get_event(conn: Connection, event_id: UUID, scope: Scope) -> Row | None:
    return conn.execute(
        f"""
        select e.body, e.salt, e.commitment from {_ground(scope)}
        join audit_event e on {_of_ground(scope)}
        where e.id = %(id)s
        """,
        {**_parameters(scope, Question()), "id": event_id},
        prepare=False,
    ).fetchone()


def _lead(scope: Scope, asked: Question) -> tuple[str, ...]:
    """The filter whose index is walked; none where it is the scope's own index."""
    for name in _KEYS:
        if name in asked.filters:
            return (name,)
    if scope.tenant_id is not None:
        return ()
    for name in _OF_A_LOG:
        if name in asked.filters:
            return (name,)
    return ("outcome",) if asked.filters.get("outcome", "allow") != "allow" else ()


def _index(lead: Sequence[str]) -> LiteralString:
    """The table whose index is walked."""
    return next((_BESIDE[name] for name in lead if name in _BESIDE), "audit_event")


def _index_with_events(lead: Sequence[str]) -> LiteralString:
    """`e`, whose index is walked, and the `event` of each of its entries: the row itself, but for a table beside it."""
    table = _index(lead)
    if table == "audit_event":
        return "audit_event e join lateral (select e.*) as event on true"
    return f"{table} e join audit_event event on event.tenant_id = e.tenant_id and event.id = e.id"


def _ground(scope: Scope) -> LiteralString:
    if scope.tenant_id is not None:
        return "(select %(tenant)s::uuid as tenant_id) as ground"
    return "unnest(%(logs)s::text[]) as ground (log)"


def _of_ground(scope: Scope) -> LiteralString:
    return "e.log = ground.log" if scope.tenant_id is None else "e.tenant_id = ground.tenant_id"


def _where(table: LiteralString, asked: Question, names: Sequence[str]) -> LiteralString:
    conditions: list[LiteralString] = [
        f"{table}.{COLUMNS[name]} = %({name})s" for name in COLUMNS if name in names
    ]
    if asked.filters.get("outcome", "allow") != "allow" and "outcome" in names:
        # Said to the planner, for the index over refusals holds nothing else.
        conditions.append(f"{table}.outcome <> 'allow'")
    if asked.since is not None:
        conditions.append(f"{table}.id >= %(since)s")
    if asked.before is not None:
        conditions.append(f"{table}.id < %(before)s")
    return " and ".join(conditions) or "true"


def _fits(table: LiteralString, asked: Question, lead: Sequence[str]) -> LiteralString:
    """The filters that the index does not answer."""
    rest = [name for name in asked.filters if name not in lead]
    equal = _where(table, Question(asked.filters), [name for name in rest if name != "order"])
    if "order" not in rest:
        return equal
    return f"{equal} and ({table}.order_ref = %(order)s or {table}.body -> 'orders' ? %(order)s)"


def _share(scope: Scope, steps: int) -> int:
    return steps // max(1, len(scope.logs))


def _parameters(scope: Scope, asked: Question) -> dict[str, Any]:
    return {
        "tenant": scope.tenant_id,
        "logs": list(scope.logs),
        "since": asked.since,
        "before": asked.before,
        **asked.filters,
    }
