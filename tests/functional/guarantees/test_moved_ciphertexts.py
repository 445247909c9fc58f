"""Guarantee 6: a ciphertext opens at its own place alone. Whoever writes to the database moves it every way there is;
it opens for nobody, by no path, and the attempt is on record as an error."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.breakglass.steps import approved, asked
from tests.functional.guarantees.conftest import Grounds
from tests.functional.reveals.steps import claim
from tests.functional.tokens.tampering import OVERWRITTEN, assert_does_not_open, id_of, overwrite
from tests.responders import Desk
from tests.world import Actor, Tokens, Town, World


@pytest.fixture
def auditor(world: World) -> Actor:
    return world.actor("auditor")


@pytest.fixture
def victim() -> canaries.Person:
    return canaries.person()


def execute(world: World, statement: str, *values: object) -> None:
    with world.admin() as conn:
        assert conn.execute(statement, values).rowcount == 1


def other_row(grounds: Grounds, whose: str, victim: canaries.Person, kind: str) -> str:
    """A token of that kind, of the same person, elsewhere."""
    town: Town = getattr(grounds, whose).town
    return str(getattr(town.tokenize(victim), kind))


@pytest.mark.parametrize("whose", ["own", "neighbour", "abroad"])
@pytest.mark.parametrize("kind", ["name", "address"])
def test_of_another_row_merchant_or_platform(
    grounds: Grounds, auditor: Actor, victim: canaries.Person, whose: str, kind: str
) -> None:
    """Even of the same person: two ciphertexts of one value are not each other's."""
    town = grounds.own.town
    tokens = town.tokenize(victim)
    overwrite(town.world, getattr(tokens, kind), other_row(grounds, whose, victim, kind))
    assert_does_not_open(town, tokens, auditor, victim.name, victim.detail)


@pytest.mark.parametrize("source", ["phone", "address"])
def test_of_another_kind(grounds: Grounds, auditor: Actor, victim: canaries.Person, source: str) -> None:
    town = grounds.own.town
    tokens = town.tokenize(victim)
    overwrite(town.world, tokens.name, getattr(tokens, source))
    assert_does_not_open(town, tokens, auditor, victim.phone, victim.detail, victim.name)


def test_of_a_row_that_is_called_another_kind(
    grounds: Grounds, auditor: Actor, victim: canaries.Person
) -> None:
    """The row itself says that the phone is a name, and the parcel names it so."""
    town = grounds.own.town
    tokens, spare = town.tokenize(victim), town.tokenize(canaries.person())
    waybill = town.waybill(tokens)
    OVERWRITTEN.append(id_of(spare.phone))
    execute(town.world, "update token set kind = 'name' where id = %s", id_of(spare.phone))
    execute(
        town.world,
        "update waybill set recipient_name = %s where waybill_no = %s",
        id_of(spare.phone),
        waybill,
    )
    assert_the_parcel_stays_shut(town, waybill, auditor)


def test_of_a_row_with_anothers_id(grounds: Grounds, auditor: Actor, victim: canaries.Person) -> None:
    """The rows change places as a whole, masks and all."""
    town = grounds.own.town
    one, other = town.tokenize(victim), town.tokenize(canaries.person())
    gone = id_of(other.address)
    execute(town.world, "delete from token where id = %s", gone)
    execute(town.world, "update token set id = %s where id = %s", gone, id_of(one.address))
    moved = Tokens(other.name, other.phone, other.address)
    assert_does_not_open(town, moved, auditor, victim.detail)


def test_of_a_row_that_moved_to_another_merchant(
    grounds: Grounds, auditor: Actor, victim: canaries.Person
) -> None:
    theirs, own = grounds.neighbour.town, grounds.own.town
    stolen, mine = theirs.tokenize(victim), own.tokenize(canaries.person())
    execute(
        own.world,
        "update token set tenant_id = (select tenant_id from token where id = %s) where id = %s",
        id_of(mine.address),
        id_of(stolen.address),
    )
    tokens = Tokens(mine.name, mine.phone, stolen.address)
    assert_does_not_open(own, tokens, auditor, victim.detail)


def assert_the_parcel_stays_shut(town: Town, waybill: str, auditor: Actor) -> None:
    town.hand_to_courier(waybill)
    answer = town.courier.post("/v1/reveals", {"waybill_no": waybill, "purpose": "deliver", "claim": True})
    assert answer.status_code == 500, answer.text
    assert_on_record(auditor, waybill, "reveal")


def assert_on_record(auditor: Actor, waybill: str, what: str) -> None:
    events = auditor.get(f"/v1/audit/events?waybill={waybill}&outcome=error").get_json()["items"]
    assert [(one["action"], one["reason"]) for one in events] == [(f"{what}.claim", "does_not_open")]
    released = auditor.get(f"/v1/audit/events?waybill={waybill}&action={what}.release").get_json()["items"]
    assert released == []


def test_by_break_glass(grounds: Grounds, auditor: Actor, victim: canaries.Person) -> None:
    town, desk = grounds.own.town, Desk(grounds.own.town.world)
    app = town.courier.app
    asks, agrees = desk.responder(app=app), desk.responder(app=app)
    tokens = town.tokenize(victim)
    waybill = town.waybill(tokens)
    reveal = approved(agrees, asked(asks, waybill))
    overwrite(town.world, tokens.phone, town.tokenize(canaries.person()).phone)
    answer = claim(asks, reveal, X25519PrivateKey.generate())
    assert answer.status_code == 500, answer.text
    assert_on_record(auditor, waybill, "breakglass")


def test_by_a_call(grounds: Grounds, auditor: Actor, victim: canaries.Person) -> None:
    """The relay connects to nobody rather than to the wrong one."""
    own = grounds.own
    town = own.town
    person = canaries.Person(victim.name, victim.phone, {**victim.address, "city": "宁波市"})
    tokens = town.tokenize(person)
    waybill = town.waybill(tokens)
    bound = town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill}).get_json()
    assert bound["number"] == own.live["number"]
    overwrite(town.world, tokens.phone, town.tokenize(canaries.person()).phone)
    call = {"call_id": f"call-{secrets.token_hex(8)}", "medium": "voice", "caller": canaries.phone()}
    dialled = {**call, "called": bound["number"], "extension": bound["extension"]}
    answer = own.telecom.post("/v1/relay/route", dialled)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "vault_unavailable"), answer.text
    events = auditor.get(f"/v1/audit/events?token={tokens.phone}&outcome=error").get_json()["items"]
    assert [(one["action"], one["reason"]) for one in events] == [("relay.route", "does_not_open")]


@pytest.mark.parametrize("purpose", ["deliver", "sort"])
def test_with_another_region_beside_it(
    grounds: Grounds, auditor: Actor, victim: canaries.Person, purpose: str
) -> None:
    """The city lies open in the row, and changing it would send a parcel astray: the ciphertext knows it."""
    town = grounds.own.town
    tokens = town.tokenize(victim)
    waybill = town.waybill(tokens)
    execute(
        town.world,
        """update token set region = jsonb_set(region, '{city}', '"宁波市"') where id = %s""",
        id_of(tokens.address),
    )
    assert town.event(waybill, "accepted").status_code == 201
    holder = town.courier
    if purpose == "sort":
        holder = town.station
        assert town.event(waybill, "at_station", station=town.station_slug).status_code == 201
    else:
        assert town.event(waybill, "out_for_delivery", courier=town.courier.name).status_code == 201
    answer = holder.post("/v1/reveals", {"waybill_no": waybill, "purpose": purpose, "claim": True})
    assert answer.status_code == 500, answer.text
    events = auditor.get(f"/v1/audit/events?waybill={waybill}&outcome=error").get_json()["items"]
    assert [(one["action"], one["reason"]) for one in events] == [("reveal.claim", "other_region")]
