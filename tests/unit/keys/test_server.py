"""What is repeated, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from vault_gateway.keys import KeyFault, KeysUnavailable, Vault
from vault_gateway.keys.server import content


class Pool:
    """Fails once with each of `errors`, then answers."""

    def __init__(self, *errors: HTTPError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def urlopen(self, *_: Any, **options: Any) -> HTTPResponse:
        assert options["redirect"] is False
        assert options["retries"] is False
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return HTTPResponse(b"{}", status=200, preload_content=False)


def refused() -> NewConnectionError:
    return NewConnectionError(HTTPConnection("127.0.0.1", 1), "refused")


def asked(monkeypatch: pytest.MonkeyPatch, pool: Pool) -> tuple[int, bytes]:
    vault = Vault("http://127.0.0.1:1")
    monkeypatch.setattr(vault, "_pool", pool)
    return vault.call("POST", "transit/encrypt/phone-x", b"{}", None)


def test_a_refused_connection_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(refused())
    assert asked(monkeypatch, pool)[0] == 200
    assert pool.calls == 2


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(refused(), refused(), refused())
    with pytest.raises(KeysUnavailable, match="gone"):
        asked(monkeypatch, pool)
    assert pool.calls == 2


def test_what_may_have_been_sent_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(ProtocolError("reset"))
    with pytest.raises(KeysUnavailable, match="gone"):
        asked(monkeypatch, pool)
    assert pool.calls == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "refused"),
        (429, "overloaded"),
        (503, "sealed"),
        (500, "failed"),
        (307, "failed"),
        (418, "failed"),
    ],
)
def test_a_failure_has_one_word(status: int, reason: str) -> None:
    with pytest.raises(KeysUnavailable) as caught:
        content(status, b'{"errors":["a value"]}')
    assert caught.value.reason == reason
    assert caught.value.args == (reason,)


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_wrong_request_is_a_fault(status: int) -> None:
    with pytest.raises(KeyFault):
        content(status, b"{}")


def test_an_empty_success_is_an_empty_object() -> None:
    assert content(204, b"") == {}
    assert content(200, b'{"a":1}') == {"a": 1}
