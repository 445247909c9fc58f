"""Questions to the access log, within what the auditor was appointed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from vault_gateway.access.resources import access_log
from vault_gateway.audit.event import INSTALLATION_LOG, Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.audit.store import questions as store
from vault_gateway.audit.store.questions import Question, Scope, TokenName
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.ids import floor_id
from vault_gateway.model import CARRIER_PLATFORM, Caller, Tenant

# A page walks over so many events at most; where few of them fit the question, it is short and says where the
# next one begins. So no question, however broad the log, outlasts a statement's time.
STEPS = 10_000
_EXPORT_PAGE = 500


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is there whenever older events are left to look at, also on a short or empty page."""

    rows: list[dict[str, Any]]
    next: UUID | None


def question(
    filters: Mapping[str, str], *, from_: datetime | None, to: datetime | None, before: UUID | None
) -> Question:
    """A moment is cut to its millisecond, for that is what an id holds: windows that meet share no event."""
    bounds = [bound for bound in (before, None if to is None else floor_id(to)) if bound is not None]
    return Question(
        filters, None if from_ is None else floor_id(from_), before=min(bounds) if bounds else None
    )


class AuditService:
    def __init__(
        self, ledger: Ledger, token_of: Callable[[str], TokenName | None], *, steps: int = STEPS
    ) -> None:
        """`token_of` reads a token's text; it is the tokens room's, which stands above this one."""
        self._ledger = ledger
        self._token_of = token_of
        self._steps = steps

    def find(self, caller: Caller, asked: Question, limit: int) -> Page:
        """Events newest first, `limit` at most. Reading is an event itself, committed before anything is
        answered."""
        with self._ledger.open(caller) as unit:
            event = _enter(unit, Event("audit.read", detail=_told(asked)))
            page = self._page(unit, asked, limit)
            unit.record(event)
        return page

    def get(self, caller: Caller, event_id: UUID) -> dict[str, Any]:
        """One event with what is needed to check it: salt and commitment in hex."""
        with self._ledger.open(caller) as unit:
            event = _enter(unit, Event("audit.read", resource=f"event:{event_id}"))
            row = store.get_event(unit.conn, event_id, _scope(unit))
            unit.record(event)
        if row is None:
            raise not_found()
        return checkable(row)

    def export(self, caller: Caller, asked: Question, format_: str) -> Iterator[list[dict[str, Any]]]:
        """Pages of checkable events, newest first, each read in a transaction of its own when it is asked for.
        The export is on record before this returns, and events from then on are not part of it."""
        with self._ledger.open(caller) as unit:
            event = _enter(unit, Event("audit.export", detail={"format": format_, **_told(asked)}))
            first = self._page(unit, asked, _EXPORT_PAGE)
            unit.record(event)
        return self._pages(caller, asked, first)

    def _pages(self, caller: Caller, asked: Question, page: Page) -> Iterator[list[dict[str, Any]]]:
        yield [checkable(row) for row in page.rows]
        while page.next is not None:
            asked = replace(asked, before=page.next)
            with self._ledger.open(caller) as unit:
                _enter(unit, Event("audit.export"))
                page = self._page(unit, asked, _EXPORT_PAGE)
            yield [checkable(row) for row in page.rows]

    def _page(self, unit: Unit, asked: Question, limit: int) -> Page:
        scope = _scope(unit)
        edges = [store.find_edge(unit.conn, scope, walk, self._steps) for walk in store.walks(scope, asked)]
        edge = max((edge for edge in edges if edge is not None), default=None)
        within = asked if edge is None else replace(asked, since=edge)
        rows = [
            row
            for walk in store.walks(scope, within)
            for row in store.find_events(unit.conn, scope, walk, limit + 1, self._steps)
        ]
        if "token" in asked.filters:
            rows += store.find_making(unit.conn, scope, within, self._token_of(asked.filters["token"]))
        rows = sorted(rows, key=lambda row: row["id"], reverse=True)[: limit + 1]
        return Page(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else edge)


def checkable(row: Mapping[str, Any]) -> dict[str, Any]:
    """An event with salt and commitment in hex: `commitment` of the body without these two is the commitment."""
    return {**row["body"], "salt": row["salt"].hex(), "commitment": row["commitment"].hex()}


def _told(asked: Question) -> dict[str, str | int]:
    return {"filters": ",".join(sorted(asked.filters))} if asked.filters else {}


def _enter(unit: Unit, event: Event) -> Event:
    """Asks the policies and opens the log within the caller's scope; the event as it is to be recorded."""
    principal = unit.caller.principal
    answer = GatewayError("forbidden", 403, "Only an auditor reads the access log.")
    policies = unit.require(event, access_log(principal.platform, principal.merchant), answer)
    tenant = _tenant(unit)
    if tenant is not None:
        unit.enter(tenant)
    store.enter_scope(unit.conn, log=principal.platform, tenant_id=None if tenant is None else tenant.id)
    return replace(event, policies=policies)


def _scope(unit: Unit) -> Scope:
    principal, tenant = unit.caller.principal, _tenant(unit)
    if tenant is not None:
        return Scope(tenant_id=tenant.id)
    if principal.platform is not None:
        return Scope(logs=(principal.platform,))
    return Scope(logs=(INSTALLATION_LOG, CARRIER_PLATFORM, *store.all_logs(unit.conn)))


def _tenant(unit: Unit) -> Tenant | None:
    principal = unit.caller.principal
    if principal.platform is None or principal.merchant is None:
        return None
    return Tenant(principal.platform, principal.merchant)
