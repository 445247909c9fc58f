"""A connection to an address that somebody gave, and to nowhere else.

The name is resolved once, every address it has must be allowed, and the connection goes to one of those: a name
that answers differently a moment later changes nothing. No redirects, no proxy, no cookies: there is nothing here
that would follow one.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from vault_gateway.outside.addresses import is_inside, is_loopback, is_public

_CONNECT_S = 2.0
_MAX_ADDRESSES = 4
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?")
_PLAIN = re.compile(r"[!-~]*")


class CallRefused(Exception):
    """The address is not called, or does not answer. The text is for the operator and holds nothing that the other
    side sent."""


@dataclass(frozen=True)
class Outside:
    """Where the gateway may call: hosts that may have an address inside, a further authority to trust."""

    internal_hosts: frozenset[str] = frozenset()
    ca_file: Path | None = None

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context


def outside(internal_hosts: str, ca_file: Path | None) -> Outside:
    """From settings: the hosts stand behind one another with commas between them."""
    hosts = (host.strip().lower() for host in internal_hosts.split(","))
    return Outside(frozenset(host for host in hosts if host), ca_file)


def require_callable(url: str, outside: Outside) -> SplitResult:
    """The parts of an address that may be called: https, or http on loopback where the host is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise CallRefused("the address is not a URL") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not (_HOST.fullmatch(host) or _is_ip(host)) or port == 0:
        raise CallRefused("the address must be https://HOST[:PORT]/PATH")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise CallRefused("the address must have no user and no fragment")
    if not _PLAIN.fullmatch(url):
        raise CallRefused("the address must have no odd characters")
    if parts.scheme == "http" and host not in outside.internal_hosts:
        raise CallRefused("it is called by https only")
    return parts


def target_of(parts: SplitResult) -> str:
    """What stands in the first line of a request."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextmanager
def connected(parts: SplitResult, outside: Outside, deadline: float) -> Iterator[socket.socket]:
    """A connection to `parts`, with TLS where it is https. CallRefused for whatever goes wrong while it is open.
    `deadline` is of `time.monotonic()`: nothing is sent after it."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _resolve(host, port)
    _require_allowed(addresses, host, parts.scheme, outside)
    try:
        with _connect(addresses, port, deadline) as plain:
            plain.settimeout(seconds_left(deadline))
            if parts.scheme == "http":
                yield plain
            else:
                with outside.tls().wrap_socket(plain, server_hostname=host) as secure:
                    yield secure
    except ssl.SSLError:
        raise CallRefused("the certificate or the TLS of the other side is not good") from None
    except OSError:
        raise CallRefused("the address does not answer as it should") from None


def seconds_left(deadline: float) -> float:
    """More than none; TimeoutError afterwards."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CallRefused("the host has no address") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _require_allowed(addresses: list[str], host: str, scheme: str, outside: Outside) -> None:
    """All or nothing: a name with one address inside is not one to be called at its others."""
    internal = host in outside.internal_hosts
    for address in addresses:
        if scheme == "http" and not is_loopback(address):
            raise CallRefused("it is called by https only")
        if not (is_public(address) or (internal and is_inside(address))):
            raise CallRefused("the host has an address that is not on the public internet")


def _connect(addresses: list[str], port: int, deadline: float) -> socket.socket:
    failure: OSError = TimeoutError("no address")
    for address in addresses[:_MAX_ADDRESSES]:
        try:
            return socket.create_connection((address, port), timeout=min(_CONNECT_S, seconds_left(deadline)))
        except OSError as error:
            failure = error
    raise failure


def _is_ip(host: str) -> bool:
    try:
        return "%" not in host and ip_address(host) is not None
    except ValueError:
        return False
