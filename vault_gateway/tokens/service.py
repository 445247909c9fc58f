"""Values in, tokens out: tokenise, look up, search, match, erase."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.access.resources import tenant_ground, token_resource
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found, unavailable
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity.tenants import TenantRegistry, denial
from vault_gateway.ids import new_ids
from vault_gateway.keys import KeysUnavailable, Plaintexts, Tokenizer
from vault_gateway.limits import too_many
from vault_gateway.model import Caller, Clock, Kind, Origin, Role, Tenant, rfc3339, seconds_left_of_day
from vault_gateway.tokens import store
from vault_gateway.tokens.ids import parse_token, token_text
from vault_gateway.tokens.items import (
    Item,
    Outcome,
    answers_of,
    made_before,
    outcomes_of,
    read_item,
    restored,
    stored,
)
from vault_gateway.tokens.matching import groups_of, person_of
from vault_gateway.tokens.normalise import Normalised, Normaliser
from vault_gateway.tokens.text import ValueRefused

OnErased = Callable[[Unit, Tenant, UUID], None]


def origin_of(caller: Caller) -> Origin:
    return Origin.PLATFORM if caller.principal.role is Role.PLATFORM else Origin.MERCHANT


class TokenService:
    def __init__(
        self,
        ledger: Ledger,
        tokenizer: Tokenizer,
        normaliser: Normaliser,
        tenants: TenantRegistry,
        clock: Clock,
        *,
        missed_searches_a_day: int,
        on_erased: OnErased | None = None,
    ) -> None:
        """`on_erased` hears of each token that is erased, in that transaction."""
        self._ledger = ledger
        self._tokenizer = tokenizer
        self._normaliser = normaliser
        self._tenants = tenants
        self._clock = clock
        self._missed_a_day = missed_searches_a_day
        self._on_erased = on_erased

    def create(
        self, caller: Caller, tenant: Tenant, items: Sequence[Any], order: str | None, key: RequestKey | None
    ) -> list[dict[str, Any]]:
        """One answer an item, in order: `ref, token, kind, masked` or `ref, error`. Either all tokens of a
        request are kept, or none is."""
        policies = self._ground(caller, tenant, Event("token.create", orders=_named(order)))
        normaliser = self._normaliser.settled()
        read = [read_item(normaliser, item) for item in items]
        good = [(item.kind, item.value) for item in read if item.kind is not None and item.value is not None]
        new = self.seal(tenant, origin_of(caller), good)
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return _repeated(unit, tenant, read, restored(earlier))
            if new.ids:
                self._keep(unit, tenant, new, order, policies)
            outcomes = outcomes_of(read, new.ids)
            if key is not None:
                keep_answer(unit.conn, key, stored(outcomes), self._clock)
        for kind, count in Counter(new.kinds).items():
            metrics.TOKENS.labels(kind.value).inc(count)
        return answers_of(read, outcomes, {})

    def view(self, caller: Caller, tenant: Tenant, token: str) -> dict[str, Any]:
        """A token's masked view; 404 for what is unknown, foreign or erased."""
        answer = self.look_up(caller, tenant, [token])[0]
        if "error" in answer:
            raise not_found()
        return answer

    def look_up(self, caller: Caller, tenant: Tenant, tokens: Sequence[str]) -> list[dict[str, Any]]:
        """Masked views in order, an `error` where there is none."""
        parsed = [parse_token(token) for token in tokens]
        ids = [found[1] for found in parsed if found is not None]
        self._ground(caller, tenant, Event("token.read"))
        with self._ledger.open(caller, tenant) as unit:
            rows = store.find_views(unit.conn, tenant.id, ids)
        return [
            _view(rows[found[1]])
            if found is not None and found[1] in rows and rows[found[1]]["kind"] == found[0].value
            else {"error": {"code": "not_found", "detail": "There is nothing here that you may see."}}
            for found in parsed
        ]

    def order(
        self, caller: Caller, tenant: Tenant, order: str, after: UUID | None, limit: int
    ) -> tuple[list[dict[str, Any]], UUID | None]:
        """The tokens that were submitted under an order, oldest first; 404 where there is none."""
        self._ground(caller, tenant, Event("order.read"))
        with self._ledger.open(caller, tenant) as unit:
            rows = store.find_order(unit.conn, tenant.id, order, after, limit + 1)
        if not rows and after is None:
            raise not_found()
        return _page(rows, limit)

    def search_value(
        self, caller: Caller, tenant: Tenant, kind: Kind, value: object, before: UUID | None, limit: int
    ) -> tuple[list[dict[str, Any]], UUID | None]:
        """Tokens of the same value and of the caller's own origin. A search that finds nothing is counted
        before anything is answered: who tries candidates is stopped at the day's quota (guarantee 1)."""
        event = Event("token.search", detail={"kind": kind.value})
        policies = self._ground(caller, tenant, event)
        try:
            normalised = self._normaliser.normalise(kind, value)
        except ValueRefused as refusal:
            raise GatewayError(refusal.code, 422, refusal.detail) from None
        wanted = [(kind, normalised.indexed)]
        try:
            [blind_index] = self._tokenizer.blind_indexes(tenant.id, origin_of(caller), wanted)
        except KeysUnavailable:
            raise unavailable("vault") from None
        today = self._clock().date()
        with self._ledger.open(caller, tenant) as unit:
            if not store.reserve_miss(unit.conn, tenant.id, today, self._missed_a_day):
                metrics.SEARCH_ALARMS.inc()
                raise refused(
                    event,
                    too_many("missed-searches", seconds_left_of_day(self._clock())),
                    reason="missed_searches_used_up",
                )
            rows = store.find_by_blind_index(unit.conn, tenant.id, kind, blind_index, before, limit + 1)
            if rows:
                store.give_miss_back(unit.conn, tenant.id)
            unit.record(
                replace(event, policies=policies, detail={"kind": kind.value, "found": len(rows[:limit])})
            )
        return _page(rows, limit)

    def search_last4(
        self, caller: Caller, tenant: Tenant, last4: str, before: UUID | None, limit: int
    ) -> tuple[list[dict[str, Any]], UUID | None]:
        """Phones whose last four digits, which the mask shows, are these."""
        event = Event("token.search", detail={"kind": "phone", "by": "last4"})
        policies = self._ground(caller, tenant, event)
        with self._ledger.open(caller, tenant) as unit:
            rows = store.find_by_last4(unit.conn, tenant.id, last4, before, limit + 1)
            unit.record(replace(event, policies=policies))
        return _page(rows, limit)

    def match(
        self, caller: Caller, tenant: Tenant, recipients: Sequence[dict[str, str]]
    ) -> tuple[list[list[int]], list[int]]:
        """Positions of the same recipient, and positions that name a token which is not there."""
        parsed = [[_of_kind(kind, recipient[kind.value]) for kind in Kind] for recipient in recipients]
        ids = {token_id for three in parsed for token_id in three if token_id is not None}
        event = Event("token.match", detail={"count": len(recipients)})
        policies = self._ground(caller, tenant, event)
        with self._ledger.open(caller, tenant) as unit:
            known = store.blind_indexes_of(unit.conn, tenant.id, list(ids))
            unit.record(replace(event, policies=policies))
        people = [person_of(known, three) for three in parsed]
        return groups_of(people), [position for position, person in enumerate(people) if person is None]

    def erase(self, caller: Caller, tenant: Tenant, token: str) -> None:
        """Removes ciphertext, mask, index and region of a token at once."""
        parsed = parse_token(token)
        event = Event("token.erase", token=token if parsed is not None else None)
        self._ground(caller, tenant, replace(event, action="token.read"))
        with self._ledger.open(caller, tenant) as unit:
            row = (
                None if parsed is None else store.find_views(unit.conn, tenant.id, [parsed[1]]).get(parsed[1])
            )
            if row is None or parsed is None or row["kind"] != parsed[0].value:
                raise refused(replace(event, token=None), not_found(), reason="unknown_token")
            resource = token_resource(tenant, token, Origin(row["origin"]))
            answer = GatewayError("forbidden", 403, "What the platform submitted, the platform erases.")
            policies = unit.require(event, resource, answer)
            if not store.erase(unit.conn, tenant.id, parsed[1], self._clock()):
                raise refused(replace(event, token=None), not_found(), reason="unknown_token")
            if self._on_erased is not None:
                self._on_erased(unit, tenant, parsed[1])
            unit.record(replace(event, policies=policies, orders=_named(row["order_ref"])))

    def _ground(self, caller: Caller, tenant: Tenant, event: Event) -> tuple[str, ...]:
        """Is this the caller's ground? Asked before Vault or a row is touched."""
        return self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))

    def seal(
        self, tenant: Tenant, origin: Origin, values: Sequence[tuple[Kind, Normalised]]
    ) -> store.NewTokens:
        """Tokens ready to be stored: an id for each value, and its ciphertext and blind index, bound to that."""
        ids = new_ids(self._clock(), len(values))
        if not values:
            return store.NewTokens(ids, [], [], [], [])
        kinds, normalised = [kind for kind, _ in values], [value for _, value in values]
        plain = Plaintexts(
            tenant.id,
            origin,
            kinds,
            ids,
            [value.value for value in normalised],
            [value.indexed for value in normalised],
        )
        try:
            ciphertexts, indexes = self._tokenizer.seal(tenant.platform, plain)
        except KeysUnavailable:
            raise unavailable("vault") from None
        return store.NewTokens(ids, kinds, normalised, ciphertexts, indexes)

    def _keep(
        self,
        unit: Unit,
        tenant: Tenant,
        new: store.NewTokens,
        order: str | None,
        policies: tuple[str, ...],
    ) -> None:
        self._tenants.ensure(unit.conn, tenant)
        digest = hashlib.sha256(b"".join([token_id.bytes for token_id in new.ids])).hexdigest()
        event = Event(
            "token.create",
            policies=policies,
            orders=_named(order),
            detail={"count": len(new.ids), "digest": digest},
        )
        recording = unit.recording(event)
        store.insert_tokens(
            recording,
            tenant.id,
            new,
            origin=origin_of(unit.caller),
            order_ref=order,
            event_id=recording.row.event_id,
            now=self._clock(),
        )


def _repeated(
    unit: Unit, tenant: Tenant, read: Sequence[Item], outcomes: Sequence[Outcome]
) -> list[dict[str, Any]]:
    unread = made_before(read, outcomes)
    views = store.find_views(unit.conn, tenant.id, unread) if unread else {}
    return answers_of(read, outcomes, {token_id: row["masked"] for token_id, row in views.items()})


def _named(order: str | None) -> tuple[str, ...]:
    return () if order is None else (order,)


def _of_kind(kind: Kind, token: str) -> UUID | None:
    parsed = parse_token(token)
    return parsed[1] if parsed is not None and parsed[0] is kind else None


def _view(row: dict[str, Any]) -> dict[str, Any]:
    view = {
        "token": token_text(Kind(row["kind"]), row["id"]),
        "kind": row["kind"],
        "masked": row["masked"],
        "origin": row["origin"],
        "created_at": rfc3339(row["created_at"]),
    }
    if row["order_ref"] is not None:
        view["order"] = row["order_ref"]
    if row["region"] is not None:
        view["region"] = row["region"]
    return view


def _page(rows: list[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], UUID | None]:
    return [_view(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None
