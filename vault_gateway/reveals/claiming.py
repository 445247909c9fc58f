"""Claiming: the only path on which a stored value becomes readable. The order of its steps is the promise.

1. Transaction 1 takes the grant and writes the attempt. Nothing is decrypted before it is committed. Where a request
   issues and claims in one, it is the transaction that issues (`issuing.py`).
2. Vault decrypts; the answer is sealed to the holder's key, where there is one.
3. Transaction 2 counts the release and writes that the values go out. Nothing is sent before it is committed.

A crash anywhere in between leaves a grant that tells how far it came (`machine.py`).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Refused, refused
from vault_gateway.errors import GatewayError, not_found, too_slow, unavailable
from vault_gateway.keys import Address, Ciphertext, KeyFault, KeysUnavailable, Revealer
from vault_gateway.model import Caller, Clock, Kind, Tenant, rfc3339
from vault_gateway.reveals import machine, store
from vault_gateway.reveals.breakglass.standing import require_standing
from vault_gateway.reveals.grants import (
    about,
    locate,
    lock_parcel,
    open_grant,
    require_reveal,
    reveal_text,
    spent,
)
from vault_gateway.reveals.machine import Grant, State
from vault_gateway.reveals.purposes import KIND_OF_FIELD
from vault_gateway.reveals.seal import seal
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.normalise import OtherRegion, reveal_value, street_of

# An answer that took longer than this from when its caller was judged stays here, whatever it waited for: a
# revocation holds within 5 s, and 3 of them are the edge's memory of a caller's key.
LONGEST_CLAIM_S = 2.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a claim may decrypt, once its audit row is committed."""

    caller: Caller
    tenant: Tenant
    grant: Grant
    sealed: dict[UUID, dict[str, Any]]


class Claimer:
    def __init__(self, ledger: Ledger, revealer: Revealer, clock: Clock) -> None:
        self._ledger = ledger
        self._revealer = revealer
        self._clock = clock

    def claim(self, caller: Caller, reveal: str, public_key: bytes | None) -> dict[str, Any]:
        """`{reveal_id, state, expires_at}` with `fields` and `ack_code`, or with `sealed` for a key. Once;
        sealed, the same key may fetch it again as `machine.py` says. 404 to anyone but the grantee, 409
        `reveal_spent` to the grantee."""
        return self.open(self._begin(caller, reveal, public_key))

    def open(self, attempt: Attempt) -> dict[str, Any]:
        """Decrypts what was claimed, and releases it: see `claim`."""
        ack_code = secrets.token_urlsafe(9)
        payload = {"fields": self._decrypt(attempt), "ack_code": ack_code}
        grant = attempt.grant
        text = reveal_text(grant.id)
        if grant.public_key is not None:
            payload = {"sealed": seal(grant.public_key, text, payload)}
        self._release(attempt, ack_code)
        return {
            "reveal_id": text,
            "state": State.CLAIMED.value,
            "expires_at": rfc3339(grant.expires_at),
            **payload,
        }

    def _begin(self, caller: Caller, reveal: str, public_key: bytes | None) -> Attempt:
        """Transaction 1: the grant is taken and the attempt is on record. The parcel is locked before the
        grant, as where grants are issued."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.claim")
            located = locate(unit, reveal, event, with_parcel=True)
            tenant = located.tenant
            waybill = lock_parcel(unit, tenant, located.waybill_id)
            grant = open_grant(unit, located, event, lock="update", action="reveal.ack")
            event = about(event, grant)
            now = self._clock()
            if grant.is_break_glass:
                policies = require_standing(unit, tenant, grant, event, public_key)
            else:
                assert waybill is not None, "but for break-glass there is always one"
                policies = require_reveal(unit, tenant, waybill, event, grant.purpose, now)
            if not machine.may_claim(grant, public_key, now):
                reason = f"spent_{machine.state_at(grant, now).value}"
                raise refused(event, spent(), reason=reason, policies=policies)
            sealed = token_store.sealed_values(unit.conn, tenant.id, grant.tokens)
            if len(sealed) != len(grant.tokens):
                raise refused(event, not_found(), reason="erased", policies=policies)
            recording = unit.recording(replace(event, policies=policies))
            store.mark_claimed(recording, tenant.id, grant.id, public_key, now)
        claimed = replace(grant, state=State.CLAIMED, public_key=public_key)
        return Attempt(caller, tenant, claimed, sealed)

    def _decrypt(self, attempt: Attempt) -> dict[str, Any]:
        """The fields' values. What fails is an `error` in the log, and the grant stays as it is."""
        tokens = {Kind(row["kind"]): (token, row) for token, row in attempt.sealed.items()}
        items = [
            (Address(attempt.tenant.id, kind, token), Ciphertext(row["key_version"], row["ciphertext"]))
            for kind, (token, row) in tokens.items()
        ]
        try:
            opened = self._revealer.decrypt(attempt.tenant.platform, items)
        except KeysUnavailable as failure:
            self._record_error(attempt, f"vault_{failure.reason}")
            raise unavailable("vault") from None
        plain = dict(zip(tokens, opened, strict=True))
        values: dict[str, Any] = {}
        for field in attempt.grant.fields:
            kind = KIND_OF_FIELD[field]
            plaintext = plain[kind]
            if isinstance(plaintext, KeyFault):
                raise self._broken(attempt, "does_not_open")
            try:
                value = reveal_value(kind, plaintext, tokens[kind][1]["region"])
            except OtherRegion:
                raise self._broken(attempt, "other_region") from None
            values[field] = street_of(value) if field == "street" else value
        return values

    def _broken(self, attempt: Attempt, reason: str) -> GatewayError:
        self._record_error(attempt, reason)
        return GatewayError("internal", 500, "A stored value does not open; the operator is told.")

    def _release(self, attempt: Attempt, ack_code: str) -> None:
        """Transaction 2: the release is counted and on record; after it, and only then, the values go out."""
        tenant_id = attempt.tenant.id
        with self._ledger.open(attempt.caller, attempt.tenant) as unit:
            event = about(Event("reveal.release"), attempt.grant)
            grant = store.get_grant(unit.conn, tenant_id, attempt.grant.id, lock="update")
            now = self._clock()
            if not machine.may_release(grant, now):
                reason = f"spent_{machine.state_at(grant, now).value}"
                raise refused(event, spent(), reason=reason)
            if _too_late(attempt):
                raise Refused(replace(event, outcome="error", reason="too_slow"), too_slow())
            digest = hashlib.sha256(ack_code.encode()).digest()
            store.count_release(unit.recording(event), tenant_id, grant.id, ack_digest=digest, now=now)
        metrics.REVEALS.labels("released").inc()
        if _too_late(attempt):
            # The commit itself took so long. For the log the values may have gone out; they did not.
            raise too_slow()

    def _record_error(self, attempt: Attempt, reason: str) -> None:
        metrics.REVEALS.labels("error").inc()
        event = about(Event("reveal.claim", outcome="error", reason=reason), attempt.grant)
        with self._ledger.open(attempt.caller, attempt.tenant) as unit:
            unit.record(event)


def _too_late(attempt: Attempt) -> bool:
    return time.monotonic() - attempt.caller.judged > LONGEST_CLAIM_S
