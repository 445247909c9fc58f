"""Which address counts when proxies stand in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.forwarded import client_address, counted_as, parse_networks

TRUSTED = parse_networks("10.0.0.0/8, 2001:db8:1::/48, 127.0.0.1")
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        # Not from a proxy: the header is the caller's own invention.
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("198.51.100.7", "10.0.0.1, 10.0.0.2", "198.51.100.7"),
        # One proxy, two proxies, and what a caller put to the left of the truth.
        (PROXY, "203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9, 10.9.9.9", "203.0.113.9"),
        (PROXY, "8.8.8.8, 203.0.113.9", "203.0.113.9"),
        (PROXY, "8.8.8.8, 203.0.113.9, 10.2.2.2", "203.0.113.9"),
        (PROXY, "10.1.1.1, 203.0.113.9", "203.0.113.9"),
        (PROXY, "  203.0.113.9 ,\t10.2.2.2 ", "203.0.113.9"),
        # Called from inside: the leftmost trusted address is the caller.
        (PROXY, "10.5.5.5, 10.2.2.2", "10.5.5.5"),
        (PROXY, None, PROXY),
        (PROXY, "", PROXY),
        # Ports, IPv6, and IPv4 inside of it.
        (PROXY, "203.0.113.9:50123", "203.0.113.9"),
        (PROXY, "2001:db8:2::9", "2001:db8:2::9"),
        (PROXY, "[2001:db8:2::9]:443", "2001:db8:2::9"),
        (PROXY, "[2001:db8:2::9]", "2001:db8:2::9"),
        (PROXY, "2001:DB8:2:0:0:0:0:9", "2001:db8:2::9"),
        ("2001:db8:1::5", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
        # Garbage ends the reading at the proxy that passed it on.
        (PROXY, "unknown", PROXY),
        (PROXY, "203.0.113.9, unknown", PROXY),
        (PROXY, "203.0.113.9, unknown, 10.2.2.2", "10.2.2.2"),
        (PROXY, "unknown, 203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9,", PROXY),
        (PROXY, "203.0.113.9:port", PROXY),
        (PROXY, "203.0.113.9:", PROXY),
        (PROXY, "203.0.113.999", PROXY),
        (PROXY, "[2001:db8:2::9", PROXY),
        (PROXY, "[2001:db8:2::9]x", PROXY),
        (PROXY, "fe80::1%eth0", PROXY),
        (PROXY, "010.0.0.1", PROXY),
        (PROXY, "127.1", PROXY),
        (PROXY, "1" * 10_000, PROXY),
        (PROXY, "203.0.113.9;10.0.0.1", PROXY),
        (PROXY, "<script>", PROXY),
        # No more hops than any honest chain has.
        (PROXY, "203.0.113.9" + ", 10.0.0.2" * 40, "10.0.0.2"),
        # No peer address, as on a Unix socket.
        (None, "203.0.113.9", None),
        ("", "203.0.113.9", None),
    ],
)
def test_the_first_address_from_the_right_that_is_no_proxy_of_ours(
    peer: str | None, header: str | None, expected: str | None
) -> None:
    assert client_address(peer, header, TRUSTED) == expected


def test_without_proxies_the_header_never_counts() -> None:
    assert client_address("10.0.0.1", "203.0.113.9", ()) == "10.0.0.1"


@given(st.text(max_size=200), st.ip_addresses())
def test_what_a_caller_writes_never_changes_what_a_proxy_saw(forged: str, caller: object) -> None:
    seen = client_address(PROXY, f"{forged},203.0.113.9", TRUSTED)
    assert seen == "203.0.113.9"
    assert client_address("198.51.100.7", f"{forged},{caller}", TRUSTED) == "198.51.100.7"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (None, "-"),
    ],
)
def test_failed_logins_count_for_an_address_or_an_ipv6_network(address: str | None, name: str) -> None:
    assert counted_as(address) == name


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy", "10.0.0.0/33", "10.0.0.0/8 ::1"])
def test_networks_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear|has host bits"):
        parse_networks(text)
