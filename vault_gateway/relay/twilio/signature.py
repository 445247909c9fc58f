"""Twilio's signature on a webhook: `X-Twilio-Signature`.

Base64 of HMAC-SHA1 over the public URL and the sorted parameters, names and values one behind the other, with the
account's auth token as the key (Twilio's "Webhooks security"). It has no time in it: what must not be repeated is
held back elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


def is_signed(token: str, url: str, form: Mapping[str, Sequence[str]], signature: str) -> bool:
    """`url` with its query, as Twilio was given it. Twilio is of two minds about whether the port belongs to it, so
    both count."""
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(sign(token, each, form), given) for each in _with_and_without_port(url))


def sign(token: str, url: str, form: Mapping[str, Sequence[str]]) -> bytes:
    text = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return base64.b64encode(hmac.digest(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1))


def _with_and_without_port(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host, port = parts.netloc, parts.port
    if port is not None:
        host = host.rpartition(":")[0]
    yield parts._replace(netloc=host).geturl()
    yield parts._replace(netloc=f"{host}:{port or _PORTS[parts.scheme]}").geturl()
