"""The two numbers of a call, as a telecom writes them."""

from __future__ import annotations

from vault_gateway.errors import not_found
from vault_gateway.tokens.phones import e164
from vault_gateway.tokens.text import ValueRefused


def calling(text: str) -> str:
    """E.164; "" for what is no number, as of callers who hide theirs."""
    try:
        return e164(text)
    except ValueRefused:
        return ""


def called(text: str) -> str:
    """E.164; for what is no number the 404 of one that is not the telecom's."""
    try:
        return e164(text)
    except ValueRefused:
        raise not_found() from None
