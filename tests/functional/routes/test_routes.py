"""Routing codes: uploaded whole by their carrier, put on parcels at creation, gone from nothing but the next table."""

from __future__ import annotations

import threading
from typing import Any

from werkzeug.test import TestResponse

from tests import canaries
from tests.unit.labels.reading import words_of
from tests.world import Actor, Town, World

HEAD = "province,city,district,township,code\n"
XIHU, ELSEWHERE = "浙江,杭州,西湖区,,571-A12", "浙江,,,,57"


def upload(actor: Actor, carrier: str, *rows: str, **headers: str) -> TestResponse:
    table = (HEAD + "".join(f"{row}\n" for row in rows)).encode()
    sent = {"Content-Type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return actor.call("POST", f"/v1/carriers/{carrier}/routes", data=table, headers=sent)


def replaced(town: Town, *rows: str) -> None:
    answer = upload(town.carrier, town.carrier_slug, *rows)
    assert answer.status_code == 201, answer.text


def person_in(town: Town, **region: str) -> dict[str, str]:
    someone = canaries.person()
    items = canaries.items_of(someone)
    items[2]["value"] = {**someone.address, **region}
    answer = town.merchant.post("/v1/tokens", {"items": items})
    assert answer.status_code == 201, answer.text
    name, phone, address = (item["token"] for item in answer.get_json()["items"])
    return {"name": name, "phone": phone, "address": address}


def make(town: Town, *recipients: dict[str, str]) -> list[dict[str, Any]]:
    items = [
        {"network": "douyin", "carrier": town.carrier_slug, "recipient": recipient}
        for recipient in recipients
    ]
    answer = town.merchant.post("/v1/waybills", {"items": items})
    assert answer.status_code == 201, answer.text
    made: list[dict[str, Any]] = answer.get_json()["items"]
    return made


def test_the_longest_prefix_wins_in_a_batch_and_is_shown_and_printed(town: Town, elsewhere: Town) -> None:
    replaced(town, ELSEWHERE, XIHU, "浙江,杭州,西湖区,转塘街道,571-A12-07", "北京,,,,10")
    people = [
        person_in(town, township="转塘街道"),
        person_in(town),
        person_in(town, city="宁波市", district="海曙区"),
        person_in(town, province="北京", city="北京", district="海淀区"),
        person_in(town, province="广东省", city="深圳市", district="南山区"),
    ]

    made = make(town, *people)

    assert [one.get("routing_code") for one in made] == ["571-A12-07", "571-A12", "57", "10", None]
    assert made[0]["label"]["routing_code"] == "571-A12-07"
    shown = town.carrier.get(f"/v1/waybills/{made[0]['waybill_no']}").get_json()
    assert shown["routing_code"] == "571-A12-07"
    [words] = words_of(town.merchant.get(f"/v1/waybills/{made[0]['waybill_no']}/label.pdf").data)
    assert "571-A12-07" in words
    # Another carrier's parcels are not sorted by this table.
    assert "routing_code" not in make(elsewhere, person_in(elsewhere))[0]


def test_a_correction_routes_anew_and_a_new_table_leaves_what_is_printed(town: Town) -> None:
    replaced(town, ELSEWHERE, XIHU)
    [first, second] = make(town, person_in(town), person_in(town))
    replaced(town, "浙江,宁波,,,574")
    path = f"/v1/waybills/{first['waybill_no']}"
    assert town.merchant.get(path).get_json()["routing_code"] == "571-A12"
    to = {"recipient": person_in(town, city="宁波市", district="海曙区")}
    assert town.merchant.patch(path, to).get_json()["routing_code"] == "574"
    assert town.merchant.get(path).get_json()["routing_code"] == "574"
    to = {"recipient": person_in(town)}
    assert "routing_code" not in town.merchant.patch(f"/v1/waybills/{second['waybill_no']}", to).get_json()


def test_versions_count_up_and_one_wrong_row_changes_nothing(town: Town, auditor: Actor) -> None:
    first = upload(town.carrier, town.carrier_slug, XIHU).get_json()
    second = upload(town.carrier, town.carrier_slug, XIHU, ELSEWHERE).get_json()
    assert (second["version"] - first["version"], second["rows"]) == (1, 2)

    refused = upload(town.carrier, town.carrier_slug, "浙江,杭州,,,1", "Atlantis,,,,2", "浙江,杭州,,,a")

    assert (refused.status_code, refused.get_json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["/lines/3", "/lines/4"]
    assert "Atlantis" not in refused.text
    assert make(town, person_in(town))[0]["routing_code"] == "571-A12"
    events = auditor.get(f"/v1/audit/events?action=routes.replace&carrier={town.carrier_slug}")
    assert events.get_json()["items"][0]["detail"] == {"version": second["version"], "rows": 2}


def test_an_empty_table_takes_all_codes_away(town: Town) -> None:
    replaced(town, XIHU)
    replaced(town)
    assert "routing_code" not in make(town, person_in(town))[0]


def test_the_same_upload_repeated_is_one_version(town: Town) -> None:
    key = {"Idempotency_Key": "routes-of-today"}
    first = upload(town.carrier, town.carrier_slug, XIHU, **key)
    again = upload(town.carrier, town.carrier_slug, XIHU, **key)
    assert first.get_json() == again.get_json()
    assert upload(town.carrier, town.carrier_slug, ELSEWHERE, **key).status_code == 422


def test_nobody_else_sets_a_carriers_routes(world: World, town: Town, elsewhere: Town) -> None:
    others = (elsewhere.carrier, town.merchant, town.platform, town.station, town.courier)
    for actor in (*others, world.actor("operator")):
        assert upload(actor, town.carrier_slug, XIHU).status_code == 403
    assert upload(town.carrier, "NO", XIHU).status_code == 404


def test_other_types_and_bodies_beyond_the_limit_are_refused(world: World, town: Town) -> None:
    path = f"/v1/carriers/{town.carrier_slug}/routes"
    assert town.carrier.post(path, {"rows": []}).status_code == 415
    small = Actor(world.gateway(max_body_bytes=1000), town.carrier.key, town.carrier.name)
    assert upload(small, town.carrier_slug, *[XIHU] * 40).status_code == 413


def test_uploads_at_once_leave_one_whole_table(town: Town, world: World) -> None:
    tables = [
        [f"浙江,杭州,西湖区,第{chr(0x4E00 + at)}街道,{table}" for at in range(300)] for table in range(6)
    ]
    threads = [
        threading.Thread(target=upload, args=(town.carrier, town.carrier_slug, *rows)) for rows in tables
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.admin() as conn:
        rows = conn.execute(
            """
            select count(*), count(distinct code) as tables, count(distinct version) as versions
            from route where carrier = %s
            """,
            (town.carrier_slug,),
        ).fetchone()
    assert rows == {"count": 300, "tables": 1, "versions": 1}


def test_fifty_thousand_rows_are_taken_and_one_more_is_not(town: Town) -> None:
    rows = [
        f"浙江,杭州,西湖区,{chr(0x4E00 + at // 250)}{chr(0x4E00 + at % 250)}街道,{at}" for at in range(50_001)
    ]
    answer = upload(town.carrier, town.carrier_slug, *rows[:-1])
    assert (answer.status_code, answer.get_json()["rows"]) == (201, 50_000)
    refused = upload(town.carrier, town.carrier_slug, *rows)
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["/lines/50002"]
