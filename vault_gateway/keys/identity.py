"""Who the gateway is to Vault: an AppRole, logged in lazily and again before its token ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from hvac.api.auth_methods import AppRole

from vault_gateway.keys.adapter import PooledAdapter
from vault_gateway.keys.errors import KeyFault, KeysUnavailable
from vault_gateway.keys.server import Request, Vault, content

_RENEW_AT = 2 / 3


@dataclass(frozen=True, slots=True)
class Credential:
    """An AppRole's two halves."""

    role_id: str
    secret_id: str = field(repr=False)


class FixedToken:
    """Asks with one token (an administrator's), or with none (to log in, by `until` at the latest)."""

    def __init__(self, vault: Vault, token: str | None, until: float | None = None) -> None:
        self._vault = vault
        self._token = token
        self._until = until

    def ask(self, method: str, path: str, body: bytes | None = None, deadline: float | None = None) -> Any:
        request = Request(method, path, body)
        return content(*self._vault.call(request, self._token, deadline or self._until))


@dataclass(frozen=True, slots=True)
class _Login:
    token: str = field(repr=False)
    since: float
    renew_at: float
    expires_at: float


class Session:
    """Asks as one identity. Thread-safe; one thread logs in, the others go on with the old token while it
    lasts.

    After a 403 the token may have been revoked, so there is one fresh login and one repetition, but never
    within `relogin_pause_s` of the last login: a request that the policy forbids must not become a stream of
    logins.
    """

    def __init__(
        self,
        vault: Vault,
        credential: Credential,
        *,
        relogin_pause_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vault = vault
        self._credential = credential
        self._pause_s = relogin_pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._login: _Login | None = None
        self._failure: tuple[float, str] | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, deadline: float | None = None) -> Any:
        """The parsed answer. KeysUnavailable, or KeyFault for a request that Vault finds wrong (400, 404)."""
        until = self.vault.deadline() if deadline is None else deadline
        [(_, status, data)] = self.exchange([Request(method, path, body)], until)
        return content(status, data)

    def exchange(self, requests: Iterable[Request], until: float) -> Generator[tuple[int, int, bytes]]:
        """Position, status and body of each request as they come: a refusal may have a body worth reading. Those that
        were refused for the token come last."""
        token = self.token(until)
        refused: list[tuple[int, Request]] = []
        with closing(self.vault.answers(requests, token, until)) as answers:
            for at, (request, status, data) in enumerate(answers):
                if status == 403:
                    refused.append((at, request))
                else:
                    yield at, status, data
        if refused:
            token = self._token_after_refusal(token, until)
            again = self.vault.calls([request for _, request in refused], token, until)
            for (at, _), (status, data) in zip(refused, again, strict=True):
                yield at, status, data

    def token(self, until: float) -> str:
        """A token that is good now; logs in where there is none or two thirds of its life are over."""
        login, now = self._login, self._clock()
        if login is not None and now < login.renew_at:
            return login.token
        if login is not None and now < login.expires_at:
            return self._renewed_early(login, until)
        with self._turn(asked_at=now, until=until):
            login, now = self._login, self._clock()
            if login is None or now >= login.expires_at:
                login = self._log_in(until)
            return login.token

    @contextmanager
    def _turn(self, asked_at: float, until: float) -> Iterator[None]:
        """The lock, no longer waited for than `until`, unless a login failed meanwhile: when Vault hangs, the
        threads that queued here must fail together and not one time-out after the other."""
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise KeysUnavailable("slow")
        try:
            if self._failure is not None and self._failure[0] > asked_at:
                raise KeysUnavailable(self._failure[1])
            yield
        finally:
            self._lock.release()

    def _renewed_early(self, login: _Login, until: float) -> str:
        """A new token if this thread gets to fetch it and Vault gives it; otherwise the old one, still
        good."""
        if not self._lock.acquire(blocking=False):
            return login.token
        try:
            if self._login is login:
                login = self._log_in(until)
        except KeysUnavailable:
            later = min(self._clock() + self._pause_s, login.expires_at)
            self._login = _Login(login.token, login.since, later, login.expires_at)
        finally:
            self._lock.release()
        return login.token

    def _token_after_refusal(self, refused: str, until: float) -> str:
        with self._turn(asked_at=self._clock(), until=until):
            login = self._login
            if login is not None and login.token != refused:
                return login.token
            if login is not None and self._clock() < login.since + self._pause_s:
                raise KeysUnavailable("refused")
            return self._log_in(until).token

    def _log_in(self, until: float) -> _Login:
        """Called under the lock."""
        now = self._clock()
        try:
            token, ttl = self._fetched(until)
        except KeysUnavailable as unavailable:
            self._failure = (self._clock(), unavailable.reason)
            raise
        life = float(ttl) if ttl > 0 else float("inf")
        self._login = _Login(token, now, now + life * _RENEW_AT, now + life)
        return self._login

    def _fetched(self, until: float) -> tuple[str, int]:
        approle = AppRole(PooledAdapter(FixedToken(self.vault, None, until)))
        try:
            answer = approle.login(self._credential.role_id, self._credential.secret_id, use_token=False)
            return str(answer["auth"]["client_token"]), int(answer["auth"]["lease_duration"])
        except KeyFault:
            raise KeysUnavailable("refused") from None
        except (KeyError, TypeError, ValueError):
            raise KeysUnavailable("garbled") from None
