"""What the SDK does beside parcels, against a real gateway: break-glass, the log, calls, webhooks, figures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests import canaries
from tests.functional.breakglass.steps import AGREED, WHY
from tests.functional.client.conftest import ClientOf
from tests.functional.flows.books import issue, show_now
from tests.functional.waybills.segments import granted
from tests.pool import add_numbers, retire_numbers
from tests.responders import Desk
from tests.world import Town, World, new_town, today, unique
from vault_gateway.client import (
    ApiError,
    Call,
    Client,
    Order,
    Recipient,
    Route,
    Tokenized,
    Value,
)


def test_two_responders_open_what_one_asked_for(world: World, town: Town, client_of: ClientOf) -> None:
    desk = Desk(world)
    mei, lan = (client_of(desk.responder()).break_glass for _ in range(2))
    someone = canaries.person()
    tokens = town.tokenize(someone)
    waybill_no = town.waybill(tokens)

    requested = mei.request(WHY, waybill_no=waybill_no)
    assert (requested.state, requested.waybill_no, requested.reason) == ("requested", waybill_no, WHY)
    with pytest.raises(ValueError, match="not approved"):
        mei.open(requested)
    with pytest.raises(ApiError, match="own_request"):
        mei.approve(requested.break_glass_id, AGREED)
    approved = lan.approve(requested.break_glass_id, AGREED)
    assert approved.approval is not None
    assert approved.approval.reason == AGREED
    assert mei.get(requested.break_glass_id) == approved

    revealed = mei.open(approved)
    assert revealed.fields["name"] == someone.name
    assert revealed.acknowledged
    reveal = lan.get(requested.break_glass_id).reveal
    assert reveal is not None
    assert (reveal.state, reveal.released) == ("delivered", 1)

    one = mei.request(WHY, token=tokens.phone)
    opened = mei.open(lan.approve(one.break_glass_id, AGREED))
    assert opened.fields == {"phone": someone.e164}
    auditor = client_of(world.actor("auditor", platform=town.platform_slug))
    assert [each.break_glass_id for each in auditor.break_glass.list()] == [
        one.break_glass_id,
        requested.break_glass_id,
    ]
    grant = client_of(world.actor("operator")).reveals.get(opened.reveal_id)
    assert (grant.waybill_no, grant.token, grant.purpose) == (None, tokens.phone, "break_glass")


def test_an_auditor_reads_the_log_over_all_pages(world: World, town: Town, client_of: ClientOf) -> None:
    waybill_no = town.out_for_delivery()
    for _ in range(120):
        town.carrier.post(f"/v1/waybills/{waybill_no}/events", {"type": "cancelled"})
    audit = client_of(world.actor("auditor")).audit
    events = list(audit.events(waybill=waybill_no, outcome="deny"))
    assert len(events) == 120
    assert {event.reason for event in events} == {"illegal_transition"}
    assert audit.event(events[0].id).time == events[0].time
    assert list(audit.events(waybill=waybill_no, until=events[-1].time - timedelta(hours=1))) == []


def test_the_log_is_exported_as_a_document(world: World, town: Town, client_of: ClientOf) -> None:
    waybill_no = town.out_for_delivery()
    audit = client_of(world.actor("auditor")).audit
    listed = [event.id for event in audit.events(waybill=waybill_no)]
    lines = b"".join(audit.export("jsonl", waybill=waybill_no)).decode().splitlines()
    assert len(listed) == 3
    assert {orjson.loads(line)["id"] for line in lines} >= set(listed)
    with pytest.raises(ApiError, match="forbidden"):
        list(client_of(town.merchant).audit.export("csv"))


def test_a_telecom_asks_where_a_call_goes(world: World, client_of: ClientOf) -> None:
    telecom = world.actor("telecom")
    [number] = add_numbers(world, telecom.name, 1, "extension", region=unique("nowhere"))
    relay = client_of(telecom).relay
    asked = Call(unique("call"), "voice", f"+86{canaries.phone()}", number)
    assert relay.route(asked) == Route("ask_extension", digits=6)
    assert not list(canaries.leaks(repr(asked).encode()))
    assert relay.route(replace(asked, extension="123456")) == Route("reject", "no_binding")
    with pytest.raises(ApiError, match="not_found"):
        relay.route(replace(asked, called="+8617099999999"))
    with pytest.raises(ApiError, match="not_found"):
        relay.record(unique("call"), "end", datetime.now(UTC), reason="busy")
    retire_numbers(world, telecom.name)


def test_a_merchant_has_a_number_for_a_parcel_and_closes_it(
    world: World, town: Town, client_of: ClientOf
) -> None:
    telecom = unique("telecom")
    add_numbers(world, telecom, 1, "extension", region=None)
    waybill_no = town.waybill()
    relay = client_of(town.merchant).relay
    made = relay.bind(waybill_no)
    assert relay.bind(waybill_no) == relay.binding(made.binding_id) == made
    assert (made.mode, len(made.extension or ""), made.calls) == ("extension", 6, ())
    relay.release(made.binding_id)
    assert relay.binding(made.binding_id).expires_at < made.expires_at
    retire_numbers(world, telecom)


def test_threads_share_a_client(town: Town, client_of: ClientOf) -> None:
    tokens = client_of(town.merchant).tokens
    numbers = [canaries.phone() for _ in range(24)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: tokens.create([Value.phone(number)])[0], numbers))
    for number, one in zip(numbers, made, strict=True):
        assert isinstance(one, Tokenized)
        assert one.masked.endswith(number[-4:])


def test_a_key_may_be_a_function(town: Town, gateway: str) -> None:
    asked: list[int] = []

    def current() -> str:
        asked.append(1)
        return town.merchant.key

    with Client(gateway, current) as client:
        assert list(client.waybills.list(state="returned")) == []
    assert asked


def test_webhooks_are_made_listed_and_removed(town: Town, client_of: ClientOf) -> None:
    webhooks = client_of(town.merchant).webhooks
    made = webhooks.create("https://shop.example/parcels", ["delivered", "returned"])
    assert made.secret is not None
    assert made.secret not in repr(made)
    assert [(one.webhook_id, one.events, one.waiting, one.secret) for one in webhooks.list()] == [
        (made.webhook_id, ["delivered", "returned"], 0, None)
    ]
    webhooks.remove(made.webhook_id)
    assert webhooks.list() == []


def test_a_merchant_sees_what_is_left_of_its_numbers(world: World, client_of: ClientOf) -> None:
    shop = new_town(world)
    numbers = granted(world, shop, 5, branch="north")
    waybills = client_of(shop.merchant).waybills
    recipient = Recipient(**shop.tokenize(canaries.person()).as_recipient())
    made = waybills.create(Order("douyin", shop.carrier_slug, recipient, branch="north"))
    assert made.waybill_no == numbers[0]
    [left] = waybills.segments()
    assert (left.branch, left.first, left.available, left.issued, left.low) == (
        "north",
        numbers[0],
        4,
        1,
        False,
    )


def test_flows_are_read(world: World, client_of: ClientOf) -> None:
    shop = new_town(world)
    issue(shop, shop.tokenize(canaries.person()), 30)
    show_now(world)
    now = today()
    figures = client_of(shop.merchant).figures
    (flow,) = figures.flows(now - timedelta(days=1), now, state="created")
    assert (flow.parcels >= 10, flow.day, flow.state) == (True, None, None)
    by_day = figures.flows(now - timedelta(days=1), now, by=["day", "destination"], destination="浙江")
    assert {(one.day in (now - timedelta(days=1), now), one.destination) for one in by_day} == {
        (True, "浙江省")
    }


def test_usage_is_read(town: Town, client_of: ClientOf) -> None:
    town.waybill()
    month = f"{today():%Y-%m}"
    (line,) = client_of(town.merchant).figures.usage(month, by=["network"], carrier=town.carrier_slug)
    assert (line.network, line.carrier, line.counted >= 1) == ("douyin", None, True)
