"""When a session logs in, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

import orjson
import pytest

from vault_gateway.keys import Credential, KeysUnavailable, Vault
from vault_gateway.keys.identity import Session
from vault_gateway.keys.server import Request


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedVault(Vault):
    """Gives tokens of nine seconds, named by number, and answers any request 200, or as `broken` says."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.logins = 0
        self.broken: Callable[[str], int | None] = lambda path: None

    def answers(
        self, requests: Iterable[Request], token: str | None, deadline: float | None = None
    ) -> Generator[tuple[Request, int, bytes]]:
        for request in requests:
            yield (request, *self._answered(request.path))

    def _answered(self, path: str) -> tuple[int, bytes]:
        if (status := self.broken(path)) is not None:
            return status, b"{}"
        if not path.endswith("/login"):
            return 200, b"{}"
        self.logins += 1
        return 200, orjson.dumps({"auth": {"client_token": f"t{self.logins}", "lease_duration": 9}})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault() -> ScriptedVault:
    return ScriptedVault()


@pytest.fixture
def session(vault: ScriptedVault, clock: Clock) -> Session:
    return Session(vault, Credential("role", "secret"), clock=clock)


def token(session: Session) -> str:
    return session.token(session.vault.deadline())


def test_a_token_serves_two_thirds_of_its_life(session: Session, clock: Clock) -> None:
    assert token(session) == "t1"
    clock.now += 5.9
    assert token(session) == "t1"
    clock.now += 0.2
    assert token(session) == "t2"


def test_the_old_token_serves_on_while_vault_gives_no_new_one(
    session: Session, vault: ScriptedVault, clock: Clock
) -> None:
    token(session)
    vault.broken = lambda path: 503
    clock.now += 7
    assert token(session) == "t1"
    clock.now += 2.1
    with pytest.raises(KeysUnavailable, match="sealed"):
        token(session)
    vault.broken = lambda path: None
    assert token(session) == "t2"


def test_a_failed_renewal_is_not_tried_at_every_request(
    session: Session, vault: ScriptedVault, clock: Clock
) -> None:
    tries: list[str] = []

    def refuse(path: str) -> int:
        tries.append(path)
        return 503

    token(session)
    vault.broken = refuse
    clock.now += 6.5
    for _ in range(10):
        assert token(session) == "t1"
    assert len(tries) == 1


def test_a_403_brings_one_login_and_one_repetition(
    session: Session, vault: ScriptedVault, clock: Clock
) -> None:
    asked: list[str] = []

    def forbid(path: str) -> int | None:
        asked.append(path)
        return None if path.endswith("/login") else 403

    vault.broken = forbid
    token(session)
    clock.now += 2
    with pytest.raises(KeysUnavailable, match="refused"):
        session.ask("POST", "transit/x")
    assert asked == ["auth/approle/login", "transit/x", "auth/approle/login", "transit/x"]
    with pytest.raises(KeysUnavailable, match="refused"):
        session.ask("POST", "transit/x")
    assert vault.logins == 2


def test_a_login_without_a_token_in_its_answer_is_garbled(session: Session, vault: ScriptedVault) -> None:
    vault.broken = lambda path: 204
    with pytest.raises(KeysUnavailable, match="garbled"):
        token(session)


def test_of_several_requests_only_the_refused_are_asked_again(
    session: Session, vault: ScriptedVault, clock: Clock
) -> None:
    asked: list[str] = []

    def forbid_until_a_fresh_login(path: str) -> int | None:
        asked.append(path)
        return 403 if path == "b" and vault.logins == 1 else None

    vault.broken = forbid_until_a_fresh_login
    token(session)
    clock.now += 2
    answers = session.exchange([Request("POST", path, b"") for path in "abc"], vault.deadline())
    assert [(at, status) for at, status, _ in answers] == [(0, 200), (2, 200), (1, 200)]
    assert asked == ["auth/approle/login", "a", "b", "c", "auth/approle/login", "b"]
