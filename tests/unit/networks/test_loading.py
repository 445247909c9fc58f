"""Files of networks are taken whole and of one mind, or refused with the place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from vault_gateway.networks.loading import NetworkError, load_networks

GOOD = """
name: one
title: One
time_zone: Asia/Shanghai
test_number: {prefix: ONT, digits: 10}
check_digits: {mod7: {weights: [1, 1, 1, 1], modulus: 7}}
carriers: {swift: {title: Swift, segments: [{prefixes: [SW], digits: 10, from: 5, to: 90}]}}
platforms: [{platform: shop, stance: refuses, from: 2021-08-01, time_zone: Asia/Shanghai, rule: Shop refuses them}]
fees: [{from: 2020-01-01, amount: "0", currency: CNY, payer: carrier}]
returns: {share: "0.5", free: 10}
"""
CARRIERS = next(line for line in GOOD.splitlines() if line.startswith("carriers"))


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_becomes_a_network(tmp_path: Path) -> None:
    networks = load_networks(written(tmp_path, one=GOOD))
    found = networks.find("SW0000000042")
    assert found is not None
    assert (found.network.name, found.carrier, found.serial) == ("one", "swift", 42)
    assert networks.find("SW0000000004") is None


@pytest.mark.parametrize(
    ("replaced", "by", "says"),
    [
        ("name: one", "name: other", "must be one"),
        ("title: One\n", "", "title"),
        ("time_zone: Asia/Shanghai\n", "", "time_zone"),
        ("time_zone: Asia/Shanghai\n", "time_zone: Asia/Nowhere\n", "time zone"),
        ("title: One", "title: One\ncolour: red", "colour"),
        ("from: 5, to: 90", "from: 90, to: 5", "in order"),
        ("to: 90", "to: 10000000000", "in order"),
        ("prefixes: [SW]", 'prefixes: ["1"]', "without a letter"),
        ("prefixes: [SW]", "prefixes: [sw]", "carriers"),
        ("to: 90}", "to: 90, check: mod7}", "check_digits"),
        ("to: 90}", "to: 90, check: none}", "check_digits"),
        ("modulus: 7", "modulus: 11", "no digit"),
        ("Asia/Shanghai, rule", "Asia/Nowhere, rule", "time zone"),
        ("stance: refuses", "stance: dislikes", "stance"),
        ("from: 2021-08-01,", "from: 2021-08-01, to: 2021-07-31,", "{'platforms': {0: {'to'"),
        ("payer: carrier", "payer: buyer", "payer"),
        ('share: "0.5"', 'share: "1.5"', "share"),
        ("fees: [", 'fees: [{from: 2021-01-01, amount: "1", currency: CNY, payer: carrier}, ', "after"),
        ("returns:", "gives:", "returns"),
        ("name: one", "[", "one.yaml"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, replaced: str, by: str, says: str
) -> None:
    assert replaced in GOOD
    with pytest.raises(NetworkError) as refused:
        load_networks(written(tmp_path, one=GOOD.replace(replaced, by, 1)))
    assert "one.yaml" in str(refused.value)
    assert says in str(refused.value)


def test_a_number_has_one_owner(tmp_path: Path) -> None:
    two = GOOD.replace("name: one", "name: two").replace("ONT", "TWT")
    with pytest.raises(NetworkError, match="one/swift and two/swift overlap at SW0000000050"):
        load_networks(written(tmp_path, one=GOOD, two=two.replace("from: 5, to: 90", "from: 50, to: 99")))
    with pytest.raises(NetworkError, match="test_number"):
        load_networks(written(tmp_path, two=GOOD.replace("name: one", "name: two").replace("SW", "XY")))


def test_a_platform_has_one_time_zone(tmp_path: Path) -> None:
    two = GOOD.replace("name: one", "name: two").replace("ONT", "TWT").replace("SW", "XY")
    with pytest.raises(NetworkError, match="time zones"):
        load_networks(written(tmp_path, one=GOOD, two=two.replace("Asia/Shanghai, rule", "UTC, rule")))


def test_a_platform_that_no_rule_names_has_one_time_zone(tmp_path: Path) -> None:
    two = GOOD.replace("name: one", "name: two").replace("ONT", "TWT").replace("SW", "XY")
    other = two.replace("time_zone: Asia/Shanghai\n", "time_zone: Asia/Tokyo\n")
    with pytest.raises(NetworkError, match=r"one and two .* time zones for platforms that no rule names"):
        load_networks(written(tmp_path, one=GOOD, two=other))


def test_a_rule_may_hold_on_a_single_day(tmp_path: Path) -> None:
    one_day = GOOD.replace("from: 2021-08-01,", "from: 2021-08-01, to: 2021-08-01,")
    networks = load_networks(written(tmp_path, one=one_day))
    days = [date(2021, 7, 31), date(2021, 8, 1), date(2021, 8, 2)]
    assert [networks.stance("one", "shop", day)[0] for day in days] == [True, False, True]


def test_a_rule_gives_a_platform_a_zone_of_its_own(tmp_path: Path) -> None:
    networks = load_networks(written(tmp_path, one=GOOD.replace("Asia/Shanghai, rule", "UTC, rule")))
    evening = datetime(2026, 11, 29, 17, tzinfo=UTC)
    assert networks.day_of("shop", evening) == date(2026, 11, 29)
    assert networks.day_of("stall", evening) == date(2026, 11, 30)


def test_a_network_that_names_no_carriers_serves_all(tmp_path: Path) -> None:
    two = GOOD.replace("name: one", "name: two").replace("ONT", "TWT").replace(CARRIERS, "carriers: {}")
    networks = load_networks(written(tmp_path, one=GOOD, two=two))
    assert networks.serves("two", "swift")
    assert networks.serves("two", "slow")
    assert networks.serves("one", "swift")
    three = GOOD.replace("name: one", "name: three").replace("ONT", "TRT")
    three = three.replace("SW", "XY").replace("swift", "slow")
    networks = load_networks(written(tmp_path, three=three))
    assert not networks.serves("one", "slow")


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no waybill network"):
        load_networks(tmp_path)
