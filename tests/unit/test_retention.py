"""`retention.yaml`: what ships is valid, and what is wrong is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from vault_gateway.retention import RetentionError, load_retention
from vault_gateway.settings.policies import default_policies

SHIPPED = default_policies() / "retention.yaml"


def test_what_ships_keeps_everything_for_longer_than_anything_is_looked_up() -> None:
    retention = load_retention(SHIPPED)
    periods, kept = retention.relay, retention.relay.kept
    assert min(kept.calls, kept.bindings, kept.exhausted) >= timedelta(days=30)
    assert (periods.cooldown, periods.after_sales) == (timedelta(days=30), timedelta(hours=72))
    assert periods.on_the_way == timedelta(days=30)
    # A year of flows may be asked for at once.
    assert retention.flows.shown >= timedelta(days=366 + 63)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("calls", 60),
        ("calls", "90"),
        ("bindings", None),
        ("exhausted", 1.5),
        ("exhausted", 4000),
        ("tokens", 9),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, wrong: Any) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["relay"]["kept_days"][name] = wrong
    path = tmp_path / "retention.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RetentionError, match=name):
        load_retention(path)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("cooldown_days", 0), ("after_sales_hours", 0), ("on_the_way_days", 61), ("cooldown", 30)],
)
def test_a_number_serves_and_rests_for_some_time(tmp_path: Path, name: str, wrong: Any) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["relay"][name] = wrong
    path = tmp_path / "retention.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RetentionError, match=name):
        load_retention(path)


@pytest.mark.parametrize("days", [{"counted": 29}, {"shown": 179}, {"shown": None}, {"cells": 9}])
def test_flows_are_shown_for_as_long_as_they_are_counted(tmp_path: Path, days: dict[str, Any]) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["flows"]["kept_days"] |= days
    path = tmp_path / "retention.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RetentionError, match=next(iter(days))):
        load_retention(path)


@pytest.mark.parametrize("text", ["", "[]", "relay: {", "relay: {}"])
def test_what_is_no_retention_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "retention.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RetentionError, match=r"retention\.yaml"):
        load_retention(path)
