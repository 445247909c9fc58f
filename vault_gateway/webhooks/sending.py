"""Sending what waits: at least once, in the order of each parcel, for a day.

Each sender takes one event at a time with a lease, sends it outside of any transaction and then strikes it out. A
sender that dies in between leaves the lease to run out: the event comes again, with the same id. Nothing is sent
later than a few seconds after it was taken, so no sender overtakes another that took the event over.
"""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from uuid import UUID

import structlog

from vault_gateway import metrics
from vault_gateway.database import Connection, Database
from vault_gateway.errors import GatewayError
from vault_gateway.ids import base32
from vault_gateway.keys import KeysUnavailable, Tokenizer
from vault_gateway.model import Clock
from vault_gateway.outside.calling import Outside
from vault_gateway.webhooks import store
from vault_gateway.webhooks.outbox import EVENT_PREFIX
from vault_gateway.webhooks.posting import post
from vault_gateway.webhooks.signing import signed_headers
from vault_gateway.webhooks.store import Due

log = structlog.get_logger("vault_gateway.webhooks")

LEASE = timedelta(seconds=30)
TRIED_FOR = timedelta(days=1)
LONGEST_PAUSE = timedelta(hours=1)
# A webhook whose address fails is tried anew after so long at most, with whatever waits for it.
LONGEST_REST = timedelta(minutes=5)
_IDLE_S = 0.5
_SECRETS_AT_MOST = 10_000


class Sender:
    def __init__(self, database: Database, tokenizer: Tokenizer, outside: Outside, clock: Clock) -> None:
        self._database = database
        self._tokenizer = tokenizer
        self._outside = outside
        self._clock = clock
        self._secrets: dict[UUID, bytes] = {}

    def start(self, threads: int) -> None:
        """Sends for as long as the process lives."""
        for number in range(threads):
            threading.Thread(target=self._run, name=f"webhooks-{number}", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                busy = self.send_one()
            except Exception as error:  # noqa: BLE001 -- one odd event must not end the sending of all others
                # The database is away, mostly: what waits, waits.
                code = error.code if isinstance(error, GatewayError) else type(error).__name__
                log.warning("webhooks wait", code=code)
                busy = False
            if not busy:
                pause.wait(_IDLE_S * random.uniform(0.5, 1.5))  # noqa: S311 -- a pause, no secret

    def send_one(self) -> bool:
        """Tries one event; False where none was due."""
        with self._database.connection() as conn:
            due = store.claim(conn, self._clock(), LEASE)
        if due is None:
            return False
        try:
            secret = self._secret(due.webhook_id)
        except KeysUnavailable:
            with self._database.connection() as conn:
                store.put_back(conn, due, self._clock() + timedelta(seconds=2))
            return False
        body = due.body.encode()
        headers = signed_headers(secret, EVENT_PREFIX + base32(due.event_id), self._clock(), body)
        taken = post(due.url, self._outside, headers, body)
        with self._database.connection() as conn:
            if taken:
                store.taken(conn, due)
            elif self._clock() >= due.created_at + TRIED_FOR:
                store.give_up(conn, due, self._clock())
            else:
                self._again(conn, due)
        metrics.WEBHOOKS.labels("taken" if taken else "not_taken").inc()
        return True

    def _again(self, conn: Connection, due: Due) -> None:
        now = self._clock()
        # The last try is when the day is over.
        next_at = min(now + pause_after(due.attempts, LONGEST_PAUSE), due.created_at + TRIED_FOR)
        store.not_taken(
            conn, due, next_at=next_at, rest_until=now + pause_after(due.failures + 1, LONGEST_REST)
        )

    def _secret(self, webhook_id: UUID) -> bytes:
        secret = self._secrets.get(webhook_id)
        if secret is None:
            secret = self._tokenizer.webhook_secret(webhook_id)
            if len(self._secrets) >= _SECRETS_AT_MOST:
                self._secrets.clear()
            self._secrets[webhook_id] = secret
        return secret


def pause_after(tries: int, longest: timedelta) -> timedelta:
    """Twice as long after each try, a random half of it left out: senders that failed together do not come back
    together."""
    full = min(timedelta(seconds=2 ** min(tries, 20)), longest)
    return full * random.uniform(0.5, 1.0)  # noqa: S311 -- a pause, no secret


def tidy(conn: Connection, clock: Clock) -> None:
    store.tidy(conn, clock())
