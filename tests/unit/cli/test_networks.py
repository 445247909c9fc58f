"""`vault-gateway network`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.networks.shipped import networks
from vault_gateway.cli.root import root


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["network", *arguments])


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = run("check", *arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


def example(network: str, carrier: str | None) -> str:
    listed = json.loads(run("list", "--json").stdout)
    segments = next(one for one in listed if one["network"] == network)["segments"]
    return str(next(one for one in segments if one["carrier"] == carrier)["example"])


def test_each_example_is_a_number_of_its_segment() -> None:
    result = run("list", "--json")
    assert result.exit_code == 0
    listed = json.loads(result.stdout)
    assert {one["network"] for one in listed} == set(networks())
    for one in listed:
        assert one["segments"]
        for segment in one["segments"]:
            owner = networks().owner(segment["example"])
            assert (owner.network, owner.carrier) == (one["network"], segment["carrier"])
            assert segment["first"] <= segment["example"] <= segment["last"]


def test_the_list_for_people_names_examples_and_rules() -> None:
    text = run("list").stdout
    assert example("cainiao", "yto") in text
    assert "0.01 CNY a sheet, paid by the carrier" in text
    assert "from 2021-08-01" in text


@pytest.mark.parametrize(("day", "exit_code"), [("2021-07-31", 0), ("2021-08-01", 1)])
def test_check_says_whose_it_is_and_by_which_rule(day: str, exit_code: int) -> None:
    number = example("cainiao", "yto")
    code, verdict = told(number, "--platform", "douyin", "--on", day)
    assert code == exit_code
    assert verdict.keys() == {"network", "carrier", "accepted", "rule"}
    assert (verdict["network"], verdict["carrier"]) == ("cainiao", "yto")
    assert verdict["accepted"] is (exit_code == 0)
    assert ("2021-08-01" in verdict["rule"]) is (exit_code == 1)


def test_check_is_of_today_where_no_day_is_given() -> None:
    assert told(example("pdd", "zto"), "--platform", "douyin")[0] == 1
    assert told(example("douyin", None), "--platform", "douyin")[0] == 0


def test_without_a_platform_check_tells_whose_it_is() -> None:
    assert told(example("jd", "jd")) == (
        0,
        {
            "network": "jd",
            "carrier": "jd",
            "accepted": None,
            "rule": "a segment of JD Logistics 京东 in JD Logistics",
        },
    )
    code, verdict = told("XX-12345678")
    assert code == 1
    assert verdict["network"] is None
    assert run("check", "XX-12345678").stdout.startswith("a number: unknown")


def test_wrong_usage() -> None:
    assert run("check", "XX-12345678", "--platform", "Not A Slug").exit_code == 2
    assert run("check", "XX-12345678", "--on", "2021-08-01").exit_code == 2
    assert run("check", "XX-12345678", "--platform", "jd", "--on", "yesterday").exit_code == 2


def test_a_folder_that_cannot_be_used_is_an_error_not_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from vault_gateway.cli.root import main

    (tmp_path / "networks").mkdir()
    monkeypatch.setattr("sys.argv", ["vault-gateway", "network", "list", "--policies", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "no waybill network" in capsys.readouterr().err
