"""The same key and body get the same answer, whatever happened in between."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import canaries
from tests.functional.tokens.keyed import audit_locked, body_of, count_of, keyed, wait_until_hanging
from tests.world import Actor, Town, TurnedClock, World, new_town, unique
from vault_gateway.database import Database
from vault_gateway.idempotency import forget_old
from vault_gateway.keys import Operator, Vault
from vault_gateway.model import Kind


def test_a_repeated_request_gets_the_same_bytes(town: Town, auditor: Actor) -> None:
    body, order = body_of(name := unique("O")), name
    first, *more = [keyed(town.merchant, name, body) for _ in range(3)]
    assert first.status_code == 207
    assert {(answer.status_code, answer.data) for answer in more} == {(207, first.data)}
    assert count_of(town.world, order) == 3
    events = auditor.get(f"/v1/audit/events?action=token.create&order={order}").get_json()["items"]
    assert len(events) == 1


def test_an_answer_of_errors_alone_is_repeated_too(town: Town) -> None:
    body = {"items": [{"kind": "phone", "value": "1"}, None, {"kind": "name", "value": ""}]}
    first, again = (keyed(town.merchant, key, body) for key in [unique("k")] * 2)
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert first.status_code == 422


def test_the_key_with_another_body_is_refused(town: Town) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    first = keyed(town.merchant, key, body)
    for other in (
        {**body, "order": order + "x"},
        {**body, "items": body["items"][:-1]},
        {**body, "items": [*body["items"][1:], body["items"][0]]},
    ):
        answer = keyed(town.merchant, key, other)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
        assert not list(canaries.leaks(answer.data))
    assert keyed(town.merchant, key, body).data == first.data
    assert count_of(town.world, order) == 3


def test_the_key_at_another_address_is_refused(town: Town) -> None:
    tokens, key = town.tokenize(canaries.person()), unique("k")
    keyed(town.merchant, key, body_of(unique("O")))
    body = {"network": "douyin", "carrier": town.carrier_slug, "recipient": tokens.as_recipient()}
    answer = town.merchant.post("/v1/waybills", body, headers={"Idempotency-Key": key})
    assert answer.get_json()["code"] == "idempotency_key_reused"


def test_a_key_belongs_to_its_principal(town: Town) -> None:
    key, body = unique("k"), body_of(order := unique("O"))
    colleague = town.world.actor("merchant", platform=town.platform_slug, merchant=town.merchant_slug)
    first, second = keyed(town.merchant, key, body), keyed(colleague, key, body)
    assert first.status_code == second.status_code == 207
    assert first.data != second.data
    assert count_of(town.world, order) == 6


def test_a_request_in_flight_is_answered_409(town: Town) -> None:
    key, body = unique("k"), body_of(order := unique("O"))
    with ThreadPoolExecutor(1) as threads:
        with audit_locked(town.world):
            slow = threads.submit(keyed, town.merchant, key, body)
            wait_until_hanging(town.world)
            meanwhile = keyed(town.merchant, key, body)
            assert meanwhile.status_code == 409, meanwhile.text
            assert meanwhile.get_json()["code"] == "request_in_flight"
            assert int(meanwhile.headers["Retry-After"]) >= 1
            assert not slow.done()
        first = slow.result()
    assert first.status_code == 207, first.text
    assert keyed(town.merchant, key, body).data == first.data
    assert count_of(town.world, order) == 3


def test_many_at_once_make_one_set_of_tokens(town: Town) -> None:
    key, body = unique("k"), body_of(order := unique("O"))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: keyed(town.merchant, key, body), range(24)))
    assert {answer.status_code for answer in answers} <= {207, 409}
    assert len({answer.data for answer in answers if answer.status_code == 207}) == 1
    assert count_of(town.world, order) == 3


def test_a_key_is_a_new_one_after_a_day(town: Town, clock: TurnedClock) -> None:
    key, body = unique("k"), body_of(order := unique("O"))
    first = keyed(town.merchant, key, body)
    clock.advance(hours=23, minutes=59)
    assert keyed(town.merchant, key, body).data == first.data
    clock.advance(minutes=2)
    second = keyed(town.merchant, key, body)
    assert second.status_code == 207
    assert second.data != first.data
    assert keyed(town.merchant, key, body).data == second.data
    assert keyed(town.merchant, key, body_of(order)).get_json()["code"] == "idempotency_key_reused"
    assert count_of(town.world, order) == 6


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "schlüssel", "a\tb", "\x7f"])
def test_a_key_is_visible_ascii(town: Town, key: str) -> None:
    answer = keyed(town.merchant, key, body_of(unique("O")))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["x", "x" * 128, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~"])
def test_any_visible_ascii_is_a_key(town: Town, key: str) -> None:
    assert keyed(town.merchant, key, body_of(unique("O"))).status_code == 207


def test_nothing_of_a_value_is_stored(town: Town) -> None:
    key = unique("k")
    keyed(town.merchant, key, body_of(unique("O")))
    row = town.world.row("select answer, fingerprint from idempotency where key = %s", (key,))
    assert len(row["fingerprint"]) == 32
    assert row["answer"][-1] == "!phone_invalid"
    assert all(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", entry) for entry in row["answer"][:-1]
    )


def test_the_answer_outlives_a_rotation_and_an_erasure(town: Town) -> None:
    key, body = unique("k"), body_of(unique("O"))
    first = keyed(town.merchant, key, body)
    settings = town.world.settings
    with Vault(settings.vault_addr, operations=1) as vault:
        operator = Operator(vault, settings.identities["operator"])
        for kind in Kind:
            assert operator.rotate(town.platform_slug, kind) == 2
    assert keyed(town.merchant, key, body).data == first.data
    token = first.get_json()["items"][1]["token"]
    assert town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
    assert keyed(town.merchant, key, body).data == first.data
    assert town.merchant.get(f"/v1/tokens/{token}").status_code == 404


def test_an_answer_that_today_would_be_another_is_still_the_first(town: Town) -> None:
    """As after an upgrade that reads values more strictly, or less."""
    key, body = unique("k"), body_of(unique("O"))
    first = keyed(town.merchant, key, body).get_json()["items"]
    taken = first[1]["token"]
    with town.world.admin() as conn:
        conn.execute(
            "update idempotency set answer = jsonb_build_array('!name_invalid', answer -> 1, answer -> 2, answer -> 1)"
            " where key = %s",
            (key,),
        )
    again = keyed(town.merchant, key, body).get_json()["items"]
    assert again[0]["error"]["code"] == "name_invalid"
    assert again[1:3] == first[1:3]
    # A value that is refused today has the mask of the token that it was given.
    assert again[3] == {"ref": "bad", "token": taken, "kind": "phone", "masked": first[1]["masked"]}


def test_old_records_are_removed_and_no_other(world: World, clock: TurnedClock) -> None:
    town = new_town(world)
    old, young = unique("old"), unique("young")
    keyed(town.merchant, old, body_of(unique("O")))
    clock.advance(hours=20)
    keyed(town.merchant, young, body_of(unique("O")))
    clock.advance(hours=5)
    database = Database(world.settings.database_url, max_connections=1)
    database.open()
    with database.connection() as conn:
        assert forget_old(conn, clock) >= 1
        assert forget_old(conn, clock) == 0
    database.close()
    with world.admin() as conn:
        left = conn.execute("select key from idempotency where key = any(%s)", ([old, young],)).fetchall()
    assert [row["key"] for row in left] == [young]
