"""The issuers' keys in memory: fresh where possible, the last good ones for a while, then none.

Keys are loaded in threads of their own, one at a time for each issuer and not again within a short interval,
whatever the tokens say. A request waits for a load only if it can do nothing without it, or if nobody asked for so
long that what it would go by may have been taken away: for a second at most, and only so many requests at once. An
issuer's slow server holds up nobody else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from vault_gateway import metrics
from vault_gateway.errors import GatewayError, unavailable
from vault_gateway.identity.compact import TokenRefused
from vault_gateway.identity.fetch import JwksError, is_url
from vault_gateway.identity.jwks import Key, KeySet

log = structlog.get_logger("vault_gateway.identity")

WAIT_S = 1.0
# After this long without a good load the keys are not believed any more: 503 until the issuer answers again.
GOOD_FOR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds after which keys are loaded anew, and seconds that lie between two loads at least."""

    fresh_s: float
    retry_s: float


OF_URL = Pace(fresh_s=300.0, retry_s=5.0)
OF_FILE = Pace(fresh_s=2.0, retry_s=1.0)


@dataclass(slots=True)
class _Held:
    """What is known of one issuer. `loading` is there while a thread loads; `overdue` if nobody had tried for long."""

    keys: KeySet | None = None
    loaded_at: float = 0.0
    tried_at: float | None = None
    loading: threading.Event | None = None
    overdue: bool = False


class KeySets:
    """`load(source)` gives the keys of a file or URL or raises JwksError. Thread-safe."""

    def __init__(
        self,
        load: Callable[[str], KeySet],
        *,
        waiting_at_most: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._waiting = threading.BoundedSemaphore(waiting_at_most)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def find(self, issuer_id: str, source: str, kid: str | None, algorithm: str) -> Key:
        """The key a token names. TokenRefused `unknown_key` when the issuer has none like it, 503 when its keys
        cannot be had now."""
        with self._lock:
            held = self._held.setdefault(issuer_id, _Held())
            keys = self._good(held)
            key = None if keys is None else keys.find(kid, algorithm)
            pace = OF_URL if is_url(source) else OF_FILE
            if key is None or self._monotonic() - held.loaded_at >= pace.fresh_s:
                self._begin_load(issuer_id, source, held, pace)
            loading, overdue = held.loading, held.overdue
        if key is not None and not (overdue and loading is not None):
            return key
        if loading is not None:
            if not self._waited(loading):
                if key is None:
                    raise _no_keys()
                return key
            with self._lock:
                keys = self._good(held)
            key = None if keys is None else keys.find(kid, algorithm)
        if keys is None:
            raise _no_keys()
        if key is None:
            raise TokenRefused("unknown_key")
        return key

    def _good(self, held: _Held) -> KeySet | None:
        return held.keys if self._monotonic() - held.loaded_at < GOOD_FOR_S else None

    def _begin_load(self, issuer_id: str, source: str, held: _Held, pace: Pace) -> None:
        now = self._monotonic()
        if held.loading is not None or (held.tried_at is not None and now - held.tried_at < pace.retry_s):
            return
        # One that failed is no reason to make everybody wait for the next.
        failed = held.tried_at is not None and held.tried_at > held.loaded_at
        held.overdue = not failed and now - held.loaded_at >= 2 * pace.fresh_s
        held.tried_at = now
        held.loading = threading.Event()
        threading.Thread(
            target=self._run, args=(issuer_id, source, held, held.loading), name="jwks", daemon=True
        ).start()

    def _run(self, issuer_id: str, source: str, held: _Held, done: threading.Event) -> None:
        keys = None
        try:
            keys = self._load(source)
        except JwksError as failure:
            log.warning("an issuer's keys cannot be loaded", issuer=issuer_id, reason=str(failure))
        finally:
            metrics.JWKS_LOADS.labels("failed" if keys is None else "ok").inc()
            with self._lock:
                if keys is not None:
                    held.keys, held.loaded_at = keys, self._monotonic()
                held.loading = None
            done.set()

    def _waited(self, loading: threading.Event) -> bool:
        """Whether the load has ended; not where that takes too long or too many wait already."""
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            return loading.wait(WAIT_S)
        finally:
            self._waiting.release()


def _no_keys() -> GatewayError:
    return unavailable("identity_provider")
