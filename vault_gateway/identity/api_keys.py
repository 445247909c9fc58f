"""API keys: 256 random bits, stored as a digest, looked up with a short memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict

from vault_gateway.database import Database
from vault_gateway.identity import store
from vault_gateway.model import Principal, Role

KEY_PREFIX = "vg_"
# A revoked key is refused everywhere within 5 s; the rest of that time is the request's own.
REMEMBER_S = 3.0
REMEMBER_AT_MOST = 10_000


def new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class ApiKeys:
    """Finds the principal of a key. Both finds and misses are remembered for a few seconds, so that a flood of
    wrong keys does not become a flood of queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    def principal(self, key: str) -> Principal | None:
        digest = key_digest(key)
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(digest)
        if seen is not None and now < seen[0]:
            return seen[1]
        found = self._look_up(digest)
        with self._lock:
            self._seen[digest] = (now + REMEMBER_S, found)
            self._seen.move_to_end(digest)
            while len(self._seen) > REMEMBER_AT_MOST:
                self._seen.popitem(last=False)
        return found

    def _look_up(self, digest: bytes) -> Principal | None:
        with self._database.connection() as conn:
            row = store.client_by_key(conn, digest)
        if row is None:
            return None
        role = Role(row["role"])
        return Principal(
            id=f"key:{row['name']}",
            role=role,
            platform=row["platform"],
            merchant=row["merchant"],
            carrier=row["carrier"],
            station=row["station"],
            handle=row["name"] if role is Role.COURIER else None,
        )
