"""Answers that are lost on the way, engines that are away, limits that are met: nothing happens twice."""

from __future__ import annotations

import threading
import time

import pytest

from tests import canaries
from tests.functional.client.conftest import ClientOf
from tests.functional.client.cutting_proxy import CuttingProxy
from tests.functional.keys.faulty_proxy import faulty_proxy
from tests.world import Town, World, unique
from vault_gateway.client import Client, Order, Recipient, Unreachable, Value


def tokens_of(town: Town) -> Recipient:
    tokens = town.tokenize(canaries.person())
    return Recipient(tokens.name, tokens.phone, tokens.address)


def test_a_lost_answer_makes_no_second_token(town: Town, client_of: ClientOf, line: CuttingProxy) -> None:
    tokens, order = client_of(town.merchant).tokens, unique("O")
    line.lose = 2
    tokens.create([Value.phone(canaries.phone())], order=order)
    assert len(line.seen) == 3
    assert len({(key, body) for _, _, key, body in line.seen}) == 1
    assert len(tokens.of_order(order)) == 1


def test_half_an_answer_counts_as_lost(town: Town, client_of: ClientOf, line: CuttingProxy) -> None:
    tokens, order = client_of(town.merchant).tokens, unique("O")
    line.halve = 1
    tokens.create([Value.phone(canaries.phone())], order=order)
    assert len(line.seen) == 2
    assert len(tokens.of_order(order)) == 1


def test_a_lost_answer_makes_no_second_waybill(town: Town, client_of: ClientOf, line: CuttingProxy) -> None:
    waybills, order = client_of(town.merchant).waybills, unique("O")
    line.lose = 1
    made = waybills.create(Order("douyin", town.carrier_slug, tokens_of(town), order=order))
    assert [one.waybill_no for one in waybills.list(order=order)] == [made.waybill_no]


def test_a_lost_event_is_not_an_illegal_transition(
    town: Town, client_of: ClientOf, line: CuttingProxy
) -> None:
    waybill_no = town.waybill()
    line.lose = 1
    assert client_of(town.carrier).waybills.event(waybill_no, "accepted").state == "accepted"


def test_a_lost_sealed_reveal_is_fetched_again(town: Town, client_of: ClientOf, line: CuttingProxy) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    reveals = client_of(town.courier).reveals
    line.lose = 2
    revealed = reveals.open(waybill_no)
    assert revealed.fields["name"] == someone.name
    state = reveals.get(revealed.reveal_id)
    assert (state.state, state.released) == ("delivered", 3)


def test_an_unsealed_reveal_is_not_asked_for_twice(
    town: Town, client_of: ClientOf, line: CuttingProxy
) -> None:
    waybill_no = town.out_for_delivery()
    reveals = client_of(town.courier).reveals
    line.lose = 1
    with pytest.raises(Unreachable) as raised:
        reveals.open(waybill_no, sealed=False)
    assert raised.value.maybe_done
    assert len(line.seen) == 1


def test_values_are_kept_when_only_their_acknowledgement_fails(
    town: Town, client_of: ClientOf, line: CuttingProxy
) -> None:
    waybill_no = town.out_for_delivery()
    reveals = client_of(town.courier).reveals
    revealed = reveals.open(waybill_no, acknowledge=False)
    line.lose = 1
    assert reveals.acknowledge(revealed).state == "delivered"


def test_an_export_that_breaks_off_is_no_short_export(
    world: World, town: Town, client_of: ClientOf, line: CuttingProxy
) -> None:
    waybill_no = town.out_for_delivery()
    audit = client_of(world.actor("auditor")).audit
    line.halve = 1
    with pytest.raises(Unreachable, match="broke off"):
        list(audit.export("jsonl", waybill=waybill_no))


def test_an_erasure_whose_answer_was_lost_is_done(
    town: Town, client_of: ClientOf, line: CuttingProxy
) -> None:
    tokens = client_of(town.merchant).tokens
    phone = town.tokenize(canaries.person()).phone
    line.lose = 1
    tokens.erase(phone)
    assert [method for method, *_ in line.seen] == ["DELETE", "DELETE"]


def test_a_cancellation_is_sent_once(town: Town, client_of: ClientOf, line: CuttingProxy) -> None:
    waybills, waybill_no = client_of(town.merchant).waybills, town.waybill()
    line.lose = 1
    with pytest.raises(Unreachable) as raised:
        waybills.cancel(waybill_no)
    assert raised.value.maybe_done
    assert waybills.get(waybill_no).state == "cancelled"


def test_vault_away_for_a_while_is_waited_out(world: World, town: Town) -> None:
    with (
        faulty_proxy(world.settings.vault_addr) as vault,
        world.served(vault_addr=vault.addr) as url,
        Client(url, town.merchant.key, deadline_s=30.0) as client,
    ):
        client.tokens.create([Value.phone(canaries.phone())])
        vault.break_after(0, "503")
        mended = threading.Timer(1.0, lambda: vault.break_after(0, "none"))
        mended.start()
        order = unique("O")
        client.tokens.create([Value.phone(canaries.phone())], order=order)
        mended.join()
        assert len(client.tokens.of_order(order)) == 1


def test_a_spent_rate_is_waited_for(world: World, town: Town) -> None:
    with (
        world.served(client_rate="2/second") as url,
        Client(url, town.merchant.key, deadline_s=30.0) as client,
    ):
        began = time.monotonic()
        for _ in range(7):
            client.tokens.create([Value.phone(canaries.phone())])
        assert time.monotonic() - began > 1.0


def test_a_gateway_that_is_not_there_is_named_so(town: Town) -> None:
    with Client("http://127.0.0.1:9", town.merchant.key, deadline_s=1.0) as client:
        with pytest.raises(Unreachable, match="cannot be reached") as raised:
            client.tokens.create([Value.phone(canaries.phone())])
        assert not raised.value.maybe_done
        assert not list(canaries.leaks(str(raised.value).encode()))
