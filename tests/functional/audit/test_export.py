"""The access log as a file."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.functional.audit.conftest import load, tenant_of
from tests.pages import all_events
from tests.world import Actor, Town, World, new_town
from vault_gateway.audit.event import Event, commitment


@pytest.fixture(scope="module")
def filled(world: World, town: Town) -> Town:
    """2,500 events: more than two pages of an export."""
    now = datetime.now(UTC)
    load(
        world,
        tenant_of(town),
        [
            (
                now - timedelta(seconds=step),
                Event("test.fill", carrier="c-1", purpose="sort" if step % 2 else None),
            )
            for step in range(2500)
        ],
    )
    return town


def export(auditor: Actor, query: str) -> bytes:
    answer = auditor.get(f"/v1/audit/export?{query}")
    assert answer.status_code == 200, answer.text
    return bytes(answer.data)


def lines(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in data.splitlines()]


def test_json_lines_hold_every_event_with_what_checks_it(filled: Town, platform_auditor: Actor) -> None:
    exported = lines(export(platform_auditor, "format=jsonl&action=test.fill"))
    assert len(exported) == 2500
    for event in exported[::50]:
        salt, committed = bytes.fromhex(event.pop("salt")), event.pop("commitment")
        assert commitment(salt, event).hex() == committed
    listed = all_events(platform_auditor, "action=test.fill")
    assert [event["id"] for event in exported] == [event["id"] for event in listed]


def test_the_same_filters_and_the_same_scope_hold(
    world: World, filled: Town, platform_auditor: Actor, merchant_auditor: Actor
) -> None:
    sorting = lines(export(platform_auditor, "format=jsonl&action=test.fill&purpose=sort"))
    assert len(sorting) == 1250
    middle = sorting[600]["time"].replace("+", "%2B")
    older = lines(export(merchant_auditor, f"format=jsonl&action=test.fill&purpose=sort&to={middle}"))
    assert [event["id"] for event in older] == [event["id"] for event in sorting[601:]]
    stranger = new_town(world)
    elsewhere = world.actor("auditor", platform=stranger.platform_slug)
    assert export(elsewhere, "format=jsonl&action=test.fill") == b""


def test_csv_has_a_row_an_event(filled: Town, platform_auditor: Actor) -> None:
    answer = platform_auditor.get("/v1/audit/export?format=csv&action=test.fill")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="access-log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 2500
    assert rows[0]["action"] == "test.fill"
    assert rows[0]["carrier"] == "c-1"
    assert rows[0]["waybill"] == ""
    assert len(rows[0]["commitment"]) == 64


def test_ocsf_says_api_activity(filled: Town, platform_auditor: Actor) -> None:
    waybill_no = filled.waybill()
    filled.event(waybill_no, "delivered")
    refused, created = lines(export(platform_auditor, f"format=ocsf&waybill={waybill_no}"))
    assert (created["class_uid"], created["type_uid"], created["status_id"]) == (6003, 600301, 1)
    assert (refused["type_uid"], refused["status_id"], refused["status_detail"]) == (
        600303,
        2,
        "illegal_transition",
    )
    assert refused["actor"]["user"]["uid"] == f"key:{filled.carrier.name}"


def test_an_export_is_on_record_before_its_first_byte(filled: Town, platform_auditor: Actor) -> None:
    export(platform_auditor, "format=csv&outcome=deny")
    own = all_events(platform_auditor, f"action=audit.export&actor=key:{platform_auditor.name}")[0]
    assert own["detail"] == {"format": "csv", "filters": "outcome"}
    assert own["policies"] == ["auditor-of-a-platform"]


@pytest.mark.parametrize("query", ["", "format=xml", "format=csv&limit=5", "format=csv&cursor=x"])
def test_an_export_of_another_shape_is_refused(auditor: Actor, query: str) -> None:
    assert auditor.get(f"/v1/audit/export?{query}").status_code == 422


def test_a_long_export_takes_little_memory(world: World, filled: Town, platform_auditor: Actor) -> None:
    now = datetime.now(UTC)
    load(
        world,
        tenant_of(filled),
        (
            (now - timedelta(milliseconds=step), Event("test.long", reason="r" * 400))
            for step in range(15_000)
        ),
    )
    client = platform_auditor.app.test_client()
    headers = {"Authorization": f"Bearer {platform_auditor.key}"}
    tracemalloc.start()
    answer = client.get("/v1/audit/export?format=jsonl&action=test.long", headers=headers, buffered=False)
    received = sum(len(chunk) for chunk in answer.iter_encoded())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received > 12_000_000
    assert peak < received / 2, peak
