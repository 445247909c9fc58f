"""What a log of the caller's program may catch: reprs, messages, addresses."""

from __future__ import annotations

import pytest

from tests import canaries
from vault_gateway.client import ApiError, Client, Revealed, Unreachable, Value
from vault_gateway.client.reading import item, tokenized


def test_no_repr_shows_a_value_or_the_key() -> None:
    someone = canaries.person()
    shown = [
        repr(Value.phone(someone.phone)),
        repr(Value.name(someone.name)),
        repr(Value.address(someone.address)),
        repr(Revealed("rv_1", {"name": someone.name, "phone": someone.phone}, "the-ack-code")),
        repr(Client("https://vault.example", "vgk_the-key")),
        str(ApiError("value_empty", 422, "The value is empty.")),
        str(Unreachable("the answer of the gateway was lost", maybe_done=True)),
    ]
    text = " ".join(shown)
    assert not list(canaries.leaks(text.encode()))
    assert "the-ack-code" not in text
    assert "vgk_the-key" not in text


def test_http_is_for_this_machine_alone() -> None:
    for url in ("http://vault.example", "http://10.0.0.1:8080", "ftp://vault.example", "vault.example", ""):
        with pytest.raises(ValueError, match="http"):
            Client(url, "key")
    for url in ("http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080", "https://vault.example/v"):
        Client(url, "key").close()
    Client("http://vault.internal", "key", plain_http=True).close()


@pytest.mark.parametrize("url", ["https://someone:secret@vault.example", "https://vault.example/?key=1"])
def test_a_url_carries_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="without user and query") as raised:
        Client(url, "key")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("end", ["\n", "\r\nX-Other: 1", "é", " x"], ids=["line", "header", "letter", "word"])
def test_a_key_that_cannot_be_sent_is_not_shown(end: str) -> None:
    with (
        Client("http://127.0.0.1:1", f"vgk_the-key{end}") as client,
        pytest.raises(ValueError, match="one word") as raised,
    ):
        client.tokens.get("ph_1")
    assert "vgk" not in str(raised.value)


def test_fields_of_a_later_gateway_are_passed_over() -> None:
    body = {"token": "ph_1", "kind": "phone", "masked": "1******1234", "invented_later": {"a": 1}}
    assert item(body, tokenized) == tokenized({"token": "ph_1", "kind": "phone", "masked": "1******1234"})
