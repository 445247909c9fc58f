"""What all calls share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vault_gateway.sip.gateway import Gateway
from vault_gateway.sip.media import MediaRelay


@dataclass
class Line:
    """`trunk` is (host, port), where calls go out; `trusted` holds the addresses from which the trunk speaks.
    A call ends after `longest_s` seconds, and `at_most` are carried at once. `dials_extensions` says that the trunk
    dials the `;ext=` of RFC 3966 behind a number. Sound goes through `media`, or directly where there is none."""

    gateway: Gateway
    trunk: tuple[str, int]
    trusted: frozenset[str]
    longest_s: int
    dials_extensions: bool = False
    media: MediaRelay | None = None
    at_most: int = 2000
    config: dict[str, Any] = field(default_factory=dict)
    calls: set[Any] = field(default_factory=set)
