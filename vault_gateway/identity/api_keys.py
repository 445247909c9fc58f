"""API keys: 256 random bits, stored as a digest, looked up with a short memory."""

from __future__ import annotations

import hashlib
import secrets
import time

from vault_gateway.database import Database, Row
from vault_gateway.identity import store
from vault_gateway.identity.memory import AT_MOST, Memory
from vault_gateway.model import Principal, Role

KEY_PREFIX = "vg_"


def new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class ApiKeys:
    """Finds the principal of a key. Both finds and misses are remembered for a few seconds, so that a flood of
    wrong keys does not become a flood of queries; apart, so that it does not make the good ones forgotten."""

    def __init__(self, database: Database, *, remember_at_most: int = AT_MOST) -> None:
        self._database = database
        self._found: Memory[Principal] = Memory(at_most=remember_at_most)
        self._missed: Memory[bool] = Memory(at_most=remember_at_most)

    def principal(self, key: str) -> Principal | None:
        digest = key_digest(key)
        known = self._found.recall(digest)
        if known is not None or self._missed.recall(digest):
            return known
        asked = time.monotonic()
        found = self._look_up(digest)
        if found is None:
            self._missed.keep(digest, True, asked)
        else:
            self._found.keep(digest, found, asked)
        return found

    def _look_up(self, digest: bytes) -> Principal | None:
        with self._database.connection() as conn:
            row = store.client_by_key(conn, digest)
        return None if row is None else principal_of(row)


def named_client(database: Database, name: str) -> Principal | None:
    """The client of that name as long as its key is in force, for who comes with something else than the key."""
    with database.connection() as conn:
        row = store.client_by_name(conn, name)
    return principal_of(row) if row is not None and row["live"] else None


def principal_of(row: Row) -> Principal:
    """A client's row as the principal that its key makes."""
    role = Role(row["role"])
    return Principal(
        id=f"key:{row['name']}",
        role=role,
        platform=row["platform"],
        merchant=row["merchant"],
        carrier=row["carrier"],
        station=row["station"],
        handle=row["name"] if role is Role.COURIER else None,
        suspended=row["suspended"],
    )
