"""SDP (RFC 8866) written anew: what a call's sound needs, and no line as it came.

A phone names itself in many places of its SDP: `o=` and `s=`, `i=`, `e=`, `p=`, ICE candidates, `a=tool`. Only what
is understood here comes out, each line built from its checked parts. Of `c=` the address stays: that is where the
sound goes.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

LONGEST = 8192
_MEDIA = re.compile(r"(audio|video|text|image|application|message) ([0-9]{1,5})(?:/[0-9]{1,2})? (\S+) (.+)")
_TYPES = re.compile(r"[0-9]{1,3}(?: [0-9]{1,3})*")
_PROFILES = ("RTP/AVP", "RTP/AVPF")
_CONNECTION = re.compile(r"IN (IP4|IP6) (\S+)")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_PACKET_TIME = re.compile(r"(ptime|maxptime):([0-9]{1,3})")
_MAP = re.compile(r"rtpmap:([0-9]{1,3}) ([A-Za-z0-9.-]{1,20})/([0-9]{4,6})(?:/([12]))?")
_FORMAT = re.compile(r"fmtp:([0-9]{1,3}) (.{1,200})")
# Numbers so short that none is a phone.
_PARAMETER = re.compile(r"(?:[A-Za-z][A-Za-z-]{0,30}=)?(?:[0-9]{1,6}|yes|no|[0-9]{1,3}(?:[,-][0-9]{1,3})+)")
# A payload type up to here has its codec by RFC 3551; the others need an `rtpmap`.
_LAST_STATIC = 34
_CODECS = frozenset(
    """pcmu pcma gsm g722 g723 g728 g729 g726-16 g726-24 g726-32 g726-40 ilbc opus speex amr amr-wb evs l16
    telephone-event cn red silk dvi4 lpc""".split()  # noqa: SIM905 - a list of words reads better
)


@dataclass
class Rewriter:
    """Rewrites what one side of one call describes. Its origin is random, and its version counts the changes."""

    _session: int = field(default_factory=lambda: secrets.randbelow(2**62))
    _version: int = 0
    _last: list[str] = field(default_factory=list)

    def rewritten(self, text: str) -> str | None:
        """None where no sound can be agreed on by it."""
        parsed = list(_sections(text))
        if not parsed or not any(section.accepted for section in parsed):
            return None
        address = next(section.address for section in parsed if section.accepted)
        lines = [line for section in parsed for line in section.lines(address)]
        if lines != self._last:
            self._last = lines
            self._version += 1
        origin = f"o=- {self._session} {self._version} IN {address}"
        return "\r\n".join(["v=0", origin, "s=-", f"c=IN {address}", "t=0 0", *lines, ""])


@dataclass
class _Section:
    """One `m=` and what belongs to it. `address` as in `c=`: `IP4 192.0.2.1`, None where it is not usable."""

    kind: str
    port: int
    profile: str
    types: list[str]
    address: str | None
    attributes: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        sound = self.kind == "audio" and self.profile in _PROFILES and self.port > 0
        return sound and self.address is not None and bool(self.usable_types)

    @property
    def usable_types(self) -> list[str]:
        mapped = {found[1] for text in self.attributes if (found := _codec(text))}
        return [type_ for type_ in self.types if type_ in mapped or int(type_) <= _LAST_STATIC]

    def lines(self, shared: str | None) -> Iterator[str]:
        """What is not taken keeps its place with port 0, for an answer has as many sections as its offer."""
        if not self.accepted:
            yield f"m={self.kind} 0 RTP/AVP 0"
            return
        usable = self.usable_types
        yield f"m=audio {self.port} {self.profile} {' '.join(usable)}"
        if self.address != shared:
            yield f"c=IN {self.address}"
        for text in self.attributes:
            line = _attribute(text, usable)
            if line is not None:
                yield f"a={line}"


def _sections(text: str) -> Iterator[_Section]:
    """Raises nothing: what cannot be read gives no section."""
    if len(text) > LONGEST:
        return
    shared: str | None = None
    shared_attributes: list[str] = []
    section: _Section | None = None
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "m":
            if section is not None:
                yield section
            section = _section(value, shared, shared_attributes)
            if section is None:
                return
        elif name == "c" and section is None:
            shared = _address(value)
        elif name == "c" and section is not None:
            section.address = _address(value)
        elif name == "a":
            (shared_attributes if section is None else section.attributes).append(value.strip())
    if section is not None:
        yield section


def _section(value: str, shared: str | None, shared_attributes: list[str]) -> _Section | None:
    found = _MEDIA.fullmatch(value.strip())
    if found is None or int(found[2]) > 65535:
        return None
    types = found[4].split() if _TYPES.fullmatch(found[4]) else []
    # A direction for all stands above the first section.
    common = [text for text in shared_attributes if text in _DIRECTIONS]
    return _Section(found[1], int(found[2]), found[3], types, shared, common)


def _address(value: str) -> str | None:
    found = _CONNECTION.fullmatch(value.strip())
    if found is None:
        return None
    try:
        address = ip_address(found[2])
    except ValueError:
        # A host's name can hold anything, and a multicast group is no call.
        return None
    return f"IP{address.version} {address.compressed}" if "%" not in found[2] else None


def _attribute(text: str, types: list[str]) -> str | None:
    if text in _DIRECTIONS:
        return text
    if found := _PACKET_TIME.fullmatch(text):
        return f"{found[1]}:{found[2]}"
    if (found := _codec(text)) and found[1] in types:
        channels = f"/{found[4]}" if found[4] else ""
        return f"rtpmap:{found[1]} {found[2]}/{found[3]}{channels}"
    if (found := _FORMAT.fullmatch(text)) and found[1] in types:
        parameters = [parameter.strip() for parameter in found[2].split(";") if parameter.strip()]
        if parameters and all(_PARAMETER.fullmatch(parameter) for parameter in parameters):
            return f"fmtp:{found[1]} {';'.join(parameters)}"
    return None


def _codec(text: str) -> re.Match[str] | None:
    found = _MAP.fullmatch(text)
    return found if found is not None and found[2].lower() in _CODECS else None
