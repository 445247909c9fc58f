"""What the SDK does with a parcel, against a real gateway, in the order of its life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.client.conftest import ClientOf
from tests.world import Town, World, new_town, unique
from vault_gateway.client import (
    ApiError,
    ItemError,
    Order,
    Recipient,
    RelayNumber,
    Revealed,
    TokenInfo,
    Tokenized,
    Value,
    Waybill,
)


def recipient(town: Town, client_of: ClientOf) -> tuple[canaries.Person, Recipient]:
    someone = canaries.person()
    tokens = client_of(town.merchant).tokens.recipient(someone.name, someone.phone, someone.address)
    return someone, tokens


def test_tokens_are_made_found_matched_and_erased(town: Town, client_of: ClientOf) -> None:
    tokens = client_of(town.merchant).tokens
    someone, order = canaries.person(), unique("O")
    made = tokens.create(
        [Value.name(someone.name), Value.phone(someone.phone, ref="p"), Value.phone("12", ref="bad")],
        order=order,
    )
    name, phone, refused = made
    assert isinstance(name, Tokenized)
    assert isinstance(phone, Tokenized)
    assert (phone.kind, phone.ref, phone.masked[-4:]) == ("phone", "p", someone.phone[-4:])
    assert isinstance(refused, ItemError)
    assert (refused.code, refused.ref) == ("phone_invalid", "bad")

    info = tokens.get(phone.token)
    assert (info.masked, info.order, info.origin) == (phone.masked, order, "merchant")
    assert abs(info.created_at - datetime.now(UTC)) < timedelta(minutes=5)
    looked_up = tokens.look_up([name.token, "ph_" + "0" * 26])
    assert isinstance(looked_up[0], TokenInfo)
    assert isinstance(looked_up[1], ItemError)
    assert {one.token for one in tokens.of_order(order)} == {name.token, phone.token}
    assert [one.token for one in tokens.search("phone", someone.phone)] == [phone.token]
    assert phone.token in {one.token for one in tokens.search_last4(someone.phone[-4:])}

    twice = [tokens.recipient(someone.name, someone.phone, someone.address) for _ in range(2)]
    _, other = recipient(town, client_of)
    assert tokens.match([twice[0], other, twice[1]]).groups == [(0, 2), (1,)]

    tokens.erase(phone.token)
    with pytest.raises(ApiError) as raised:
        tokens.get(phone.token)
    assert (raised.value.code, raised.value.status) == ("not_found", 404)
    assert raised.value.request_id


def test_a_batch_of_nothing_but_errors_is_an_answer(town: Town, client_of: ClientOf) -> None:
    made = client_of(town.merchant).tokens.create([Value.phone("1"), Value.name(" ")])
    assert [one.code for one in made if isinstance(one, ItemError)] == ["phone_invalid", "value_empty"]


def test_a_platform_names_the_merchant(town: Town, client_of: ClientOf) -> None:
    platform = client_of(town.platform).for_merchant(town.merchant_slug)
    made = platform.tokens.create([Value.phone(canaries.phone())])[0]
    assert isinstance(made, Tokenized)
    assert client_of(town.merchant).tokens.get(made.token).origin == "platform"


def test_a_search_goes_over_all_pages(town: Town, client_of: ClientOf) -> None:
    tokens, number = client_of(town.merchant).tokens, canaries.phone()
    made = tokens.create([Value.phone(number)] * 230)
    assert {one.token for one in tokens.search("phone", number)} == {
        one.token for one in made if isinstance(one, Tokenized)
    }


def test_a_parcel_goes_to_its_recipient(town: Town, client_of: ClientOf) -> None:
    someone, tokens = recipient(town, client_of)
    merchant, carrier, courier = map(client_of, (town.merchant, town.carrier, town.courier))
    order = unique("O")
    waybill = merchant.waybills.create(Order("douyin", town.carrier_slug, tokens, order=order))
    assert (waybill.state, waybill.order) == ("created", order)
    assert waybill.receipt
    carrier.waybills.event(waybill.waybill_no, "accepted")
    deliver_by = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    out = carrier.waybills.event(
        waybill.waybill_no, "out_for_delivery", courier=town.courier.name, deliver_by=deliver_by
    )
    assert (out.courier, out.deliver_by) == (town.courier.name, deliver_by)
    assert waybill.waybill_no in {one.waybill_no for one in courier.waybills.list(mine=True)}

    revealed = courier.reveals.open(waybill.waybill_no)
    assert revealed.fields["name"] == someone.name
    assert revealed.fields["address"]["detail"] == someone.detail
    assert revealed.acknowledged
    state = courier.reveals.get(revealed.reveal_id)
    assert (state.state, state.released) == ("delivered", 1)
    with pytest.raises(ApiError) as raised:
        courier.reveals.claim(revealed.reveal_id, X25519PrivateKey.generate())
    assert (raised.value.code, raised.value.status) == ("reveal_spent", 409)

    carrier.waybills.event(waybill.waybill_no, "delivered")
    assert [one.state for one in merchant.waybills.list(order=order)] == ["delivered"]


def test_a_station_finds_what_waits_at_its_counter(town: Town, client_of: ClientOf) -> None:
    someone, tokens = recipient(town, client_of)
    waybill = client_of(town.merchant).waybills.create(Order("douyin", town.carrier_slug, tokens))
    carrier = client_of(town.carrier).waybills
    carrier.event(waybill.waybill_no, "accepted")
    carrier.event(waybill.waybill_no, "at_station", station=town.station_slug)
    found = client_of(town.station).waybills.waiting_at(town.station_slug, someone.phone[-4:])
    assert waybill.waybill_no in {one.waybill_no for one in found}


def test_a_carrier_replaces_its_routing_codes(world: World, client_of: ClientOf) -> None:
    town = new_town(world)
    table = "province,city,district,township,code\n浙江,,,,57\n"
    assert client_of(town.carrier).routes.replace(town.carrier_slug, table.encode()) == (1, 1)
    _, to = recipient(town, client_of)
    made = client_of(town.merchant).waybills.create(Order("douyin", town.carrier_slug, to))
    assert made.routing_code == "57"
    with pytest.raises(ApiError) as raised:
        client_of(town.carrier).routes.replace(town.carrier_slug, b"nothing")
    assert raised.value.code == "validation_failed"


def test_waybills_are_made_many_at_once_listed_corrected_and_cancelled(
    town: Town, client_of: ClientOf
) -> None:
    waybills = client_of(town.merchant).waybills
    _, first = recipient(town, client_of)
    _, second = recipient(town, client_of)
    orders = [Order("douyin", town.carrier_slug, first), Order("no-such-network", town.carrier_slug, first)]
    before = datetime.now(UTC)
    made, refused = waybills.create_many(orders)
    assert isinstance(made, Waybill)
    assert isinstance(refused, ItemError)
    assert refused.code == "network_unknown"
    assert waybills.label(made.waybill_no, "png", size="100x180", dpi=300).startswith(b"\x89PNG")
    assert waybills.labels([made.waybill_no]).startswith(b"%PDF-")
    with pytest.raises(ApiError) as raised:
        waybills.labels([made.waybill_no, "NOBODYHASTHIS"])
    assert raised.value.code == "validation_failed"
    corrected = waybills.correct(made.waybill_no, second)
    assert corrected.recipient != made.recipient
    assert waybills.cancel(made.waybill_no).state == "cancelled"
    listed = waybills.list(state="cancelled", since=before - timedelta(minutes=1))
    assert made.waybill_no in {one.waybill_no for one in listed}


def test_reveals_step_by_step_many_and_revoked(town: Town, client_of: ClientOf) -> None:
    reveals = client_of(town.courier).reveals
    out = [town.out_for_delivery() for _ in range(3)]
    key = X25519PrivateKey.generate()
    issued = reveals.issue(out[0], key=key)
    assert issued.state == "issued"
    revealed = reveals.claim(issued.reveal_id, key)
    assert not revealed.acknowledged
    assert reveals.acknowledge(revealed).state == "delivered"

    unsealed = reveals.open(out[1], fields=["name"], sealed=False)
    assert list(unsealed.fields) == ["name"]

    first, unknown = reveals.open_many([out[2], "DYT0000000000000"])
    assert isinstance(first, Revealed)
    assert first.acknowledged
    assert isinstance(unknown, ItemError)
    assert (unknown.code, unknown.waybill_no) == ("not_found", "DYT0000000000000")

    another = reveals.issue(town.out_for_delivery())
    assert client_of(town.carrier).reveals.revoke(another.reveal_id).state == "revoked"


def test_a_carrier_keeps_its_couriers(town: Town, client_of: ClientOf) -> None:
    couriers = client_of(town.carrier).couriers
    handle, phone = unique("k"), canaries.phone()
    courier = couriers.register(handle, station=town.station_slug, phone=phone)
    assert (courier.handle, courier.station) == (handle, town.station_slug)
    assert courier.phone is not None
    assert courier.phone.endswith(phone[-4:])
    assert phone not in courier.phone
    listed = {one.handle: one for one in couriers.find(suspended=False)}
    assert (listed[handle].station, listed[handle].suspended_at) == (town.station_slug, None)
    assert list(couriers.find(suspended=True)) == []
    couriers.remove(handle)
    with pytest.raises(ApiError, match="not_found"):
        couriers.remove(handle)


def test_a_waybill_has_its_relay_number_or_says_why_not(town: Town, client_of: ClientOf) -> None:
    _, tokens = recipient(town, client_of)
    order = Order("douyin", town.carrier_slug, tokens, relay=True)
    made = client_of(town.merchant).waybills.create(order)
    told = town.merchant.get(f"/v1/waybills/{made.waybill_no}").get_json().get("relay", {})
    # Whether the pool has a number left is for other tests to say.
    if isinstance(made.relay, RelayNumber):
        assert (made.relay.number, made.relay.extension) == (told["number"], told.get("extension"))
    else:
        assert isinstance(made.relay, ItemError)
        assert made.relay.code == "relay_pool_exhausted"
        assert "number" not in told
