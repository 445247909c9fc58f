"""`quotas.yaml`: what ships is valid, what is wrong is named, and a day begins when it says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from vault_gateway.quotas import Alarm, QuotaError, load_quotas
from vault_gateway.settings.policies import default_policies

SHIPPED = default_policies() / "quotas.yaml"


def test_a_day_begins_when_nobody_delivers_and_ends_a_day_later() -> None:
    quotas = load_quotas(SHIPPED)
    last = datetime(2026, 11, 11, 19, 59, 59, tzinfo=UTC)
    first = datetime(2026, 11, 11, 20, 0, 0, tzinfo=UTC)
    assert quotas.day_of(last) == date(2026, 11, 10)
    assert quotas.day_of(first) == date(2026, 11, 11)
    assert quotas.begin_of(quotas.day_of(last), last) == datetime(2026, 11, 10, 20, tzinfo=UTC)
    assert quotas.begin_of(quotas.day_of(first), first) == first
    assert quotas.seconds_left(last) == 2
    assert quotas.seconds_left(first) == 86_401


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("day_begins_utc",), 24),
        (("day_begins_utc",), "20"),
        (("reveals_a_day", "courier"), 0),
        (("reveals_a_day", "courier"), None),
        (("reveals_a_day", "merchant", "deliver"), -1),
        (("reveals_a_day", "merchant", "marketing"), 5),
        (("rates", "reveals", "courier"), "60 a minute, please"),
        (("rates", "reveals", "courier"), 60),
        (("rates", "searches", "station"), "60/minute"),
        (("scraping_alarm", "recipients", "floor"), 0),
        (("scraping_alarm", "denials", "times_usual"), 0.5),
        (("scraping_alarm", "usual_of_days"), 0),
        (("unknown",), 1),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, place: tuple[str, ...], wrong: Any) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    inner = data
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = wrong
    path = tmp_path / "quotas.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(QuotaError, match=place[-1]):
        load_quotas(path)


@pytest.mark.parametrize("text", ["", "[]", "rates: {", "rates: {}"])
def test_what_is_no_set_of_quotas_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "quotas.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuotaError):
        load_quotas(path)
    with pytest.raises(QuotaError):
        load_quotas(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("counted", "usual", "rings"),
    [
        (20, [], False),
        (21, [], True),
        (60, [30, 20, 10], False),
        (61, [30, 20, 10], True),
        (21, [1, 2, 3], True),
    ],
)
def test_the_alarm_rings_above_the_floor_and_the_usual(counted: int, usual: list[int], rings: bool) -> None:
    assert Alarm(floor=20, times_usual=3).rings(counted, usual) is rings
