"""How an event looks in the formats of others."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from vault_gateway.audit.export import CSV_COLUMNS, csv_lines, json_lines, ocsf, ocsf_lines

EVENT: dict[str, Any] = {
    "id": "019a0000-0000-7000-8000-000000000000",
    "time": "2026-01-02T03:04:05.678901Z",
    "actor": "key:wang",
    "role": "courier",
    "action": "reveal.claim",
    "outcome": "allow",
    "reason": None,
    "policies": ["one", "two"],
    "resource": None,
    "request_id": "r1",
    "ip": "192.0.2.7",
    "platform": "douyin",
    "merchant": "shop",
    "waybill": "DY1",
    "fields": ["name", "address"],
    "detail": {"count": 3},
    "salt": "00",
    "commitment": "11",
}


def rows(event: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(csv_lines([[event]])).decode())))


def test_csv_joins_lists_and_writes_detail_as_json() -> None:
    (row,) = rows(EVENT)
    assert row["policies"] == "one two"
    assert row["fields"] == "name address"
    assert orjson.loads(row["detail"]) == {"count": 3}
    assert row["token"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    """`order` and `reason` may one day hold what a caller chose."""
    (row,) = rows({**EVENT, "order": f"{start}HYPERLINK(1)", "fields": [f"{start}x"]})
    assert row["order"] == f"'{start}HYPERLINK(1)"
    assert row["fields"] == f"'{start}x"


def test_quotes_commas_and_line_ends_stay_in_their_cell() -> None:
    (row,) = rows({**EVENT, "order": 'a"b,c\nd'})
    assert row["order"] == 'a"b,c\nd'


def test_no_events_is_a_header_in_csv_and_nothing_else() -> None:
    assert b"".join(csv_lines([[]])).decode().strip().split(",") == list(CSV_COLUMNS)
    assert b"".join(json_lines([[]])) == b"".join(ocsf_lines([[]])) == b""


# What https://schema.ocsf.io asks of API Activity (6003) in 1.3.0: attributes whose requirement is `required`.
REQUIRED = ("activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint",
            "time", "type_uid")  # fmt: skip


@pytest.mark.parametrize("ip", [{"ip": "192.0.2.7"}, {"ip": None}])
def test_ocsf_has_what_its_class_requires(ip: dict[str, str | None]) -> None:
    mapped = ocsf({**{name: value for name, value in EVENT.items() if name != "ip"}, **ip})
    assert all(name in mapped for name in REQUIRED)
    assert mapped["api"]["operation"] == "reveal.claim"
    assert mapped["metadata"]["version"] == "1.3.0"
    assert mapped["metadata"]["product"]["vendor_name"]
    assert mapped["src_endpoint"]
    assert mapped["time"] == 1767323045678


@pytest.mark.parametrize(
    ("action", "activity"),
    [("waybill.create", 1), ("reveal.claim", 2), ("audit.export", 2), ("waybill.event", 3), ("token.erase", 4),
     ("courier.suspend", 99)],
)  # fmt: skip
def test_ocsf_tells_the_activity_by_the_verb(action: str, activity: int) -> None:
    mapped = ocsf({**EVENT, "action": action})
    assert mapped["activity_id"] == activity
    assert mapped["type_uid"] == 600300 + activity


@pytest.mark.parametrize(
    ("outcome", "status", "severity"), [("allow", 1, 1), ("deny", 2, 2), ("error", 2, 3)]
)
def test_ocsf_tells_how_it_ended(outcome: str, status: int, severity: int) -> None:
    mapped = ocsf({**EVENT, "outcome": outcome, "reason": "because"})
    assert (mapped["status_id"], mapped["severity_id"], mapped["status_detail"]) == (
        status,
        severity,
        "because",
    )


def test_ocsf_has_no_null_of_what_is_not_there() -> None:
    mapped = ocsf({**EVENT, "ip": None})
    assert b"null" not in orjson.dumps(mapped)
    assert "status_detail" not in mapped


def test_ocsf_loses_nothing() -> None:
    """Every value of an event is somewhere in what it is mapped to."""
    written = orjson.dumps(ocsf(EVENT)).decode()
    for value in (
        "key:wang",
        "courier",
        "reveal.claim",
        "one",
        "two",
        "r1",
        "192.0.2.7",
        "douyin",
        "shop",
        "DY1",
    ):
        assert f'"{value}"' in written
