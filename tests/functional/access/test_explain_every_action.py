"""`access explain` can put every question that the gateway puts to its policies, of keys and of JWTs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import pytest

from tests import canaries, pool
from tests.functional.access.explaining import run, told
from tests.functional.breakglass.steps import approved, asked
from tests.functional.identity.conftest import register
from tests.functional.identity.provider import Provider
from tests.functional.reveals.steps import issued
from tests.responders import Desk
from tests.unit.access.shipped import FOLDER
from tests.world import Actor, Town, World, new_town, unique
from vault_gateway.identity import issuers
from vault_gateway.ids import new_id
from vault_gateway.model import Principal, Role, Tenant
from vault_gateway.notices.service import public_id
from vault_gateway.notices.store import Notice, insert_notice

ACTION = re.compile(r'^action ((?:"[a-z.]+",?\s*)+)', re.MULTILINE)
ACTIONS = [
    name
    for names in ACTION.findall((FOLDER / "schema.cedarschema").read_text("utf-8"))
    for name in re.findall(r'"([a-z.]+)"', names)
]


@dataclass(frozen=True)
class Ground:
    """One of each thing that can be asked about."""

    town: Town
    desk: Desk
    one: Actor
    other: Actor
    telecom: Actor
    auditor: Actor
    operator: Actor
    tenant: str
    token: str
    waybill: str
    grant: str
    request: str
    notice: str
    number: str

    @property
    def place(self) -> str:
        return f"{self.town.carrier_slug}/{self.town.station_slug}"


@pytest.fixture(scope="module")
def ground(world: World) -> Iterator[Ground]:
    town, desk = new_town(world), Desk(world)
    one, other = desk.responder(), desk.responder()
    tokens = town.tokenize(canaries.person())
    waybill = town.out_for_delivery(tokens)
    telecom = world.actor("telecom")
    [number] = pool.add_numbers(world, telecom.name, 1, "extension", region=None)
    yield Ground(
        town,
        desk,
        one,
        other,
        telecom,
        world.actor("auditor", platform=town.platform_slug),
        world.actor("operator"),
        f"{town.platform_slug}/{town.merchant_slug}",
        tokens.phone,
        waybill,
        issued(town.courier, waybill),
        asked(one, waybill),
        notice_about(world, town, waybill),
        number,
    )
    pool.retire_numbers(world, telecom.name)


def notice_about(world: World, town: Town, waybill_no: str) -> str:
    """The id of one that the town's courier sent."""
    sender = Principal(
        f"key:{town.courier.name}", Role.COURIER, carrier=town.carrier_slug, handle=town.courier.name
    )
    tenant, now = Tenant(town.platform_slug, town.merchant_slug), world.clock()
    with world.admin() as conn:
        row = conn.execute("select id from waybill where waybill_no = %s", (waybill_no,)).fetchone()
        assert row is not None
        notice = Notice(
            new_id(now), tenant.id, row["id"], waybill_no, town.carrier_slug, "arrived", "zh", None, sender,
            "dead", "test", 1, now, now,
        )  # fmt: skip
        insert_notice(conn, notice)
    return public_id(notice)


Asked = Callable[[Ground], tuple[str, str]]
MERCHANT: Asked = attrgetter("town.merchant.name", "tenant")
PARCEL: Asked = attrgetter("town.merchant.name", "waybill")
COURIER: Asked = attrgetter("town.courier.name", "waybill")
GRANT: Asked = attrgetter("town.courier.name", "grant")
CARRIER: Asked = attrgetter("town.carrier.name", "town.carrier_slug")
TELECOM: Asked = attrgetter("telecom.name", "number")
AUDITOR: Asked = attrgetter("auditor.name", "town.platform_slug")
PLATFORM: Asked = attrgetter("town.platform.name", "town.platform_slug")

# Who may do each, and to what.
MAY: Mapping[str, Asked] = {
    **dict.fromkeys(
        ("token.create", "token.read", "token.search", "token.match", "order.read", "waybill.create"),
        MERCHANT,
    ),
    "waybill.list": PARCEL,
    "segment.list": PARCEL,
    "token.erase": lambda g: (g.town.merchant.name, g.token),
    **dict.fromkeys(
        ("waybill.read", "waybill.label", "waybill.cancel", "waybill.correct", "relay.read", "relay.release"),
        PARCEL,
    ),
    "waybill.event": lambda g: (g.town.carrier.name, g.waybill),
    **dict.fromkeys(("relay.bind", "notice.send", "reveal.issue", "reveal.claim"), COURIER),
    "reveal.read": GRANT,
    "reveal.ack": GRANT,
    "reveal.revoke": lambda g: (g.town.carrier.name, g.grant),
    "breakglass.request": lambda g: (g.desk.id_of(g.one), "new"),
    "breakglass.approve": lambda g: (g.desk.id_of(g.other), g.request),
    "breakglass.read": lambda g: (g.desk.id_of(g.one), g.request),
    "breakglass.claim": lambda g: (g.desk.id_of(g.one), g.request),
    "breakglass.ack": lambda g: (g.desk.id_of(g.one), g.request),
    "breakglass.revoke": lambda g: (g.operator.name, g.request),
    "breakglass.list": lambda g: (g.desk.id_of(g.one), "all"),
    **dict.fromkeys(
        ("courier.register", "courier.remove", "courier.resume", "courier.list", "routes.replace"), CARRIER
    ),
    "fleet.list": COURIER,
    **dict.fromkeys(("webhook.create", "webhook.list"), MERCHANT),
    "webhook.remove": PLATFORM,
    "usage.read": CARRIER,
    "flows.read": PLATFORM,
    **dict.fromkeys(("audit.read", "audit.export"), AUDITOR),
    "parcel.search": lambda g: (g.town.station.name, g.place),
    "notice.read": lambda g: (g.town.courier.name, g.notice),
    **dict.fromkeys(("relay.route", "relay.record"), TELECOM),
    "relay.pool": lambda g: (g.operator.name, "pool"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_is_told_so(world: World, ground: Ground, action: str) -> None:
    who, on = MAY[action](ground)
    purpose = ("--purpose", "deliver") if action in ("reveal.issue", "reveal.claim") else ()
    answer = told(world, who, action, on, *purpose)
    assert answer["allowed"], answer
    assert not answer["fault"]


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_no_such_thing_is_no_denial(world: World, ground: Ground, action: str) -> None:
    purpose = ("--purpose", "deliver") if action in ("reveal.issue", "reveal.claim") else ()
    result = run(world, ground.operator.name, action, "No Such Thing!", *purpose)
    assert result.exit_code in (1, 2)
    assert "deny" not in result.output
    if result.exit_code == 2:
        assert f"{action} is asked about a " in result.output


def test_a_break_glass_reveal_is_asked_about_as_one(world: World, ground: Ground) -> None:
    reveal = approved(ground.other, asked(ground.one, ground.waybill))
    assert told(world, ground.desk.id_of(ground.one), "breakglass.claim", reveal)["allowed"]
    assert not told(world, ground.desk.id_of(ground.other), "breakglass.claim", reveal)["allowed"]
    result = run(world, ground.town.courier.name, "reveal.ack", reveal)
    assert (result.exit_code, "is asked about a Grant" in result.output) == (2, True)


def test_a_courier_of_an_identity_provider_is_what_its_token_says(world: World) -> None:
    town, provider = new_town(world), Provider(f"https://{unique('id')}.example")
    jwks = world.instance.engines.data / f"{unique('jwks')}.json"
    jwks.write_bytes(provider.jwks())
    issuer = register(world, provider.iss, str(jwks), "courier", "station", carrier=town.carrier_slug)
    courier = f"jwt:{issuer}:h1"
    assert town.carrier.post("/v1/couriers", {"handle": "h1"}).status_code == 201
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    town.event(waybill_no, "out_for_delivery", courier="h1")

    deliver = ("reveal.issue", waybill_no, "--purpose", "deliver")
    as_courier = ("--claim", "role=courier")
    assert told(world, courier, *deliver, *as_courier)["policies"] == ["courier-reveals-assigned-parcels"]
    assert not told(world, f"jwt:{issuer}:h2", *deliver, *as_courier)["allowed"], "its carrier has none such"
    as_station = ("--claim", "role=station", "--claim", f"station={town.station_slug}")
    assert told(world, courier, "parcel.search", f"{town.carrier_slug}/{town.station_slug}", *as_station)[
        "allowed"
    ]
    for claims in (
        (),
        ("--claim", "role=auditor"),
        (*as_courier, "--claim", "carrier=other"),
        ("--claim", "x=y"),
    ):
        result = run(world, courier, *deliver, *claims)
        assert result.exit_code == 2, claims
    with world.admin() as conn:
        issuers.revoke(conn, provider.iss, world.clock())
    assert told(world, courier, *deliver, *as_courier)["caller_hears"].startswith("401")
