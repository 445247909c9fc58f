"""All that becomes of an order and its parcel, step by step, whichever nodes serve it."""

from __future__ import annotations

import re
import secrets

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.breakglass import steps as break_glass
from tests.functional.relay.conftest import CITY, Line
from tests.functional.relay.steps import contact, fail
from tests.functional.relay.twilio import PhoneCall, TextMessage, Twilio
from tests.functional.reveals.steps import ack, claim, issued, opened
from tests.functional.waybills.segments import granted
from tests.functional.webhooks.conftest import HERE, drain, subscribe
from tests.functional.webhooks.receiver import Receiver, receiving, status
from tests.pool import add_numbers, no_numbers
from tests.responders import Desk
from tests.split import Split
from tests.waiting import eventually
from tests.world import Actor, Town, World, new_town, unique
from vault_gateway.keys import Tokenizer, Vault
from vault_gateway.webhooks.sending import Sender


def live(apart: Split, town: Town, telecom: Actor) -> Line:
    """A parcel from its order to its end."""
    line = _new_line(town, Actor(apart.app, telecom.key, telecom.name))
    with receiving() as receiver:
        subscribe(town.merchant, receiver.url)
        _merge(town)
        _cancel(town)
        _call(line, Twilio(apart.app))
        _notify(line)
        _find_no_number(line)
        _open_at_the_door(line)
        _open_in_an_emergency(line, Desk(town.world), apart)
        _end(line)
        _deliver_events(town.world, apart, receiver)
    return line


def _new_line(town: Town, telecom: Actor) -> Line:
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


def _merge(town: Town) -> None:
    """Two orders in one parcel, each with tokens of its own; it is the same when it is asked for again."""
    someone, order = canaries.person(), {"network": "douyin", "carrier": town.carrier_slug}
    recipients = [town.tokenize(someone).as_recipient() for _ in range(2)]
    items = [{**order, "order": unique("SO"), "recipient": recipient} for recipient in recipients]
    body = {"merge": True, "items": items}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (town.merchant.post("/v1/waybills", body, headers=headers) for _ in range(2))
    assert first.status_code == 201, first.text
    assert again.get_json() == first.get_json()


def _cancel(town: Town) -> None:
    """The last number of a segment comes back and goes out again."""
    town = new_town(town.world, app=town.merchant.app)
    [number] = granted(town.world, town, 1)
    assert town.waybill() == number
    assert town.merchant.post(f"/v1/waybills/{number}/cancel").status_code == 200
    assert town.waybill() == number


def _call(line: Line, by: Twilio) -> None:
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


def _notify(line: Line) -> None:
    """A message is sent by the relay's own thread."""
    body = {"waybill_no": line.waybill_no, "template": "courier_on_the_way", "params": {"minutes": 9}}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (line.town.courier.post("/v1/notices", body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.text
    path = f"/v1/notices/{first.get_json()['notice_id']}"
    eventually(lambda: line.town.courier.get(path).get_json(), lambda seen: seen["state"] == "sent")


def _find_no_number(line: Line) -> None:
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


def _open_at_the_door(line: Line) -> None:
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


def _open_in_an_emergency(line: Line, desk: Desk, apart: Split) -> None:
    one, other = (desk.responder(app=apart.app) for _ in range(2))
    reveal = break_glass.approved(other, break_glass.asked(one, line.waybill_no))
    assert break_glass.opened_by(one, reveal)["fields"]["phone"] == line.recipient.e164


def _end(line: Line) -> None:
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


def _deliver_events(world: World, apart: Split, receiver: Receiver) -> None:
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
