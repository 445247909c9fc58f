"""Repeated requests get the first answer (draft-ietf-httpapi-idempotency-key-header).

The record commits with what the request made, so a crash between commit and answer loses nothing. It holds ids
and error codes by position, from which a room rebuilds its answer; never a value. The fingerprint of the body is
an HMAC whose key stays in Vault, for a plain hash of a phone is guessed in a second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from flask import request
from psycopg.types.json import Jsonb

from vault_gateway.database import Connection
from vault_gateway.errors import GatewayError, unavailable
from vault_gateway.keys import KeysUnavailable, Tokenizer
from vault_gateway.model import Caller, Clock

KEPT = timedelta(hours=24)
_REMOVED_AT_ONCE = 1000
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A principal's Idempotency-Key and the fingerprint of what came with it."""

    principal: str
    key: str
    fingerprint: bytes


class RequestKeys:
    """Reads the Idempotency-Key of the request at hand."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def of(self, caller: Caller, body: bytes) -> RequestKey | None:
        """None where there is no key; 503 when Vault cannot make the fingerprint."""
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise GatewayError(
                "idempotency_key_invalid", 422, "Idempotency-Key is 1 to 128 visible ASCII characters."
            )
        # One person may speak for several merchants, a JWT for each: the same words are then different requests.
        who = caller.principal
        ground = "/".join(name or "" for name in (who.platform, who.merchant, who.carrier, who.station))
        call = f"{request.method} {request.path} {ground}\n".encode()
        try:
            fingerprint = self._tokenizer.fingerprint(caller.principal.id, call + body)
        except KeysUnavailable:
            raise unavailable("vault") from None
        return RequestKey(caller.principal.id, key, fingerprint)


def earlier_answer(conn: Connection, wanted: RequestKey, clock: Clock) -> Any | None:
    """Takes the key for this transaction; the stored answer if the request was carried out before.

    409 `request_in_flight` while another transaction has the key, 422 `idempotency_key_reused` for another body.
    """
    row = conn.execute(
        "select pg_try_advisory_xact_lock(hashtextextended(%s, 4711)) as taken",
        (f"{wanted.principal} {wanted.key}",),
    ).fetchone()
    if row is None or not row["taken"]:
        raise GatewayError("request_in_flight", 409, "The same request is being carried out.", retry_after=1)
    row = conn.execute(
        "select fingerprint, answer from idempotency where principal = %s and key = %s and created_at > %s",
        (wanted.principal, wanted.key, clock() - KEPT),
    ).fetchone()
    if row is None:
        return None
    if not compare_digest(row["fingerprint"], wanted.fingerprint):
        raise GatewayError(
            "idempotency_key_reused", 422, "This Idempotency-Key came with another body before."
        )
    return row["answer"]


def keep_answer(conn: Connection, wanted: RequestKey, answer: Any, clock: Clock) -> None:
    conn.execute(
        """
        insert into idempotency (principal, key, fingerprint, answer, created_at) values (%s, %s, %s, %s, %s)
        on conflict (principal, key) do update
        set fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at
        """,
        (wanted.principal, wanted.key, wanted.fingerprint, Jsonb(answer), clock()),
    )


def forget_old(conn: Connection, clock: Clock) -> int:
    """Removes records past their time, some at once and none that a request is busy with; returns how many."""
    removed = 0
    while True:
        some = conn.execute(
            """
            delete from idempotency where (principal, key) in (
              select principal, key from idempotency where created_at <= %s
              order by created_at limit %s for update skip locked)
            """,
            (clock() - KEPT, _REMOVED_AT_ONCE),
        ).rowcount
        removed += some
        if some < _REMOVED_AT_ONCE:
            return removed
