"""A node for each duty, each with a login of that duty's role alone: an order's whole life, every operation of the
document and all chores are done, and the database refuses none of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from prometheus_client import REGISTRY

from tests import canaries
from tests.functional.breakglass import steps as break_glass
from tests.functional.guarantees.asking import send
from tests.functional.guarantees.ground import Ground, new_ground
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, fill
from tests.functional.guarantees.test_alike import good_values, of_role
from tests.functional.notices import provider as providers
from tests.functional.notices.conftest import empty_the_queue, eventually
from tests.functional.relay import twilio
from tests.functional.relay.conftest import CITY, Line
from tests.functional.relay.test_records import contact, fail
from tests.functional.relay.test_twilio_sms import TextMessage
from tests.functional.relay.twilio import PhoneCall, Twilio
from tests.functional.reveals.steps import ack, claim, issued, opened
from tests.functional.waybills.segments import granted
from tests.functional.webhooks.conftest import HERE, drain, subscribe
from tests.functional.webhooks.receiver import Receiver, receiving, status
from tests.pool import add_numbers, no_numbers, retire_numbers
from tests.responders import Desk
from tests.split import Split, split
from tests.world import Actor, Town, World, new_town, unique
from vault_gateway.documentation import service
from vault_gateway.documentation.document import OPERATIONS
from vault_gateway.housekeeping import tidy_up
from vault_gateway.keys import Tokenizer, Vault
from vault_gateway.model import Tenant
from vault_gateway.webhooks.sending import Sender

# What takes away what others name.
_LAST = ("cancel_waybill", "release", "remove_webhook", "remove_courier", "erase_token")


@pytest.fixture(scope="module")
def telecom(world: World) -> Iterator[Actor]:
    actor = world.actor("telecom")
    yield actor
    retire_numbers(world, actor.name)


@pytest.fixture(scope="module")
def apart(world: World, telecom: Actor) -> Iterator[Split]:
    empty_the_queue(world)
    with providers.running() as provider:
        relay = {
            "twilio_account_sid": twilio.ACCOUNT,
            "twilio_auth_token": twilio.TOKEN,
            "twilio_telecom": telecom.name,
            "twilio_url": twilio.URL,
            "notice_provider": "webhook",
            "notice_webhook_url": f"{provider.url}/send",
            "notice_webhook_secret": providers.SECRET,
        }
        tokenize = {"fold_every_s": 3600, "webhook_internal_hosts": "127.0.0.1"}
        with split(world, {"relay": relay, "tokenize": tokenize}) as made:
            yield made
            made.nodes["relay"].extensions["notices"].stop()


@pytest.fixture(scope="module")
def town(world: World, apart: Split) -> Town:
    return new_town(world, app=apart.app)


@pytest.fixture(scope="module")
def lived(world: World, apart: Split, town: Town, telecom: Actor) -> Line:
    """A parcel from its order to its end."""
    line = new_line(town, Actor(apart.app, telecom.key, telecom.name))
    with receiving() as receiver:
        subscribe(town.merchant, receiver.url)
        merge(town)
        cancel(town)
        call(line, Twilio(apart.app))
        notify(line)
        find_no_number(line)
        open_at_the_door(line)
        open_in_an_emergency(line, Desk(world), apart)
        end(line)
        deliver_events(world, apart, receiver)
    return line


def test_every_operation_is_done_at_its_own_node(world: World, apart: Split, lived: Line) -> None:
    walk(new_ground(world, apart.app, "舟山市"))
    look_after(apart)
    assert not apart.denied
    names = {operation.name for operation in OPERATIONS}
    assert names - apart.done == set()
    shared = {operation.name for operation in service.OPERATIONS}
    assert {name: len(apart.duties_with(name)) for name in names} == {
        name: len(apart.nodes) if name in shared else 1 for name in names
    }


def new_line(town: Town, telecom: Actor) -> Line:
    """A parcel with a number, corrected before it was accepted; another found no number."""
    world, courier_phone = town.world, canaries.phone()
    for _ in range(2):
        body = {"handle": town.courier.name, "phone": courier_phone}
        answer = town.carrier.post("/v1/couriers", body, headers={"Idempotency-Key": secrets.token_hex(8)})
        assert answer.status_code == 201, answer.text
    with no_numbers(world, "extension"):
        without = town.waybill(relay=True)
        [number] = add_numbers(world, telecom.name, 1, "extension", region=CITY)
        waybill_no = town.waybill(relay=True)
    assert town.merchant.post(f"/v1/waybills/{without}/cancel").status_code == 200
    someone = canaries.person()
    recipient = {"recipient": town.tokenize(someone).as_recipient()}
    corrected = town.merchant.call("PATCH", f"/v1/waybills/{waybill_no}", recipient)
    assert corrected.status_code == 200, corrected.text
    town.hand_to_courier(waybill_no)
    relay = corrected.get_json()["relay"]
    assert relay["number"] == number
    return Line(town, telecom, someone, courier_phone, waybill_no, number, relay["extension"])


def merge(town: Town) -> None:
    """Two orders in one parcel, each with tokens of its own; it is the same when it is asked for again."""
    someone, order = canaries.person(), {"network": "douyin", "carrier": town.carrier_slug}
    recipients = [town.tokenize(someone).as_recipient() for _ in range(2)]
    items = [{**order, "order": unique("SO"), "recipient": recipient} for recipient in recipients]
    body = {"merge": True, "items": items}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (town.merchant.post("/v1/waybills", body, headers=headers) for _ in range(2))
    assert first.status_code == 201, first.text
    assert again.get_json() == first.get_json()


def cancel(town: Town) -> None:
    """The last number of a segment comes back and goes out again."""
    town = new_town(town.world, app=town.merchant.app)
    [number] = granted(town.world, town, 1)
    assert town.waybill() == number
    assert town.merchant.post(f"/v1/waybills/{number}/cancel").status_code == 200
    assert town.waybill() == number


def call(line: Line, by: Twilio) -> None:
    """Both ways, by both interfaces, and between a pair; two failed calls open the phone."""
    assert contact(line) == (403, "contact_closed")
    for name in ("a", "b"):
        fail(line, line.courier_phone, f"{name}-{line.extension}")
    assert contact(line)[0] == 201
    assert line.call(line.recipient.phone).get_json()["action"] == "connect"
    ring = PhoneCall(by, f"+86{canaries.phone()}", line.number)
    dial = ring.dialled(line.extension)
    assert ring.progress(dial, "in-progress").status_code == 200
    assert ring.over(dial, "completed").status_code == 200
    text = TextMessage(by, f"+86{line.courier_phone}", line.number, f"{line.extension} hello")
    text.progress(text.sent()[0], "delivered")
    with no_numbers(line.town.world, "axb"):
        [number] = add_numbers(line.town.world, line.telecom.name, 1, "axb", region=CITY)
        body = {"waybill_no": line.waybill_no, "mode": "axb"}
        assert line.town.courier.post("/v1/relay/bindings", body).get_json()["number"] == number
    assert line.call(line.courier_phone, called=number).get_json()["action"] == "connect"


def notify(line: Line) -> None:
    """A message is sent by the relay's own thread."""
    body = {"waybill_no": line.waybill_no, "template": "courier_on_the_way", "params": {"minutes": 9}}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (line.town.courier.post("/v1/notices", body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.text
    path = f"/v1/notices/{first.get_json()['notice_id']}"
    eventually(lambda: line.town.courier.get(path).get_json(), lambda seen: seen["state"] == "sent")


def find_no_number(line: Line) -> None:
    """A pair was had and released, and for a label's number there is none: the courier may see the phone, and does as
    many reveals as are counted anew."""
    town, waybill_no = line.town, line.town.out_for_delivery()
    with no_numbers(town.world, "extension"), no_numbers(town.world, "axb"):
        add_numbers(town.world, line.telecom.name, 1, "axb", region=CITY)
        pair = {"waybill_no": waybill_no, "mode": "axb"}
        binding = town.courier.post("/v1/relay/bindings", pair).get_json()
        assert town.merchant.delete(f"/v1/relay/bindings/{binding['binding_id']}").status_code == 204
        none = town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no})
        assert none.get_json()["code"] == "relay_pool_exhausted"
    with town.world.admin() as conn:
        conn.execute("update courier_day set reveals = 2000000000 where handle = %s", (town.courier.name,))
    issued(town.courier, waybill_no, "contact")
    assert town.event(waybill_no, "delivered").status_code == 201


def open_at_the_door(line: Line) -> None:
    body = {"waybill_no": line.waybill_no, "purpose": "deliver"}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (line.town.courier.post("/v1/reveals", body, headers=headers) for _ in range(2))
    reveal = str(first.get_json()["reveal_id"])
    assert again.get_json()["reveal_id"] == reveal
    key = X25519PrivateKey.generate()
    inside = opened(claim(line.town.courier, reveal, key), key)
    assert inside["fields"]["name"] == line.recipient.name
    assert ack(line.town.courier, reveal, inside["ack_code"]).status_code == 200
    revoked = issued(line.town.courier, line.town.out_for_delivery())
    assert line.town.carrier.post(f"/v1/reveals/{revoked}/revoke").status_code == 200


def open_in_an_emergency(line: Line, desk: Desk, apart: Split) -> None:
    one, other = (desk.responder(app=apart.app) for _ in range(2))
    reveal = break_glass.approved(other, break_glass.asked(one, line.waybill_no))
    assert break_glass.opened_by(one, reveal)["fields"]["phone"] == line.recipient.e164


def end(line: Line) -> None:
    """Delivered; the recipient looks who had what, and the merchant erases the phone with its number."""
    town = line.town
    assert town.event(line.waybill_no, "delivered").status_code == 201
    shown = town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    page = town.merchant.app.test_client().get(f"/receipt/{shown['receipt']}?lang=en")
    assert {"courier", "telecom", "gateway"} <= set(re.findall(r'<li class="(\w+)">', page.text))
    found = town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": line.recipient.phone})
    [token] = found.get_json()["items"]
    assert town.merchant.delete(f"/v1/tokens/{token['token']}").status_code == 204
    assert line.call(canaries.phone(), line.extension).get_json()["action"] == "reject"


def deliver_events(world: World, apart: Split, receiver: Receiver) -> None:
    """To the merchant's server, which takes the first one at the second try."""
    with world.admin() as conn:
        conn.execute("update webhook set removed_at = now() where url <> %s", (receiver.url,))
    database = apart.nodes["tokenize"].extensions["database"]
    with Vault(world.settings.vault_addr, operations=1) as vault:
        sender = Sender(database, Tokenizer(vault, world.settings.identities["tokenizer"]), HERE, world.clock)
        receiver.answer = status(500)
        assert sender.send_one()
        receiver.answer = status(204)
        with world.admin() as conn:
            conn.execute("update webhook set rest_until = '-infinity'")
            conn.execute("update webhook_outbox set next_at = created_at")
        assert drain(sender) > 3


def walk(ground: Ground) -> None:
    """Every sample of every operation under a key, by each role that has it."""
    town = ground.town
    of_all = town.world.actor("auditor", app=town.merchant.app)
    assert of_all.get("/v1/audit/events").status_code == 200
    with town.world.admin() as conn:
        conn.execute(
            "update courier set suspended_at = now(), suspended_for = 'many_denials' where handle = %s",
            (town.courier.name,),
        )
    assert town.carrier.post(f"/v1/couriers/{town.courier.name}/resume", {}).status_code == 200
    table = UNDER_A_KEY["replace_routes"].text_body
    assert table is not None
    path, headers = f"/v1/carriers/{town.carrier_slug}/routes", {"Content-Type": table[0]}
    assert town.carrier.call("POST", path, data=table[1].encode(), headers=headers).status_code == 201
    for name in sorted(SAMPLES, key=lambda name: (name in _LAST, name)):
        operation = UNDER_A_KEY[name]
        for role in operation.roles:
            for one in SAMPLES[name]:
                asked = of_role(one, operation, role)
                send(ground.people[role], fill(operation, asked, good_values(operation, asked, role, ground)))


def look_after(apart: Split) -> None:
    """What each node tells whoever looks after it."""
    for duty, node in apart.nodes.items():
        client = node.test_client()
        asset = re.search(r"/docs/assets/[^\"']+", client.get("/docs").text)
        assert asset is not None
        for operation in service.OPERATIONS:
            path = asset[0] if operation.name == "asset" else operation.path
            assert client.get(path).status_code == 200, (duty, path)
            apart.done.add(operation.name)


def test_chores_are_done_by_the_login_of_their_duty(world: World, apart: Split, lived: Line) -> None:
    make_old(world, lived.town)
    assert 0 not in of_old(world, lived.town).values()
    before = failures()
    for database, chores in apart.chores:
        tidy_up(database, chores)
    assert (failures(), apart.denied) == (before, [])
    assert not any(of_old(world, lived.town).values())


# What chores remove when it is past its time, and by what they know.
_ENDS = {
    "relay_slot": "cool_until",
    "relay_binding": "cool_until",
    "relay_exhausted": "at",
    "relay_call": "routed_at",
    "flow_parcel": "day",
    "idempotency": "created_at",
    "courier_day": "day",
    "webhook_outbox": "dead_at",
}
_OLD = "2020-01-01"


def _of(table: str) -> str:
    """Which rows are the town's."""
    return {
        "idempotency": "principal = any (%(people)s)",
        "courier_day": "carrier = %(carrier)s",
        "webhook_outbox": "webhook_id in (select id from webhook where merchant = %(merchant)s)",
    }.get(table, "tenant_id = %(tenant)s")


def _names(town: Town) -> dict[str, object]:
    people = [f"key:{who.name}" for who in (town.merchant, town.courier, town.carrier)]
    tenant = Tenant(town.platform_slug, town.merchant_slug).id
    return {"tenant": tenant, "people": people, "carrier": town.carrier_slug, "merchant": town.merchant_slug}


def make_old(world: World, town: Town) -> None:
    """All that the town has of it; its webhook has nothing left that waits."""
    with world.admin() as conn:
        conn.execute(
            """
            insert into webhook_outbox (webhook_id, event_id, waybill_id, body, created_at, next_at)
            select id, id, id, '{}', now(), now() from webhook where merchant = %s
            """,
            (town.merchant_slug,),
        )
        conn.execute("update relay_call set failed_at = %s where failed_at is not null", (_OLD,))
        for table, column in _ENDS.items():
            statement = f"update {table} set {column} = '{_OLD}' where {_of(table)}"
            conn.execute(statement.encode(), _names(town))


def of_old(world: World, town: Town) -> dict[str, int]:
    """How many rows of each are past their time."""
    counted = {}
    with world.admin() as conn:
        for table, column in _ENDS.items():
            statement = f"select count(*) as n from {table} where {column} = '{_OLD}' and {_of(table)}"
            row = conn.execute(statement.encode(), _names(town)).fetchone()
            counted[table] = 0 if row is None else row["n"]
    return counted


def test_a_courier_that_probes_is_counted_at_each_node(world: World, apart: Split, town: Town) -> None:
    courier = world.actor("courier", app=apart.app, carrier=town.carrier_slug)
    for path in (
        "/v1/waybills/NONE-1",
        "/v1/reveals/rv_none",
        "/v1/relay/bindings/rb_none",
        "/v1/audit/events",
    ):
        assert courier.get(path).status_code in (403, 404)
    with world.admin() as conn:
        row = conn.execute("select denials from courier_day where handle = %s", (courier.name,)).fetchone()
    assert row == {"denials": 4}
    assert not apart.denied


def failures() -> float:
    """Of chores, in this process so far."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "vault_gateway_housekeeping_failures_total"
    )
