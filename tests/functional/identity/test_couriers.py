"""A courier's handle is one person's: couriers come by key or by JWT, never both in one carrier."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional.identity.conftest import Trust, holder_of
from tests.world import World, new_town, unique
from vault_gateway.identity import issuers
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.memory import REMEMBER_S
from vault_gateway.model import utc_now


def test_keys_of_couriers_end_when_their_carrier_gets_an_issuer_and_stay_ended(
    world: World, trust: Trust
) -> None:
    town = new_town(world)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 200
    provider = trust("courier", carrier=town.carrier_slug)
    time.sleep(REMEMBER_S)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 401
    assert town.carrier.get("/v1/waybills").status_code == 200
    # The handle is the carrier's own, so it goes over to whom the issuer calls so.
    by_jwt = holder_of(world, provider.token(sub=town.courier.name))
    assert by_jwt.get("/v1/waybills?courier=me").status_code == 200
    with world.admin() as conn:
        issuers.revoke(conn, provider.iss, utc_now())
    time.sleep(REMEMBER_S)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 401


def test_no_key_is_given_to_a_courier_of_such_a_carrier(world: World, trust: Trust) -> None:
    town = new_town(world)
    provider = trust("courier", "station", carrier=town.carrier_slug)
    with pytest.raises(ClientError, match="JWT"):
        world.actor("courier", carrier=town.carrier_slug)
    world.actor("station", carrier=town.carrier_slug, station="s9")
    with world.admin() as conn:
        issuers.revoke(conn, provider.iss, utc_now())
    world.actor("courier", carrier=town.carrier_slug)


def test_an_issuer_without_couriers_ends_no_keys(world: World, trust: Trust) -> None:
    town = new_town(world)
    trust("carrier", "station", carrier=town.carrier_slug)
    time.sleep(REMEMBER_S)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 200


def test_two_issuers_never_mint_couriers_of_one_carrier(world: World, trust: Trust) -> None:
    carrier = unique("c")
    first = trust("courier", carrier=carrier)
    with pytest.raises(issuers.IssuerError):
        trust("courier", carrier=carrier)
    trust("station", carrier=carrier)
    with world.admin() as conn:
        issuers.revoke(conn, first.iss, utc_now())
    trust("courier", carrier=carrier)


def test_an_issuer_is_trusted_once_at_a_time(world: World, trust: Trust) -> None:
    provider = trust("carrier", carrier=unique("c"))
    with pytest.raises(issuers.IssuerError):
        trust("carrier", provider=provider, carrier=unique("c"))


def test_a_removed_couriers_key_does_not_come_back_with_the_handle(world: World) -> None:
    """The handle is given to somebody else: the parcels assigned to it are not the former courier's."""
    town = new_town(world)
    handle = f"/v1/couriers/{town.courier.name}"
    assert town.courier.get("/v1/waybills?courier=me").status_code == 200
    assert town.carrier.delete(handle).status_code == 204
    assert town.carrier.post("/v1/couriers", {"handle": town.courier.name}).status_code == 201
    time.sleep(REMEMBER_S)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 401


def test_registering_a_courier_again_leaves_the_key_alone(world: World) -> None:
    town = new_town(world)
    assert town.carrier.post("/v1/couriers", {"handle": town.courier.name}).status_code == 201
    time.sleep(REMEMBER_S)
    assert town.courier.get("/v1/waybills?courier=me").status_code == 200


def test_a_key_given_while_an_issuer_is_registered_does_not_survive_it(world: World, trust: Trust) -> None:
    """Either order is fine, but not both: the key is refused, or it ended with the others."""
    outcomes = set()
    for _ in range(8):
        carrier = unique("c")
        world.actor("carrier", carrier=carrier)
        with ThreadPoolExecutor(2) as pool:
            trusting = pool.submit(trust, "courier", carrier=carrier)
            adding = pool.submit(world.actor, "courier", carrier=carrier)
            trusting.result()
            outcomes.add(type(adding.exception()))
        with world.admin() as conn:
            live = conn.execute(
                "select name from client where carrier = %s and role = 'courier' and revoked_at is null",
                (carrier,),
            ).fetchall()
        assert live == []
    assert outcomes <= {type(None), ClientError}


def test_stations_that_come_by_jwt_are_those_that_their_carrier_names(world: World, trust: Trust) -> None:
    """An issuer names its stations as it names its people: nobody registers them here."""
    town = new_town(world)
    waybill_no = town.waybill()
    assert town.event(waybill_no, "accepted").status_code == 201
    refused = town.event(waybill_no, "at_station", station="by-jwt")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "station_unknown")
    provider = trust("station", carrier=town.carrier_slug)
    assert town.event(waybill_no, "at_station", station="by-jwt").status_code == 201
    station = holder_of(world, provider.token(sub="clerk-1", station="by-jwt"))
    sorting = {"waybill_no": waybill_no, "purpose": "sort", "claim": True}
    assert station.post("/v1/reveals", sorting).status_code == 201
    other = holder_of(world, provider.token(sub="clerk-2", station="another"))
    assert other.post("/v1/reveals", sorting).status_code == 404
