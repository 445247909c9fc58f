"""Values in, tokens out: tokenise, look up, search, match, erase."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from vault_gateway.keys import Address, Ciphertext, KeysUnavailable, Tokenizer
from vault_gateway.limits import too_many
from vault_gateway.model import Caller, Clock, Kind, Origin, Role, Tenant
from vault_gateway.tokens import store
from vault_gateway.tokens.ids import parse_token, token_text
from vault_gateway.tokens.normalise import Normalised, Normaliser, ValueRefused

MAX_REF = 128


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of a request after it was read: a value, or the reason why there is none."""

    ref: str | None
    kind: Kind | None
    value: Normalised | None
    error: ValueRefused | None


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
    ) -> None:
        self._ledger = ledger
        self._tokenizer = tokenizer
        self._normaliser = normaliser
        self._tenants = tenants
        self._clock = clock
        self._missed_a_day = missed_searches_a_day

    def create(
        self, caller: Caller, tenant: Tenant, items: Sequence[Any], order: str | None, key: RequestKey | None
    ) -> list[dict[str, Any]]:
        """One answer an item, in order: `ref, token, kind, masked` or `ref, error`. Either all tokens of a
        request are kept, or none is."""
        read = [self._read_item(item) for item in items]
        policies = self._ground(caller, tenant, Event("token.create", order=order))
        good = [(item.kind, item.value) for item in read if item.kind is not None and item.value is not None]
        ids = new_ids(self._clock(), len(good))
        rows = self.seal(tenant, origin_of(caller), good, ids)
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return _answers(read, [UUID(text) for text in earlier])
            if rows:
                self._keep(unit, tenant, rows, order, policies)
            if key is not None:
                keep_answer(unit.conn, key, [str(token_id) for token_id in ids], self._clock)
        for row in rows:
            metrics.TOKENS.labels(row.kind.value).inc()
        return _answers(read, ids)

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
        self._ground(caller, tenant, Event("order.read"))
        with self._ledger.open(caller, tenant) as unit:
            rows = store.find_views(unit.conn, tenant.id, ids)
        return [
            _view(rows[found[1]])
            if found is not None and found[1] in rows and rows[found[1]]["kind"] == found[0].value
            else {"error": {"code": "not_found", "detail": "There is nothing here that you may see."}}
            for found in parsed
        ]

    def order(self, caller: Caller, tenant: Tenant, order: str) -> list[dict[str, Any]]:
        self._ground(caller, tenant, Event("order.read"))
        with self._ledger.open(caller, tenant) as unit:
            rows = store.find_order(unit.conn, tenant.id, order)
        if not rows:
            raise not_found()
        return [_view(row) for row in rows]

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
        with_index = (tenant.id, origin_of(caller), kind, normalised.index)
        blind_index = self._ask_vault_for_indexes([with_index])[0]
        today = self._clock().date()
        with self._ledger.open(caller, tenant) as unit:
            used = store.reserve_miss(unit.conn, tenant.id, today, self._missed_a_day)
            if used is None:
                metrics.SEARCH_ALARMS.inc()
                raise refused(
                    event, too_many(_seconds_left_of_day(self._clock)), reason="missed_searches_used_up"
                )
            rows = store.find_by_blind_index(unit.conn, tenant.id, kind, blind_index, before, limit + 1)
            if rows:
                store.give_miss_back(unit.conn, tenant.id, today)
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
        """Positions of the same recipient, and positions that name a token which is not there. Two are the
        same when name, phone and address have equal blind indexes; what a platform and what a merchant
        submitted never have."""
        parsed = [
            [parse_token(recipient[name]) for name in ("name", "phone", "address")]
            for recipient in recipients
        ]
        ids = {found[1] for triple in parsed for found in triple if found is not None}
        event = Event("token.match", detail={"count": len(recipients)})
        policies = self._ground(caller, tenant, event)
        with self._ledger.open(caller, tenant) as unit:
            known = store.blind_indexes_of(unit.conn, tenant.id, list(ids))
            unit.record(replace(event, policies=policies))
        groups: dict[tuple[bytes, ...], list[int]] = {}
        missing = []
        for position, triple in enumerate(parsed):
            indexes = tuple(
                known[found[1]][1]
                for found in triple
                if found is not None and found[1] in known and known[found[1]][0] is found[0]
            )
            if len(indexes) == 3:
                groups.setdefault(indexes, []).append(position)
            else:
                missing.append(position)
        return list(groups.values()), missing

    def erase(self, caller: Caller, tenant: Tenant, token: str) -> None:
        """Removes ciphertext, mask, index and region of a token at once."""
        parsed = parse_token(token)
        event = Event("token.erase", token=token if parsed is not None else None)
        self._ground(caller, tenant, replace(event, action="order.read"))
        with self._ledger.open(caller, tenant) as unit:
            row = (
                None if parsed is None else store.find_views(unit.conn, tenant.id, [parsed[1]]).get(parsed[1])
            )
            if row is None or parsed is None or row["kind"] != parsed[0].value:
                raise refused(replace(event, token=None), not_found(), reason="unknown_token")
            resource = token_resource(tenant, token, Origin(row["origin"]))
            answer = GatewayError("forbidden", 403, "What the platform submitted, the platform erases.")
            policies = unit.require(event, resource, answer)
            store.erase(unit.conn, tenant.id, parsed[1], self._clock())
            unit.record(replace(event, policies=policies, order=row["order_ref"]))

    def _read_item(self, item: Any) -> _Item:
        if not isinstance(item, dict):
            return _Item(
                None, None, None, ValueRefused("item_invalid", "An item is an object with kind and value.")
            )
        ref = item.get("ref")
        if ref is not None and not (isinstance(ref, str) and len(ref) <= MAX_REF and ref.isprintable()):
            return _Item(
                None, None, None, ValueRefused("ref_invalid", "ref is at most 128 printable characters.")
            )
        try:
            kind = Kind(item["kind"])
            value = item["value"]
        except (KeyError, ValueError, TypeError):
            return _Item(
                ref,
                None,
                None,
                ValueRefused("item_invalid", "kind is phone, address or name; value is needed."),
            )
        if not item.keys() <= {"kind", "value", "ref", "region"}:
            return _Item(
                ref, None, None, ValueRefused("item_invalid", "An item has a field that is not known here.")
            )
        try:
            region = item.get("region", "CN")
            if not (isinstance(region, str) and len(region) == 2 and region.isascii() and region.isupper()):
                raise ValueRefused("region_invalid", "region is an ISO 3166 code of two letters.")
            return _Item(ref, kind, self._normaliser.normalise(kind, value, region), None)
        except ValueRefused as refusal:
            return _Item(ref, kind, None, refusal)

    def _ground(self, caller: Caller, tenant: Tenant, event: Event) -> tuple[str, ...]:
        """Is this the caller's ground? Asked before Vault or a row is touched."""
        return self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))

    def seal(
        self, tenant: Tenant, origin: Origin, values: Sequence[tuple[Kind, Normalised]], ids: Sequence[UUID]
    ) -> list[store.NewToken]:
        """Rows ready to be stored: ciphertext and blind index of each value, bound to its token id."""
        indexes = self._ask_vault_for_indexes(
            [(tenant.id, origin, kind, value.index) for kind, value in values]
        )
        items = [
            (Address(tenant.id, kind, token_id), value.value)
            for (kind, value), token_id in zip(values, ids, strict=True)
        ]
        try:
            sealed = self._tokenizer.encrypt(tenant.platform, items) if items else []
        except KeysUnavailable:
            raise unavailable("vault") from None
        rows = []
        for (kind, value), token_id, ciphertext, index in zip(values, ids, sealed, indexes, strict=True):
            if not isinstance(ciphertext, Ciphertext):
                raise unavailable("vault")
            rows.append(store.NewToken(token_id, kind, value, ciphertext, index))
        return rows

    def _ask_vault_for_indexes(self, values: Sequence[tuple[UUID, Origin, Kind, bytes]]) -> list[bytes]:
        try:
            return self._tokenizer.blind_indexes(values) if values else []
        except KeysUnavailable:
            raise unavailable("vault") from None

    def _keep(
        self,
        unit: Unit,
        tenant: Tenant,
        rows: Sequence[store.NewToken],
        order: str | None,
        policies: tuple[str, ...],
    ) -> None:
        self._tenants.ensure(unit.conn, tenant)
        digest = hashlib.sha256(b"".join(row.id.bytes for row in rows)).hexdigest()
        event = Event(
            "token.create", policies=policies, order=order, detail={"count": len(rows), "digest": digest}
        )
        store.insert_tokens(
            unit.conn,
            tenant.id,
            rows,
            origin=origin_of(unit.caller),
            order_ref=order,
            event_id=unit.record(event),
            now=self._clock(),
        )


def _answers(items: Sequence[_Item], ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Token ids go to the good items in order; everything else of the answer follows from the request, so that
    a repeated request is answered alike from the ids alone."""
    remaining = iter(ids)
    answers: list[dict[str, Any]] = []
    for item in items:
        answer: dict[str, Any] = {} if item.ref is None else {"ref": item.ref}
        if item.kind is not None and item.value is not None:
            answer["token"] = token_text(item.kind, next(remaining))
            answer["kind"] = item.kind.value
            answer["masked"] = item.value.masked
        elif item.error is not None:
            answer["error"] = {"code": item.error.code, "detail": item.error.detail}
        answers.append(answer)
    return answers


def _view(row: dict[str, Any]) -> dict[str, Any]:
    view = {
        "token": token_text(Kind(row["kind"]), row["id"]),
        "kind": row["kind"],
        "masked": row["masked"],
        "origin": row["origin"],
        "created_at": row["created_at"].isoformat().replace("+00:00", "Z"),
    }
    if row["order_ref"] is not None:
        view["order"] = row["order_ref"]
    if row["region"] is not None:
        view["region"] = row["region"]
    return view


def _page(rows: list[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], UUID | None]:
    return [_view(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None


def _seconds_left_of_day(clock: Clock) -> int:
    now = clock()
    return 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)
