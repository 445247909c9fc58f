"""One POST to an address that a merchant named. What is answered is looked at as far as its status."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from vault_gateway.outside.calling import (
    CallRefused,
    Outside,
    connected,
    require_callable,
    seconds_left,
    target_of,
)

# For the whole exchange, however slowly the other side drips.
TIMEOUT_S = 5.0
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")
_MOST_BYTES = 4096


def post(url: str, outside: Outside, headers: Mapping[str, str], body: bytes) -> bool:
    """Did the other side take it (2xx)? A redirect is a no: whoever moves names the new address here."""
    deadline = time.monotonic() + TIMEOUT_S
    try:
        parts = require_callable(url, outside)
        lines = [f"POST {target_of(parts)} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += ["User-Agent: vault-gateway", "Connection: close", "", ""]
        with connected(parts, outside, deadline) as connection:
            connection.settimeout(seconds_left(deadline))
            connection.sendall("\r\n".join(lines).encode("ascii") + body)
            received = b""
            while b"\n" not in received and len(received) < _MOST_BYTES:
                connection.settimeout(seconds_left(deadline))
                piece = connection.recv(1024)
                if not piece:
                    break
                received += piece
    except CallRefused:
        return False
    answered = _STATUS_LINE.match(received)
    return answered is not None and answered[1].startswith(b"2")
