"""A carrier's couriers: their handles, keys and phones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests import canaries
from tests.waiting import eventually
from tests.world import Actor, Town, World, new_town, unique
from vault_gateway.model import Tenant


def row_of(world: World, town: Town, handle: str) -> dict[str, Any]:
    return world.row("select * from courier where carrier = %s and handle = %s", (town.carrier_slug, handle))


def token(world: World, token_id: UUID) -> dict[str, Any]:
    return world.row("select * from token where id = %s", (token_id,))


def live_phones(world: World, town: Town) -> int:
    return int(
        world.row(
            "select count(*) as live from token where tenant_id = %s and erased_at is null",
            (Tenant("carrier", town.carrier_slug).id,),
        )["live"]
    )


def test_a_phone_comes_back_as_its_mask_and_is_kept_sealed(world: World, town: Town, auditor: Actor) -> None:
    handle, phone = unique("wang"), canaries.phone()
    body = {"handle": handle, "station": town.station_slug, "phone": f"+86 {phone}"}
    answer = town.carrier.post("/v1/couriers", body)
    assert answer.status_code == 201
    assert answer.get_json() == {
        "handle": handle,
        "station": town.station_slug,
        "phone": f"1******{phone[-4:]}",
    }
    kept = token(world, row_of(world, town, handle)["phone_token"])
    assert kept["ciphertext"] is not None
    assert kept["tenant_id"] == Tenant("carrier", town.carrier_slug).id
    event = auditor.get(f"/v1/audit/events?actor=key:{town.carrier.name}&action=courier.register").get_json()
    assert event["items"][0]["resource"] == f"courier:{handle}"
    assert event["items"][0]["policies"] == ["carrier-own-fleet"]
    assert phone not in str(event)


def test_without_a_phone_there_is_none(world: World, town: Town) -> None:
    handle = unique("li")
    answer = town.carrier.post("/v1/couriers", {"handle": handle})
    assert (answer.status_code, answer.get_json()) == (201, {"handle": handle})
    assert row_of(world, town, handle)["phone_token"] is None


def test_another_phone_erases_the_one_before(world: World, town: Town) -> None:
    handle = unique("zhao")
    town.carrier.post(
        "/v1/couriers", {"handle": handle, "phone": canaries.phone(), "station": town.station_slug}
    )
    first = row_of(world, town, handle)["phone_token"]
    town.carrier.post("/v1/couriers", {"handle": handle, "phone": canaries.phone()})
    renewed = row_of(world, town, handle)
    assert renewed["phone_token"] != first
    assert renewed["station"] == town.station_slug
    assert token(world, first)["ciphertext"] is None
    assert token(world, renewed["phone_token"])["ciphertext"] is not None
    # Renewed without a phone, it keeps the one it has.
    town.carrier.post("/v1/couriers", {"handle": handle})
    assert row_of(world, town, handle)["phone_token"] == renewed["phone_token"]


def test_registered_by_many_at_once_one_phone_is_left(world: World) -> None:
    town = new_town(world)
    handle = unique("sun")
    phones = [canaries.phone() for _ in range(6)]

    def register(phone: str) -> int:
        return town.carrier.post("/v1/couriers", {"handle": handle, "phone": phone}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(register, phones)) == {201}
    assert live_phones(world, town) == 1
    assert token(world, row_of(world, town, handle)["phone_token"])["ciphertext"] is not None


class TestRemoval:
    def test_erases_the_phone_and_ends_the_key_within_five_seconds(
        self, world: World, town: Town, auditor: Actor
    ) -> None:
        courier = world.actor("courier", carrier=town.carrier_slug)
        town.carrier.post("/v1/couriers", {"handle": courier.name, "phone": canaries.phone()})
        phone = row_of(world, town, courier.name)["phone_token"]
        assert courier.get("/v1/waybills").status_code == 200
        assert town.carrier.delete(f"/v1/couriers/{courier.name}").status_code == 204
        assert token(world, phone)["ciphertext"] is None
        eventually(lambda: courier.get("/v1/waybills").status_code == 401)
        event = auditor.get(
            f"/v1/audit/events?actor=key:{town.carrier.name}&action=courier.remove"
        ).get_json()
        assert event["items"][0]["resource"] == f"courier:{courier.name}"

    def test_no_parcel_goes_out_with_a_removed_courier(self, world: World, town: Town) -> None:
        courier = world.actor("courier", carrier=town.carrier_slug)
        waybill_no = town.waybill()
        town.event(waybill_no, "accepted")
        town.carrier.delete(f"/v1/couriers/{courier.name}")
        answer = town.event(waybill_no, "out_for_delivery", courier=courier.name)
        assert answer.get_json()["code"] == "courier_unknown"

    def test_a_handle_taken_up_again_does_not_wake_the_old_key(self, world: World, town: Town) -> None:
        """Who had the handle before must not see the parcels of who has it now."""
        courier = world.actor("courier", carrier=town.carrier_slug)
        town.carrier.post(
            "/v1/couriers",
            {"handle": courier.name, "phone": canaries.phone(), "station": town.station_slug},
        )
        assert town.carrier.delete(f"/v1/couriers/{courier.name}").status_code == 204
        assert town.carrier.post("/v1/couriers", {"handle": courier.name}).status_code == 201
        anew = row_of(world, town, courier.name)
        assert (anew["phone_token"], anew["station"], anew["removed_at"]) == (None, None, None)
        eventually(lambda: courier.get("/v1/waybills").status_code == 401)
        time.sleep(3.2)
        assert courier.get("/v1/waybills").status_code == 401

    def test_twice_or_of_nobody_is_not_found(self, town: Town, elsewhere: Town) -> None:
        handle = unique("gone")
        town.carrier.post("/v1/couriers", {"handle": handle})
        assert town.carrier.delete(f"/v1/couriers/{handle}").status_code == 204
        for missing in (handle, "nobody", elsewhere.courier.name, "a%00b", "UPPER", "x" * 300):
            assert town.carrier.delete(f"/v1/couriers/{missing}").status_code == 404

    def test_another_carriers_courier_stays(self, world: World, town: Town, elsewhere: Town) -> None:
        handle = unique("shared")
        for place in (town, elsewhere):
            place.carrier.post("/v1/couriers", {"handle": handle, "phone": canaries.phone()})
        assert elsewhere.carrier.delete(f"/v1/couriers/{handle}").status_code == 204
        assert row_of(world, town, handle)["removed_at"] is None
        assert token(world, row_of(world, town, handle)["phone_token"])["ciphertext"] is not None
        assert elsewhere.carrier.delete(f"/v1/couriers/{town.courier.name}").status_code == 404
        assert town.courier.get("/v1/waybills").status_code == 200


def test_a_client_added_and_a_courier_registered_are_one(world: World, town: Town) -> None:
    """Whichever comes first: the handle is the client's name, in one directory."""
    handle = unique("one")
    town.carrier.post("/v1/couriers", {"handle": handle, "phone": canaries.phone()})
    phone = row_of(world, town, handle)["phone_token"]
    courier = world.actor("courier", name=handle, carrier=town.carrier_slug)
    assert row_of(world, town, handle)["phone_token"] == phone
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    assert town.event(waybill_no, "out_for_delivery", courier=handle).status_code == 201
    assert courier.get(f"/v1/waybills/{waybill_no}").status_code == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"station": "no-such"}, "station_unknown"),
        ({"phone": "12"}, "phone_invalid"),
        ({"handle": "UPPER"}, "validation_failed"),
        ({"handle": ""}, "validation_failed"),
        ({"carrier": "x"}, "validation_failed"),
        ({"phone_token": "x"}, "validation_failed"),
        ({"removed_at": None}, "validation_failed"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(
    world: World, town: Town, more: dict[str, Any], code: str
) -> None:
    before = live_phones(world, town)
    answer = town.carrier.post("/v1/couriers", {"handle": unique("bad"), "phone": canaries.phone(), **more})
    assert answer.status_code == 422
    assert answer.get_json()["code"] == code
    assert live_phones(world, town) == before


def test_another_carriers_station_is_none(town: Town, elsewhere: Town) -> None:
    body = {"handle": unique("x"), "station": elsewhere.station_slug}
    assert town.carrier.post("/v1/couriers", body).get_json()["code"] == "station_unknown"


def test_only_carriers_name_couriers(world: World, town: Town, auditor: Actor) -> None:
    for actor in (town.merchant, town.platform, town.station, town.courier, world.actor("operator"), auditor):
        assert actor.post("/v1/couriers", {"handle": "x"}).status_code == 403
        assert actor.delete(f"/v1/couriers/{town.courier.name}").status_code == 403


def test_the_same_key_gives_the_same_answer_once(world: World, town: Town) -> None:
    headers = {"Idempotency-Key": unique("key")}
    body = {"handle": unique("zhou"), "phone": canaries.phone()}
    first = town.carrier.post("/v1/couriers", body, headers=headers)
    kept = row_of(world, town, body["handle"])["phone_token"]
    again = town.carrier.post("/v1/couriers", body, headers=headers)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert row_of(world, town, body["handle"])["phone_token"] == kept
    other = town.carrier.post("/v1/couriers", {**body, "phone": canaries.phone()}, headers=headers)
    assert other.get_json()["code"] == "idempotency_key_reused"
