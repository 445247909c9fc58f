"""Towns where one of everything lives and one of everything is gone: what a caller may ask for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask

from tests import canaries
from tests.canaries import Person
from tests.functional.breakglass import steps as break_glass
from tests.functional.reveals.steps import claim, issued
from tests.functional.waybills.segments import granted
from tests.pool import add_numbers, fresh_number
from tests.responders import Desk
from tests.world import Actor, Tokens, Town, World, new_town, unique
from vault_gateway.ids import base32, new_id
from vault_gateway.model import utc_now

# A parcel in each of these states.
WAYBILLS = ("created", "accepted", "waiting", "out")
_SEVERAL = {
    "waybill": WAYBILLS,
    "token": ("phone", "name", "address"),
    "reveal": ("reveal", "sealed_parcel", "sealed_token"),
    "break_glass": ("break_glass", "break_glass_of_token"),
}
_PREFIXES = {
    "reveal": "rv_",
    "break_glass": "bg_",
    "binding": "rb_",
    "webhook": "wh_",
    "notice": "nt_",
    "token": "ph_",
    "phone": "ph_",
    "name": "nm_",
    "address": "ad_",
}
WEBHOOK = "https://shop.example/parcels"


@dataclass
class Ground:
    """A town's things by what names them: `live` as they are, `gone` those that were erased, removed or are over.
    Callers of every role come along."""

    town: Town
    people: dict[str, Actor]
    telecom: Actor
    live: dict[str, str] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str) -> list[str]:
        """All that live of a kind."""
        return [self.live[name] for name in _SEVERAL.get(kind, (kind,))]

    def lost(self, kind: str, value: str) -> None:
        self.gone.setdefault(kind, []).append(value)


def unknown(kind: str, *, beside: str | None = None) -> str:
    """Of the right shape, and nobody's; `beside` is an id of the same moment."""
    if kind == "courier_cursor":
        return f"{beside or unique('no-such')}0"
    if beside is not None:
        return beside[:-8] + base32(new_id(utc_now()))[-8:]
    made = base32(new_id(utc_now()))
    if kind in _PREFIXES:
        return _PREFIXES[kind] + made
    if kind.endswith("_cursor"):
        return made
    if kind == "event":
        return str(new_id(utc_now()))
    if kind in ("waybill", "order"):
        return f"NOSUCH-{secrets.randbelow(10**12):012d}"
    if kind in ("value", "number"):
        return canaries.phone() if kind == "value" else fresh_number()
    if kind in ("last4", "extension"):
        return f"{secrets.randbelow(10**6):06d}"[: 4 if kind == "last4" else 6]
    return f"key:{unique('no')}" if kind == "actor" else unique("no-such")


@contextmanager
def earlier(world: World, seconds: float) -> Iterator[None]:
    """What is made in here was made so long ago."""
    world.clock.advance(seconds=-seconds)
    try:
        yield
    finally:
        world.clock.advance(seconds=seconds)


def new_ground(world: World, app: Flask, city: str, *, platform_slug: str | None = None) -> Ground:
    """`city` is nobody else's, so that its parcels get numbers of its own telecom."""
    town = new_town(world, app=app, platform_slug=platform_slug)
    telecom = world.actor("telecom", app=app)
    desk = Desk(world)
    people = {
        "platform": town.platform,
        "merchant": town.merchant,
        "carrier": town.carrier,
        "station": town.station,
        "courier": town.courier,
        "telecom": telecom,
        "auditor": world.actor("auditor", app=app, platform=town.platform_slug, merchant=town.merchant_slug),
        "operator": world.actor("operator", app=app),
        "responder": desk.responder(app=app),
    }
    ground = Ground(town, people, telecom)
    someone = canaries.person()
    person = Person(someone.name, someone.phone, {**someone.address, "city": city, "district": "某区"})
    _names(ground, person)
    _tokens(ground, person)
    _parcels(ground)
    _fleet(ground)
    _number(ground, city)
    _reveals(ground)
    _break_glass(ground, desk)
    _rest(ground)
    return ground


def _names(ground: Ground, person: Person) -> None:
    town = ground.town
    ground.live |= {
        "platform": town.platform_slug,
        "merchant": town.merchant_slug,
        "carrier": town.carrier_slug,
        "station": town.station_slug,
        "handle": town.courier.name,
        "courier_cursor": town.courier.name,
        "order": unique("SO"),
        "network": "douyin",
        "branch": unique("branch"),
        "value": person.phone,
        "last4": person.phone[-4:],
        "actor": f"key:{town.merchant.name}",
    }


def _tokens(ground: Ground, person: Person) -> None:
    town = ground.town

    def made(someone: Person, order: str) -> Tokens:
        answer = town.merchant.post("/v1/tokens", {"order": order, "items": canaries.items_of(someone)})
        return Tokens(*(item["token"] for item in answer.get_json()["items"]))

    tokens = made(person, ground.live["order"])
    ground.live |= tokens.as_recipient()
    ground.live["token"] = tokens.phone
    ground.live["token_cursor"] = cursor_at(tokens.address)
    someone, order = canaries.person(), unique("SO")
    for kind, token in made(someone, order).as_recipient().items():
        assert town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
        ground.lost(kind, token)
        ground.lost("token", token)
    ground.lost("token_cursor", cursor_at(token))
    ground.lost("order", order)
    ground.lost("value", someone.phone)
    ground.lost("last4", someone.phone[-4:])


def cursor_at(text: str) -> str:
    """Where a list goes on below a thing of this id."""
    return text.partition("_")[2]


def _parcels(ground: Ground) -> None:
    town = ground.town
    recipient = {name: ground.live[name] for name in ("name", "phone", "address")}

    def parcel(*events: tuple[str, dict[str, str]]) -> str:
        body = {"network": "douyin", "carrier": town.carrier_slug, "recipient": recipient}
        answer = town.merchant.post("/v1/waybills", {**body, "order": ground.live["order"]})
        waybill_no = str(answer.get_json()["waybill_no"])
        for type_, more in events:
            answer = town.event(waybill_no, type_, **more)
            assert answer.status_code == 201, answer.text
        return waybill_no

    accepted: tuple[str, dict[str, str]] = ("accepted", {})
    out = ("out_for_delivery", {"courier": town.courier.name})
    ground.live |= {
        "created": parcel(),
        "accepted": parcel(accepted),
        "waiting": parcel(accepted, ("at_station", {"station": town.station_slug})),
        "out": parcel(accepted, out),
        "other_out": parcel(accepted, out),
    }
    ground.lost("waybill", parcel(accepted, out, ("delivered", {})))
    cancelled = parcel()
    assert town.merchant.post(f"/v1/waybills/{cancelled}/cancel").status_code == 200
    ground.lost("waybill", cancelled)
    twice = f"TWICE-{secrets.randbelow(10**12):012d}"
    for _ in range(2):
        order = {
            "network": "douyin",
            "carrier": town.carrier_slug,
            "recipient": recipient,
            "waybill_no": twice,
        }
        assert town.merchant.post("/v1/waybills", order).status_code == 201
        assert town.merchant.post(f"/v1/waybills/{twice}/cancel").status_code == 200
    ground.lost("waybill", twice)
    row = town.world.row("select id from waybill where waybill_no = %s", (ground.live["out"],))
    ground.live["waybill_cursor"] = base32(row["id"])


def _fleet(ground: Ground) -> None:
    carrier, removed = ground.town.carrier, unique("gone")
    assert carrier.post("/v1/couriers", {"handle": removed}).status_code == 201
    assert carrier.delete(f"/v1/couriers/{removed}").status_code == 204
    ground.lost("handle", removed)
    granted(ground.town.world, ground.town, 5000, branch=ground.live["branch"])


def _number(ground: Ground, city: str) -> None:
    """A number of the telecom's, a binding of it, a call to that, and a binding that was released."""
    town = ground.town
    [number] = add_numbers(town.world, ground.telecom.name, 1, "extension", region=city)

    def bound(waybill_no: str) -> Any:
        answer = town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no})
        assert answer.status_code == 201, answer.text
        assert answer.get_json()["number"] == number
        return answer.get_json()

    binding, released = bound(ground.live["accepted"]), bound(ground.live["waiting"])
    assert town.merchant.delete(f"/v1/relay/bindings/{released['binding_id']}").status_code == 204
    call = {"call_id": f"call-{secrets.token_hex(8)}", "medium": "voice", "caller": canaries.phone()}
    dialled = {**call, "called": number, "extension": binding["extension"]}
    answer = ground.telecom.post("/v1/relay/route", dialled)
    assert answer.get_json()["action"] == "connect", answer.text
    ground.live |= {
        "number": number,
        "extension": binding["extension"],
        "binding": binding["binding_id"],
        "call": call["call_id"],
    }
    ground.lost("binding", released["binding_id"])


def _reveals(ground: Ground) -> None:
    town, courier = ground.town, ground.town.courier
    with earlier(town.world, 3700):
        ground.lost("reveal", issued(courier, ground.live["out"]))
    spent = issued(courier, ground.live["other_out"])
    assert claim(courier, spent).status_code == 200
    ground.lost("reveal", spent)
    revoked = issued(courier, ground.live["other_out"], "contact")
    assert town.carrier.post(f"/v1/reveals/{revoked}/revoke").status_code == 200
    ground.lost("reveal", revoked)
    ground.live["reveal"] = issued(courier, ground.live["out"])


def _break_glass(ground: Ground, desk: Desk) -> None:
    with earlier(ground.town.world, 3700):
        early = desk.responder(app=ground.town.courier.app)
        ground.lost("break_glass", break_glass.asked(early, ground.live["out"]))
    responder = ground.people["responder"]
    ground.live["break_glass"] = break_glass.asked(responder, ground.live["out"])
    ground.live["break_glass_cursor"] = cursor_at(ground.live["break_glass"])
    ground.live["break_glass_of_token"] = break_glass.asked(responder, token=ground.live["phone"])
    # Approved ones, of a parcel and of a token alone.
    colleague = desk.responder(app=ground.town.courier.app)
    for name, of in (
        ("sealed_parcel", {"waybill_no": ground.live["out"]}),
        ("sealed_token", {"token": ground.live["name"]}),
    ):
        ground.live[name] = break_glass.approved(colleague, break_glass.asked(responder, **of))


def _rest(ground: Ground) -> None:
    town = ground.town

    def made(path: str, body: Any, who: Actor, name: str) -> str:
        answer = who.post(path, body)
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()[name])

    ground.live["webhook"] = made("/v1/webhooks", {"url": WEBHOOK}, town.merchant, "webhook_id")
    removed = made("/v1/webhooks", {"url": WEBHOOK}, town.merchant, "webhook_id")
    assert town.merchant.delete(f"/v1/webhooks/{removed}").status_code == 204
    ground.lost("webhook", removed)
    message = {"waybill_no": ground.live["out"], "template": "courier_on_the_way", "params": {"minutes": 9}}
    ground.live["notice"] = made("/v1/notices", message, town.courier, "notice_id")
    event = ground.people["auditor"].get("/v1/audit/events?limit=1").get_json()["items"][0]
    ground.live["event"] = event["id"]
    ground.live["event_cursor"] = base32(UUID(event["id"]))
