"""Issue, claim, acknowledge, revoke. The order of steps is the promise: audit row, commit, and only then a value.

A claim is two transactions with Vault between them. The first takes the grant and writes the attempt; nothing is
decrypted before it commits. The second counts the release and writes that the values go out; nothing is sent
before it commits. A crash anywhere in between leaves a grant that tells how far it came (`machine.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.access.resources import grant_resource
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found, unavailable
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import base32, new_id, parse_prefixed
from vault_gateway.keys import Address, Ciphertext, KeyFault, KeysUnavailable, Revealer
from vault_gateway.model import Caller, Clock, Kind, Tenant
from vault_gateway.reveals import machine, store
from vault_gateway.reveals.machine import Grant, State
from vault_gateway.reveals.purposes import Purpose, Purposes
from vault_gateway.reveals.seal import seal
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.normalise import reveal_value, street_of
from vault_gateway.waybills.service import WaybillService, resource_of
from vault_gateway.waybills.store import Waybill, get_waybill

PREFIX = "rv_"


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """`fields` None asks for all that the purpose allows. `public_key`: 32 bytes, fixes who can claim."""

    waybill_no: str
    purpose: str
    fields: tuple[str, ...] | None = None
    public_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a claim may decrypt, once its audit row is committed."""

    tenant: Tenant
    grant: Grant
    sealed: dict[UUID, dict[str, Any]]


def reveal_text(reveal_id: UUID) -> str:
    return PREFIX + base32(reveal_id)


class RevealService:
    def __init__(
        self,
        ledger: Ledger,
        revealer: Revealer,
        waybills: WaybillService,
        purposes: Purposes,
        clock: Clock,
        *,
        ttl_s: int,
    ) -> None:
        self._ledger = ledger
        self._revealer = revealer
        self._waybills = waybills
        self._purposes = purposes
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)

    def issue(self, caller: Caller, wanted: RevealRequest, key: RequestKey | None) -> Grant:
        """A grant for the assigned courier (for `sort`: the station that holds the parcel).

        404 where the parcel is not the caller's to see, 403 with the reason where it is, 409 `reveal_live`
        while another grant for the same purpose can still be opened, 429 `reveal_limit` after a lifetime's.
        """
        event = Event("reveal.issue", purpose=wanted.purpose, fields=wanted.fields or ())
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return self._repeat(unit, UUID(earlier))
            tenant, waybill = self._waybills.find(
                unit, wanted.waybill_no, event, action="waybill.read", lock="update"
            )
            event = replace(
                event, waybill=waybill.waybill_no, order=waybill.order_ref, carrier=waybill.carrier
            )
            policies = self._require(unit, tenant, waybill, event, wanted.purpose)
            purpose = self._purpose(wanted, event)
            grant = self._new_grant(caller, waybill, purpose, wanted)
            event = replace(
                event, policies=policies, fields=grant.fields, resource=f"reveal:{reveal_text(grant.id)}"
            )
            self._require_within_limits(unit, tenant, grant, event)
            store.insert_grant(unit.conn, tenant.id, grant)
            unit.record(event)
            if key is not None:
                keep_answer(unit.conn, key, str(grant.id), self._clock)
        metrics.REVEALS.labels("issued").inc()
        return grant

    def claim(self, caller: Caller, reveal: str, public_key: bytes | None) -> dict[str, Any]:
        """`{reveal_id, fields, ack_code}`, or `{reveal_id, sealed}` for a key. Once; sealed, the same key may
        fetch it again as `machine.py` says. 404 to anyone but the grantee, 409 `reveal_spent` to the grantee."""
        attempt = self._begin_claim(caller, reveal, public_key)
        values = self._decrypt(caller, attempt)
        ack_code = secrets.token_urlsafe(9)
        self._release(caller, attempt, ack_code)
        text = reveal_text(attempt.grant.id)
        payload = {"fields": values, "ack_code": ack_code}
        if attempt.grant.public_key is not None:
            return {"reveal_id": text, "sealed": seal(attempt.grant.public_key, text, payload)}
        return {"reveal_id": text, **payload}

    def acknowledge(self, caller: Caller, reveal: str, ack_code: str) -> Grant:
        """The holder has the values: `delivered`. Again with a right code: the same answer."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.ack")
            tenant, grant = self._find(unit, reveal, event)
            event = _about(event, grant)
            digest = hashlib.sha256(ack_code.encode()).digest()
            known = [hmac.compare_digest(digest, stored) for stored in grant.ack_digests]
            if not any(known):
                answer = GatewayError("ack_code_wrong", 422, "This is not the ack_code of this reveal.")
                raise refused(event, answer, reason="ack_code_wrong")
            if grant.state is State.DELIVERED:
                return grant
            if not machine.may_acknowledge(grant):
                raise refused(event, _closed(), reason="reveal_closed")
            return self._close(unit, tenant, grant, State.DELIVERED, event)

    def revoke(self, caller: Caller, reveal: str) -> Grant:
        """Calls a grant back, by its carrier or an operator; 409 `reveal_closed` once it is over."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.revoke")
            tenant, grant = self._find(unit, reveal, event)
            event = _about(event, grant)
            if not machine.may_revoke(grant, self._clock()):
                raise refused(event, _closed(), reason="reveal_closed")
            return self._close(unit, tenant, grant, State.REVOKED, event)

    def view(self, caller: Caller, reveal: str) -> dict[str, Any]:
        """State only. Reading never opens anything."""
        with self._ledger.open(caller) as unit:
            _, grant = self._find(unit, reveal, Event("reveal.read"), lock=False)
        return self.view_of(grant)

    def view_of(self, grant: Grant) -> dict[str, Any]:
        return {
            "reveal_id": reveal_text(grant.id),
            "waybill_no": grant.waybill_no,
            "purpose": grant.purpose,
            "fields": list(grant.fields),
            "state": machine.state_at(grant, self._clock()).value,
            "released": grant.released,
            "issued_at": grant.issued_at.isoformat().replace("+00:00", "Z"),
            "expires_at": grant.expires_at.isoformat().replace("+00:00", "Z"),
        }

    def _require(
        self, unit: Unit, tenant: Tenant, waybill: Waybill, event: Event, purpose: str
    ) -> tuple[str, ...]:
        """Asks the policies. The caller may read the waybill, so it may hear which rule was in the way."""
        context: dict[str, str | int] = {"purpose": purpose, "now": int(self._clock().timestamp())}
        decision = unit.decide(event.action, resource_of(tenant, waybill), context)
        if not decision.allowed:
            code = decision.reason or "forbidden"
            raise refused(
                event, _denial(code), reason=decision.reason or "not_permitted", policies=decision.policies
            )
        return decision.policies

    def _purpose(self, wanted: RevealRequest, event: Event) -> Purpose:
        purpose = self._purposes.by_name[wanted.purpose]
        if not set(wanted.fields or purpose.fields) <= set(purpose.fields):
            answer = GatewayError(
                "field_not_allowed", 403, "The purpose does not need a field that was asked for."
            )
            raise refused(event, answer, reason="field_not_allowed")
        return purpose

    def _new_grant(self, caller: Caller, waybill: Waybill, purpose: Purpose, wanted: RevealRequest) -> Grant:
        now = self._clock()
        holder = caller.principal.holder
        assert holder is not None, "the policies permit couriers and stations only"
        fields = tuple(field for field in purpose.fields if wanted.fields is None or field in wanted.fields)
        return Grant(
            id=new_id(now),
            waybill_id=waybill.id,
            waybill_no=waybill.waybill_no,
            carrier=waybill.carrier,
            holder=holder,
            principal=caller.principal.id,
            purpose=purpose.name,
            fields=fields,
            tokens=tuple(dict.fromkeys(_token_of(waybill, field) for field in fields)),
            state=State.ISSUED,
            public_key=wanted.public_key,
            released=0,
            ack_digests=(),
            issued_at=now,
            expires_at=now + self._ttl,
        )

    def _require_within_limits(self, unit: Unit, tenant: Tenant, grant: Grant, event: Event) -> None:
        """Exact: the waybill's row is locked by the caller, the tokens' rows are here, in the order of ids."""
        now = self._clock()
        if len(token_store.sealed_values(unit.conn, tenant.id, grant.tokens, lock=True)) != len(grant.tokens):
            raise refused(event, not_found(), reason="erased")
        of_waybill = store.grants_of_waybill(unit.conn, tenant.id, grant.waybill_id)
        if any(_same_purpose(grant, other) and machine.is_live(other, now) for other in of_waybill):
            answer = GatewayError("reveal_live", 409, "A grant for this purpose can still be opened.")
            raise refused(event, answer, reason="reveal_live")
        over = sum(machine.counts(other, now) for other in of_waybill) >= self._purposes.per_waybill
        for token in grant.tokens:
            of_token = store.grants_of_token(unit.conn, tenant.id, token)
            over = over or sum(machine.counts(other, now) for other in of_token) >= self._purposes.per_token
        if over:
            answer = GatewayError(
                "reveal_limit", 429, "This recipient's data was revealed as often as it may be."
            )
            raise refused(event, answer, reason="reveal_limit")

    def _begin_claim(self, caller: Caller, reveal: str, public_key: bytes | None) -> _Attempt:
        """Transaction 1: the grant is taken and the attempt is on record."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.claim")
            tenant, grant = self._find(unit, reveal, Event("reveal.ack"), told=event)
            event = _about(event, grant)
            waybill = get_waybill(unit.conn, tenant.id, grant.waybill_id, lock="share")
            policies = self._require(unit, tenant, waybill, event, grant.purpose)
            now = self._clock()
            if not machine.may_claim(grant, public_key, now):
                answer = GatewayError("reveal_spent", 409, "This reveal was opened, or can no longer be.")
                raise refused(event, answer, reason=f"spent_{machine.state_at(grant, now).value}")
            sealed = token_store.sealed_values(unit.conn, tenant.id, grant.tokens)
            if len(sealed) != len(grant.tokens):
                raise refused(event, not_found(), reason="erased")
            store.mark_claimed(unit.conn, tenant.id, grant.id, public_key, now)
            unit.record(replace(event, policies=policies))
        return _Attempt(tenant, replace(grant, state=State.CLAIMED, public_key=public_key), sealed)

    def _decrypt(self, caller: Caller, attempt: _Attempt) -> dict[str, Any]:
        """The fields' values. What fails is an `error` in the log, and the grant stays as it is."""
        kinds = {token: Kind(row["kind"]) for token, row in attempt.sealed.items()}
        items = [
            (
                Address(attempt.tenant.id, kinds[token], token),
                Ciphertext(row["key_version"], row["ciphertext"]),
            )
            for token, row in attempt.sealed.items()
        ]
        try:
            opened = self._revealer.decrypt(attempt.tenant.platform, items)
        except KeysUnavailable as failure:
            self._record_error(caller, attempt, f"vault_{failure.reason}")
            raise unavailable("vault") from None
        plain = dict(zip(attempt.sealed, opened, strict=True))
        values: dict[str, Any] = {}
        for field in attempt.grant.fields:
            token = _token_at(attempt.grant, kinds, field)
            plaintext = plain[token]
            if isinstance(plaintext, KeyFault):
                self._record_error(caller, attempt, "does_not_open")
                raise GatewayError(
                    "internal", 500, "A stored value does not open; the operator has been told."
                )
            value = reveal_value(kinds[token], plaintext, attempt.sealed[token]["region"])
            values[field] = street_of(value) if field == "street" else value
        return values

    def _record_error(self, caller: Caller, attempt: _Attempt, reason: str) -> None:
        metrics.REVEALS.labels("error").inc()
        with self._ledger.open(caller, attempt.tenant) as unit:
            unit.record(replace(_about(Event("reveal.claim"), attempt.grant), outcome="error", reason=reason))

    def _release(self, caller: Caller, attempt: _Attempt, ack_code: str) -> None:
        """Transaction 2: the release is counted and on record; after it, and only then, the values go out."""
        grant = attempt.grant
        with self._ledger.open(caller, attempt.tenant) as unit:
            event = _about(Event("reveal.release"), grant)
            counted = store.count_release(
                unit.conn,
                attempt.tenant.id,
                grant.id,
                limit=grant.release_limit,
                ack_digest=hashlib.sha256(ack_code.encode()).digest(),
                now=self._clock(),
            )
            if not counted:
                answer = GatewayError("reveal_spent", 409, "This reveal was opened, or can no longer be.")
                raise refused(event, answer, reason="spent_meanwhile")
            unit.record(event)
        metrics.REVEALS.labels("released").inc()

    def _find(
        self, unit: Unit, reveal: str, event: Event, *, told: Event | None = None, lock: bool = True
    ) -> tuple[Tenant, Grant]:
        """The grant, if the policies let the caller do `event.action` with it; `told` is the event to record
        where they do not. Anyone else gets what an unknown id gets."""
        told = told or event
        reveal_id = parse_prefixed(PREFIX, reveal)
        tenant_id = None if reveal_id is None else store.tenant_of(unit.conn, reveal_id)
        tenant = None if tenant_id is None else identity_store.tenant_by_id(unit.conn, tenant_id)
        if reveal_id is None or tenant is None:
            raise refused(told, not_found(), reason="unknown_reveal")
        unit.enter(tenant)
        grant = store.get_grant(unit.conn, tenant.id, reveal_id, lock=lock)
        assert grant is not None, "grants are never removed"
        resource = grant_resource(tenant, reveal, carrier=grant.carrier, holder=grant.holder)
        decision = unit.decide(event.action, resource)
        if not decision.allowed:
            raise refused(
                _about(told, grant), not_found(), reason="not_the_holder", policies=decision.policies
            )
        return tenant, grant

    def _repeat(self, unit: Unit, reveal_id: UUID) -> Grant:
        _, grant = self._find(unit, reveal_text(reveal_id), Event("reveal.read"), lock=False)
        return grant

    def _close(self, unit: Unit, tenant: Tenant, grant: Grant, state: State, event: Event) -> Grant:
        now = self._clock()
        store.close(unit.conn, tenant.id, grant.id, state, now)
        unit.record(event)
        metrics.REVEALS.labels(state.value).inc()
        return replace(grant, state=state, closed_at=now)


_DENIALS = {
    "not_out_for_delivery": "The parcel is not out for delivery.",
    "delivery_window_over": "The delivery window is over.",
    "not_at_station": "The parcel is not at the station.",
}


def _denial(code: str) -> GatewayError:
    return GatewayError(code, 403, _DENIALS.get(code, "Your role may not reveal this for that purpose."))


def _closed() -> GatewayError:
    return GatewayError("reveal_closed", 409, "This reveal is over.")


def _about(event: Event, grant: Grant) -> Event:
    return replace(
        event,
        resource=f"reveal:{reveal_text(grant.id)}",
        waybill=grant.waybill_no,
        carrier=grant.carrier,
        purpose=grant.purpose,
        fields=grant.fields,
    )


def _same_purpose(grant: Grant, other: Grant) -> bool:
    return (grant.purpose, grant.holder, grant.carrier) == (other.purpose, other.holder, other.carrier)


_KIND_OF_FIELD = {"name": Kind.NAME, "phone": Kind.PHONE, "address": Kind.ADDRESS, "street": Kind.ADDRESS}


def _token_of(waybill: Waybill, field: str) -> UUID:
    token: UUID = getattr(waybill.recipient, _KIND_OF_FIELD[field].value)
    return token


def _token_at(grant: Grant, kinds: dict[UUID, Kind], field: str) -> UUID:
    return next(token for token in grant.tokens if kinds[token] is _KIND_OF_FIELD[field])


def batch_keys(key: RequestKey | None, count: int) -> Sequence[RequestKey | None]:
    """A request's idempotency key for each of its items, which are carried out each by itself."""
    if key is None:
        return [None] * count
    return [replace(key, key=f"{key.key} {position}") for position in range(count)]
