"""Which addresses the gateway may call when an operator or a merchant names one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Global unicast is all that is handed out in IPv6. What embeds an IPv4 address in it is left out: 6to4, Teredo
# (within the IETF's own 2001::/23). NAT64 and IPv4-mapped addresses lie outside of 2000::/3 as it is.
_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_GLOBAL_V6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("2001:db8::/32"))
# The old 6to4 relays.
_NOT_GLOBAL_V4 = (IPv4Network("192.88.99.0/24"),)

# What an operator may open for a host that is named in a setting: networks inside of a house, never those with a
# meaning to the machine itself such as link-local, where clouds serve credentials, or multicast.
_INSIDE_V4 = tuple(
    IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")
)
_INSIDE_V6 = (IPv6Network("fc00::/7"), IPv6Network("::1/128"))


def is_public(text: str) -> bool:
    """True for an address of the public internet and for nothing else, however it is written."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        return (
            address.scope_id is None
            and address in _GLOBAL_V6
            and address.is_global
            and not any(address in network for network in _NOT_GLOBAL_V6)
        )
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_GLOBAL_V4)
    )


def is_inside(text: str) -> bool:
    """True for loopback and private networks, shared address space (RFC 6598) included."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return any(address in network for network in _INSIDE_V4)
    return any(address in network for network in _INSIDE_V6)


def is_loopback(text: str) -> bool:
    address = ip_address(text)
    return address.is_loopback and not (isinstance(address, IPv6Address) and address.scope_id)
