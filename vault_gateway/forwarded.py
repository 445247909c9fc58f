"""Whose request it is when proxies stand in between: `X-Forwarded-For`, as far as it can be believed."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Networks = tuple[IPv4Network | IPv6Network, ...]
Address = IPv4Address | IPv6Address

# No honest chain of proxies is longer, and what lies further left is the sender's own text anyway.
_MOST_HOPS = 16


def parse_networks(text: str) -> Networks:
    """`10.0.0.0/8, ::1` as networks; ValueError for anything else."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str | None, forwarded_for: str | None, trusted: Networks) -> str | None:
    """The address that counts as the caller's.

    Every proxy writes the address that it was called from at the right end. So the chain is read from the right,
    beginning with the peer of the connection itself, for as long as the writer is a trusted proxy; the first
    address that is not one is the caller. An entry that is no address ends the reading at the proxy that passed
    it on: nothing left of it can be believed.
    """
    address = _parse(peer or "")
    if address is None:
        return None
    entries = [] if not forwarded_for else forwarded_for.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]
    while entries and _among(address, trusted):
        before = _parse(entries.pop())
        if before is None:
            break
        address = before
    return str(address)


def counted_as(address: str | None) -> str:
    """Under which name failed logins of an address count: a whole /64 in IPv6, for whoever has one address of it
    has them all."""
    parsed = _parse(address or "")
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return "-" if parsed is None else str(parsed)


def _among(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> Address | None:
    """An address, with or without a port: `192.0.2.1:80`, `[2001:db8::1]:80`. IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
        text = inside
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6
