"""What auditors ask, and what they get."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from urllib.parse import quote

import pytest

from tests import canaries
from tests.functional.audit.conftest import load, tenant_of
from tests.pages import all_events, every
from tests.world import Actor, Town, World, new_town, unique
from vault_gateway.audit.event import Event, commitment
from vault_gateway.model import Kind
from vault_gateway.tokens.ids import token_text

FILTERS = ("actor", "role", "action", "outcome", "waybill", "order", "token", "carrier", "station", "purpose")


@pytest.fixture(scope="module")
def lived(town: Town) -> Town:
    """A town where something of every kind happened."""
    tokens = town.tokenize(canaries.person())
    order = unique("order")
    waybill_no = town.waybill(tokens, order=order)
    assert town.event(waybill_no, "delivered").status_code == 409
    assert town.event(waybill_no, "accepted").status_code == 201
    assert town.event(waybill_no, "at_station", station=town.station_slug).status_code == 201
    sorting = {"waybill_no": waybill_no, "purpose": "sort", "claim": True}
    assert town.station.post("/v1/reveals", sorting).status_code == 201
    assert town.event(waybill_no, "out_for_delivery", courier=town.courier.name).status_code == 201
    assert town.carrier.post("/v1/reveals", {**sorting, "purpose": "deliver"}).status_code == 403
    assert town.courier.post("/v1/reveals", {**sorting, "purpose": "deliver"}).status_code == 201
    assert town.merchant.delete(f"/v1/tokens/{tokens.name}").status_code == 204
    return town


def test_every_filter_finds_its_events_and_no_others(
    lived: Town, made: dict[str, list[str]], platform_auditor: Actor
) -> None:
    everything = [event for event in all_events(platform_auditor) if event["role"] != "auditor"]
    for name in FILTERS:
        values = {value for event in everything for value in said(event, name, made)}
        assert values, f"nothing to filter by {name}"
        for value in values:
            wanted = [event for event in everything if value in said(event, name, made)]
            found = all_events(platform_auditor, f"{name}={quote(value)}")
            assert [event for event in found if event["role"] != "auditor"] == wanted, name


@pytest.fixture(scope="module")
def made(world: World, lived: Town) -> dict[str, list[str]]:
    """The tokens that were made in an event, which does not name them, by its id."""
    found: dict[str, list[str]] = {}
    with world.admin() as conn:
        for row in conn.execute("select event_id, kind, id from token").fetchall():
            found.setdefault(str(row["event_id"]), []).append(token_text(Kind(row["kind"]), row["id"]))
    return found


def said(event: dict[str, Any], name: str, made: dict[str, list[str]]) -> list[str]:
    """The values by which a filter finds the event: one, or for tokens several."""
    several = [*event.get("tokens", []), *made.get(event["id"], [])] if name == "token" else []
    return [*several, event[name]] if name in event else several


def test_a_token_finds_all_that_was_done_with_it(lived: Town, platform_auditor: Actor) -> None:
    """Reveals of several fields too, and the parcel that was made for it; but nothing that concerns another token."""
    [erased] = all_events(platform_auditor, "action=token.erase")
    found = all_events(platform_auditor, f"token={erased['token']}")
    actions = [(event["action"], event.get("purpose")) for event in found]
    assert actions == [
        ("token.erase", None),
        ("reveal.release", "deliver"),
        ("reveal.claim", "deliver"),
        ("reveal.issue", "deliver"),
        ("waybill.create", None),
        ("token.create", None),
    ]
    released = found[1]
    assert released["fields"] == ["name", "address"]
    assert released["tokens"][0] == erased["token"]
    of_address = all_events(platform_auditor, f"token={released['tokens'][1]}")
    assert [event.get("purpose") for event in of_address] == ["deliver"] * 3 + ["sort"] * 3 + [None] * 2


def test_a_token_finds_the_request_that_made_it_on_whichever_page_it_is(
    world: World, town: Town, elsewhere: Town, platform_auditor: Actor
) -> None:
    tokens = town.tokenize(canaries.person())
    town.waybill(tokens)
    events = every(platform_auditor, "/v1/audit/events", f"token={tokens.phone}&limit=1")
    paged = [event["action"] for event in events]
    assert paged == ["waybill.create", "token.create"]

    def found(who: Actor, **more: str) -> list[str]:
        query = "&".join(f"{name}={quote(value)}" for name, value in {"token": tokens.phone, **more}.items())
        return [event["action"] for event in all_events(who, query)]

    [made] = all_events(platform_auditor, f"token={tokens.phone}&action=token.create")
    assert (made["actor"], "token" in made, made["detail"]["count"]) == (
        f"key:{town.merchant.name}",
        False,
        3,
    )
    assert found(platform_auditor, actor=f"key:{town.merchant.name}") == paged
    assert found(platform_auditor, outcome="deny") == []
    assert found(platform_auditor, to=made["time"]) == []
    # Neither another kind of the same id, nor another merchant's auditor.
    assert found(platform_auditor, token=f"nm_{tokens.phone[3:]}") == []
    others = world.actor("auditor", platform=elsewhere.platform_slug, merchant=elsewhere.merchant_slug)
    assert found(others) == []


def test_filters_together_mean_all_of_them(
    lived: Town, made: dict[str, list[str]], platform_auditor: Actor
) -> None:
    everything = [event for event in all_events(platform_auditor) if event["role"] != "auditor"]
    for first, second in combinations(FILTERS, 2):
        for event in everything[::3]:
            if first not in event or second not in event:
                continue
            pair = f"{first}={quote(event[first])}&{second}={quote(event[second])}"
            wanted = [
                e
                for e in everything
                if event[first] in said(e, first, made) and event[second] in said(e, second, made)
            ]
            found = [e for e in all_events(platform_auditor, pair) if e["role"] != "auditor"]
            assert found == wanted, (first, second)


def test_an_event_says_who_what_where_and_by_which_rule(lived: Town, platform_auditor: Actor) -> None:
    released = all_events(platform_auditor, "action=reveal.claim&purpose=deliver&outcome=allow")[0]
    assert released["actor"] == f"key:{lived.courier.name}"
    assert released["role"] == "courier"
    assert released["fields"] == ["name", "address"]
    assert released["policies"] == ["courier-reveals-assigned-parcels"]
    assert released["ip"] == "127.0.0.1"
    assert len(released["request_id"]) == 26
    refused = all_events(platform_auditor, "outcome=deny&action=waybill.event")[0]
    assert refused["reason"] == "illegal_transition"


def test_reason_resource_and_ip_are_there_and_null_where_there_is_none(
    lived: Town, platform_auditor: Actor
) -> None:
    events = all_events(platform_auditor, f"carrier={lived.carrier_slug}")
    assert all({"reason", "resource", "ip"} <= event.keys() for event in events)
    served = next(
        event for event in events if event["action"] == "waybill.event" and event["outcome"] == "allow"
    )
    assert (served["reason"], served["resource"]) == (None, None)


def test_newest_come_first(lived: Town, platform_auditor: Actor) -> None:
    found = all_events(platform_auditor)
    assert len(found) > 10
    ids = [event["id"] for event in found]
    assert ids == sorted(ids, reverse=True)
    times = [event["time"][:23] for event in found]
    assert times == sorted(times, reverse=True)


def test_windows_that_meet_share_no_event_and_lose_none(
    world: World, town: Town, platform_auditor: Actor
) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    moments = [start + timedelta(microseconds=400 * step) for step in range(50)]
    waybill = unique("W").upper()
    ids = load(world, tenant_of(town), [(at, Event("test.window", waybill=waybill)) for at in moments])
    for cut in (moments[0], moments[7], moments[20], moments[49]):
        at = quote(cut.isoformat())
        before = all_events(platform_auditor, f"waybill={waybill}&to={at}")
        after = all_events(platform_auditor, f"waybill={waybill}&from={at}")
        assert sorted(e["id"] for e in before + after) == sorted(ids)
        assert all(e["time"] < cut.isoformat() for e in before)
    assert all_events(platform_auditor, f"waybill={waybill}&from={quote(moments[-1].isoformat())}")
    for odd in ("from=0001-01-01T00:00:00Z", "to=9999-12-31T23:59:59Z"):
        assert len(all_events(platform_auditor, f"waybill={waybill}&{odd}")) == len(ids)
    assert not all_events(platform_auditor, f"waybill={waybill}&to=0001-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "query",
    ["outcome=maybe", "limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=" + "0" * 26,
     "from=yesterday", "to=2026-01-01T00:00:00",
     "actor=", "actor=a%00b", "waybill=" + "W" * 201, "tenant_id=1", "actor=a&actor=b", "filters[actor]=x"],
)  # fmt: skip
def test_a_question_of_another_shape_is_refused(auditor: Actor, query: str) -> None:
    answer = auditor.get(f"/v1/audit/events?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "validation_failed"


def test_a_day_alone_is_told_what_it_lacks(auditor: Actor) -> None:
    [error] = auditor.get("/v1/audit/events?from=2026-11-29").get_json()["errors"]
    assert error == {"pointer": "/from", "detail": "A time needs its zone: Z or +08:00."}


def test_reading_is_an_event_that_tells_the_filters_but_not_their_values(
    lived: Town, platform_auditor: Actor
) -> None:
    platform_auditor.get("/v1/audit/events?actor=key:somebody&role=courier")
    own = all_events(platform_auditor, f"action=audit.read&actor=key:{platform_auditor.name}")
    assert own[0]["detail"] == {"filters": "actor,role"}
    assert own[0]["policies"] == ["auditor-of-a-platform"]


def test_an_event_comes_with_what_is_needed_to_check_it(lived: Town, platform_auditor: Actor) -> None:
    listed = all_events(platform_auditor, "role=courier")[0]
    event: dict[str, Any] = platform_auditor.get(f"/v1/audit/events/{listed['id']}").get_json()
    salt, committed = bytes.fromhex(event.pop("salt")), event.pop("commitment")
    assert event == listed
    assert commitment(salt, event).hex() == committed


class TestScope:
    """An auditor sees what it was appointed to, exactly."""

    def test_each_sees_its_own_ground(self, world: World, town: Town, elsewhere: Town) -> None:
        stranger = new_town(world)
        made = [place.waybill() for place in (town, elsewhere, stranger)]
        appointed: list[tuple[dict[str, str], list[bool]]] = [
            ({}, [True, True, True]),
            ({"platform": town.platform_slug}, [True, True, False]),
            ({"platform": town.platform_slug, "merchant": town.merchant_slug}, [True, False, False]),
            ({"platform": stranger.platform_slug}, [False, False, True]),
        ]
        for names, seen in appointed:
            someone = world.actor("auditor", app=None, name=None, **names)
            assert [bool(all_events(someone, f"waybill={waybill_no}")) for waybill_no in made] == seen

    def test_what_an_auditor_sees_is_all_of_its_own_ground_and_nothing_else(
        self, world: World, lived: Town, elsewhere: Town, platform_auditor: Actor, merchant_auditor: Actor
    ) -> None:
        elsewhere.waybill()
        of_platform, of_merchant = all_events(platform_auditor), all_events(merchant_auditor)
        assert {event["platform"] for event in of_platform if event["role"] != "auditor"} == {
            lived.platform_slug
        }
        assert {event["merchant"] for event in of_merchant} == {lived.merchant_slug}
        with world.admin() as conn:
            rows = conn.execute(
                "select id::text from audit_event where tenant_id = %s", (tenant_of(lived).id,)
            ).fetchall()
        # Their own reading was written since.
        assert {row["id"] for row in rows} >= {event["id"] for event in of_merchant}
        others = {row["id"] for row in rows} - {event["id"] for event in of_merchant}
        assert len(others) <= 1 + len(of_merchant) // 1000

    def test_a_foreign_event_is_not_found_like_an_unknown_one(
        self, world: World, lived: Town, elsewhere: Town, auditor: Actor, platform_auditor: Actor
    ) -> None:
        stranger = new_town(world)
        foreign = all_events(auditor, f"waybill={stranger.waybill()}")[0]["id"]
        neighbour = all_events(auditor, f"waybill={elsewhere.waybill()}")[0]["id"]
        merchants = world.actor("auditor", platform=lived.platform_slug, merchant=lived.merchant_slug)
        unknown = "01a1de72-2b91-7153-bb4f-bc15e78fd667"
        answers = [platform_auditor.get(f"/v1/audit/events/{each}") for each in (foreign, unknown, "x")]
        answers += [merchants.get(f"/v1/audit/events/{each}") for each in (foreign, neighbour, unknown)]
        for answer in answers:
            assert answer.status_code == 404
            assert answer.get_json()["code"] == "not_found"
        assert platform_auditor.get(f"/v1/audit/events/{neighbour}").status_code == 200
        assert auditor.get(f"/v1/audit/events/{foreign}").status_code == 200

    def test_only_auditors_read(self, town: Town, world: World, auditor: Actor) -> None:
        others = (town.platform, town.merchant, town.carrier, town.courier, town.station)
        more = (world.actor("operator"), world.actor("telecom"))
        for someone in (*others, *more):
            for path in ("events", "export?format=csv", "events/01a1de72-2b91-7153-bb4f-bc15e78fd667"):
                answer = someone.get(f"/v1/audit/{path}")
                assert answer.status_code == 403
            refused = all_events(auditor, f"actor=key:{someone.name}&outcome=deny")
            assert {event["action"] for event in refused} >= {"audit.read", "audit.export"}
