"""Transactions that leave a trail: a change and its event commit together, and a refusal is written although
everything else of its transaction rolls back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from psycopg import Rollback

from vault_gateway.access import Access, Decision, Resource
from vault_gateway.audit.event import (
    INSTALLATION_LOG,
    NIL_TENANT,
    Event,
    canonical,
    commitment_to,
    event_body,
    new_salt,
    platform_of,
)
from vault_gateway.audit.store.events import EventRow, Recording, insert_events
from vault_gateway.database import Connection, Database, enter_tenant
from vault_gateway.errors import GatewayError
from vault_gateway.ids import new_ids
from vault_gateway.model import Caller, Clock, Tenant


class Refused(Exception):
    """Rolls a unit back: `event` is then written as a denial and `answer` raised to the caller."""

    def __init__(self, event: Event, answer: GatewayError) -> None:
        super().__init__(answer.code)
        self.event = event
        self.answer = answer


class Unit:
    """One transaction on behalf of one caller. Statements go through `conn`."""

    def __init__(self, conn: Connection, caller: Caller, clock: Clock, access: Access) -> None:
        self.conn = conn
        self.caller = caller
        self.tenant: Tenant | None = None
        self._clock = clock
        self._access = access
        self._permitted_by: dict[str, tuple[str, ...]] = {}

    def enter(self, tenant: Tenant) -> None:
        """Opens the wall for one tenant; events from here on are filed under it."""
        enter_tenant(self.conn, tenant.id)
        self.tenant = tenant

    def enter_nobody(self) -> None:
        """Takes as long as entering a tenant and opens nothing: what is unknown is looked for like what is foreign, so
        that not even time tells the two apart (guarantee 10)."""
        enter_tenant(self.conn, NIL_TENANT)

    def undo(self) -> NoReturn:
        """Ends the unit with nothing of it written."""
        raise Rollback

    def decide(
        self, action: str, resource: Resource, context: Mapping[str, str | int] | None = None
    ) -> Decision:
        decision = self._access.decide(self.caller.principal, action, resource, context)
        if decision.allowed:
            self._permitted_by[action] = decision.policies
        return decision

    def require(
        self,
        event: Event,
        resource: Resource,
        answer: GatewayError,
        context: Mapping[str, str | int] | None = None,
    ) -> tuple[str, ...]:
        """Asks for `event.action` on `resource`: the policy ids that permit it, or `Refused` with `answer`."""
        decision = self.decide(event.action, resource, context)
        if not decision.allowed:
            raise refused(
                event, answer, reason=decision.reason or "not_permitted", policies=decision.policies
            )
        return decision.policies

    def record(self, event: Event) -> UUID:
        """Writes an event. One of an action that was permitted in this unit carries the policies that did, whoever
        forgot to say so."""
        return self.record_all([event])[0]

    def record_all(self, events: Sequence[Event]) -> list[UUID]:
        """Writes events, in one go."""
        rows = self._rows(events)
        insert_events(self.conn, *self._file(), rows)
        return [row.event_id for row in rows]

    def recording(self, event: Event) -> Recording:
        """In place of `conn` for one statement, which then writes `event` as `record` does, in the same round trip."""
        return Recording(self.conn, *self._file(), self._rows([event])[0])

    def _file(self) -> tuple[UUID, str]:
        """The tenant and the log that events are filed under."""
        tenant_id = NIL_TENANT if self.tenant is None else self.tenant.id
        return tenant_id, platform_of(self.caller, self.tenant) or INSTALLATION_LOG

    def _rows(self, events: Sequence[Event]) -> list[EventRow]:
        now = self._clock()
        ids = new_ids(now, len(events))
        return [self._row(event, event_id, now) for event, event_id in zip(events, ids, strict=True)]

    def _row(self, event: Event, event_id: UUID, now: datetime) -> EventRow:
        if event.outcome != "deny" and not event.policies:
            event = replace(event, policies=self._permitted_by.get(event.action, ()))
        body = canonical(event_body(event, self.caller, self.tenant, str(event_id), now))
        salt = new_salt()
        return EventRow(
            event_id=event_id, body=body.decode(), salt=salt, commitment=commitment_to(salt, body)
        )


def refused(event: Event, answer: GatewayError, *, reason: str, policies: tuple[str, ...] = ()) -> Refused:
    """A `Refused` for `event`, told as a denial with its reason."""
    return Refused(replace(event, outcome="deny", reason=reason, policies=policies), answer)


OnDenial = Callable[[Unit, Refused], None]


class Ledger:
    """Opens units. The only way for a service to reach the database with a caller."""

    def __init__(
        self, database: Database, access: Access, clock: Clock, *, on_denial: OnDenial | None = None
    ) -> None:
        """`on_denial` hears of each denial, in the transaction that writes it: what it does stays although what
        the caller wanted was rolled back."""
        self._database = database
        self._access = access
        self._clock = clock
        self._on_denial = on_denial

    def require(
        self, caller: Caller, event: Event, resource: Resource, answer: GatewayError
    ) -> tuple[str, ...]:
        """Asks before anything is done: the policy ids that permit it. A denial is an event, then `answer`."""
        decision = self._access.decide_on_ground(caller.principal, event.action, resource)
        if decision.allowed:
            return decision.policies
        with self.open(caller):
            raise refused(
                event, answer, reason=decision.reason or "not_permitted", policies=decision.policies
            )

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection without a transaction and without a wall: for directories and look-up functions, by which it is
        found out what there is to decide."""
        with self._database.connection() as conn:
            yield conn

    @contextmanager
    def open(self, caller: Caller, tenant: Tenant | None = None) -> Iterator[Unit]:
        with self._database.connection() as conn:
            unit = Unit(conn, caller, self._clock, self._access)
            try:
                with conn.transaction():
                    if tenant is not None:
                        unit.enter(tenant)
                    yield unit
            except Refused as refusal:
                # On the same connection, after the rollback: no second connection to wait for, and a caller
                # cannot undo the trace of what it tried.
                with conn.transaction():
                    enter_tenant(conn, NIL_TENANT if unit.tenant is None else unit.tenant.id)
                    unit.record(refusal.event)
                    if self._on_denial is not None and refusal.event.outcome == "deny":
                        self._on_denial(unit, refusal)
                raise refusal.answer from None
