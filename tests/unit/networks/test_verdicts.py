"""Whose a number is and where it may be used, by the networks that ship."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.unit.networks.shipped import networks
from vault_gateway.networks.network import Segment
from vault_gateway.networks.verdicts import NO_RULE, UNKNOWN, WRONG_CHECK_DIGIT

BEFORE, FROM = date(2021, 7, 31), date(2021, 8, 1)
SEGMENTS = [(network.name, segment) for network in networks().values() for segment in network.segments]


def of(network: str, carrier: str) -> str:
    segment = next(one for one in networks()[network].segments if one.carrier == carrier)
    return segment.numbers.number(segment.numbers.first + 7)


@pytest.mark.parametrize(("network", "segment"), SEGMENTS, ids=lambda value: str(value)[:40])
def test_each_segments_numbers_are_known_as_its_own(network: str, segment: Segment) -> None:
    span = segment.numbers
    for serial in (span.first, (span.first + span.last) // 2, span.last):
        owner = networks().owner(span.number(serial))
        assert (owner.network, owner.carrier, owner.accepted) == (network, segment.carrier, None)


@pytest.mark.parametrize("network", ["cainiao", "jd", "pdd"])
def test_from_the_first_of_august_2021_douyin_refuses_them(network: str) -> None:
    number = of(network, "yto")
    assert networks().verdict(number, "douyin", BEFORE).accepted is True
    after = networks().verdict(number, "douyin", FROM)
    assert (after.network, after.carrier, after.accepted) == (network, "yto", False)
    assert "2021-08-01" in after.rule
    # What was made up for tests is of that network as well.
    assert networks().verdict(networks()[network].test_number(), "douyin", FROM).accepted is False


def test_from_then_on_douyin_takes_numbers_of_its_own_network_and_no_other() -> None:
    day = date(2022, 1, 1)
    taken = {name: networks().verdict(networks()[name].test_number(), "douyin", day) for name in networks()}
    assert {name for name, verdict in taken.items() if verdict.accepted} == {"douyin"}
    assert networks().verdict("JD0123456789012", "douyin", day).accepted is False
    assert NO_RULE not in {verdict.rule for verdict in taken.values()}


def test_the_first_of_august_begins_in_shanghai() -> None:
    midnight = datetime(2021, 7, 31, 16, 0, tzinfo=UTC)
    assert networks().day_of("douyin", midnight - timedelta(microseconds=1)) == BEFORE
    assert networks().day_of("douyin", midnight) == FROM
    number = of("cainiao", "yto")
    sides = (networks().day_of("douyin", at) for at in (midnight - timedelta(microseconds=1), midnight))
    assert [networks().verdict(number, "douyin", day).accepted for day in sides] == [True, False]


@pytest.mark.parametrize("platform", ["taobao", "tmall", "kuaishou", "nowhere"])
def test_a_fee_begins_in_the_networks_zone_on_a_platform_that_no_rule_names(platform: str) -> None:
    midnight = datetime(2019, 5, 31, 16, 0, tzinfo=UTC)
    sides = [networks().day_of(platform, at) for at in (midnight - timedelta(microseconds=1), midnight)]
    assert sides == [date(2019, 5, 31), date(2019, 6, 1)]
    fees = [networks()["cainiao"].fee_on(day) for day in sides]
    assert [fee and fee.amount for fee in fees] == [Decimal(0), Decimal("0.01")]


@pytest.mark.parametrize("platform", ["jd", "pdd"])
def test_some_platforms_take_their_own_network_alone(platform: str) -> None:
    day = date(2022, 1, 1)
    for name in networks():
        own = networks().verdict(networks()[name].test_number(), platform, day)
        assert own.accepted is (name == platform)
        assert "alone" in own.rule
    assert networks().verdict("XX-12345678", platform, day).accepted is False
    assert networks().verdict(of("cainiao", "sf"), platform, date(2016, 12, 31)).accepted is True


def test_a_platform_without_a_rule_takes_any_number() -> None:
    for number in (of("cainiao", "sf"), of("jd", "jd"), "XX-12345678"):
        verdict = networks().verdict(number, "nowhere", FROM)
        assert (verdict.accepted, verdict.rule) == (True, NO_RULE)
    assert networks().owner("XX-12345678").rule == UNKNOWN


def test_a_mistyped_number_is_refused_everywhere() -> None:
    right = of("cainiao", "ems")
    digit = str((int(right[10]) + 1) % 10)
    verdict = networks().verdict(right[:10] + digit + right[11:], "nowhere", FROM)
    assert (verdict.network, verdict.carrier, verdict.accepted) == ("cainiao", "ems", False)
    assert verdict.rule == WRONG_CHECK_DIGIT


def test_what_a_sheet_costs_and_who_pays() -> None:
    cainiao = networks()["cainiao"]
    assert cainiao.fee_on(date(2014, 4, 30)) is None
    for day, amount in ((date(2014, 5, 1), "0"), (date(2019, 5, 31), "0"), (date(2019, 6, 1), "0.01")):
        fee = cainiao.fee_on(day)
        assert fee is not None
        assert (fee.amount, fee.currency, fee.payer) == (Decimal(amount), "CNY", "carrier")


@pytest.mark.parametrize(
    ("issued", "returned", "comes_back"),
    [
        (1, 0, True),
        (500, 499, True),
        (501, 99, True),
        (501, 100, False),
        (1000, 199, True),
        (1000, 200, False),
    ],
)
def test_a_fifth_of_what_a_branch_issued_comes_back(issued: int, returned: int, comes_back: bool) -> None:
    assert networks()["pdd"].returns.admit(issued=issued, returned=returned) is comes_back
    assert networks()["cainiao"].returns.admit(issued=issued, returned=returned)
