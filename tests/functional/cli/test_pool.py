"""The pool of relay numbers: lent, handed to another telecom, taken back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests import canaries
from tests.functional.cli.operating import operate, told
from tests.pool import fresh_number, no_numbers, retire_numbers
from tests.world import Actor, Town, World, unique
from vault_gateway.identity import store as identity_store
from vault_gateway.relay.regions import region_named


@pytest.fixture
def telecom(world: World) -> Iterator[Actor]:
    actor = world.actor("telecom")
    yield actor
    retire_numbers(world, actor.name)


def in_pool(world: World, number: str) -> dict[str, object] | None:
    with world.admin() as conn:
        return conn.execute(
            "select telecom, region, retired_at is not null as retired from relay_number where number = %s",
            (number,),
        ).fetchone()


def test_numbers_are_lent_by_a_telecom_that_there_is(world: World, town: Town) -> None:
    gone = world.actor("telecom").name
    with world.admin() as conn:
        identity_store.revoke_client(conn, gone, world.clock())
    for name in (unique("typo"), gone, town.merchant.name):
        number = fresh_number()
        added = operate(world, "relay", "pool", "add", number, "--telecom", name)
        assert added.exit_code == 1
        assert str(added.exception) == f"there is no client {name} with the role telecom and a key in force"
        assert in_pool(world, number) is None


def test_a_region_is_named_as_addresses_name_it(world: World, telecom: Actor) -> None:
    number = fresh_number()
    words = ("relay", "pool", "add", number, "--telecom", telecom.name, "--region")
    wrong = operate(world, *words, "杭洲")
    assert wrong.exit_code == 2
    assert "no province or city" in wrong.output
    assert in_pool(world, number) is None
    assert operate(world, *words, "杭州").exit_code == 0
    assert in_pool(world, number) == {"telecom": f"key:{telecom.name}", "region": "杭州市", "retired": False}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("浙江", "浙江省"),
        ("浙江省", "浙江省"),
        ("吉林", "吉林省"),
        ("吉林市", "吉林市"),
        ("北京", "北京市"),
        ("California", "California"),
        ("西湖区", None),
        ("", None),
    ],
)
def test_names_of_regions(said: str, meant: str | None) -> None:
    assert region_named(said) == meant


def test_a_number_of_another_country_serves_a_region_of_its_own(world: World, telecom: Actor) -> None:
    added = operate(
        world,
        "relay",
        "pool",
        "add",
        "+81312345678",
        "--telecom",
        telecom.name,
        "--region",
        "東京都",
        "--json",
    )
    assert added.exit_code == 0
    listed = operate(world, "relay", "pool", "list").stdout
    assert "東京都" in listed
    refused = operate(
        world, "relay", "pool", "add", fresh_number(), "--telecom", telecom.name, "--region", "東京都"
    )
    assert refused.exit_code == 2
    retire_numbers(world, telecom.name)


def test_a_retired_number_goes_to_no_further_parcel_and_serves_those_that_have_it(
    world: World, town: Town, telecom: Actor, auditor: Actor
) -> None:
    number, someone = fresh_number(), canaries.person()
    with no_numbers(world, "extension"):
        assert operate(world, "relay", "pool", "add", number, "--telecom", telecom.name).exit_code == 0
        first = town.waybill(town.tokenize(someone), relay=True)
        relay = town.merchant.get(f"/v1/waybills/{first}").get_json()["relay"]
        assert relay["number"] == number
        done = operate(world, "relay", "pool", "retire", number, number)
        assert (done.exit_code, done.stdout) == (0, "retired 1, 0 were so already\n")
        second = town.merchant.post("/v1/relay/bindings", {"waybill_no": town.waybill()})
        assert second.status_code == 503
        again = operate(world, "relay", "pool", "retire", number)
        assert again.stdout == "retired 0, 1 were so already\n"
    assert call(telecom, number, relay["extension"])["destination"] == someone.e164
    assert told(auditor, f"number:{number}") == [("relay.pool.retire", "allow", {})] * 2


def call(telecom: Actor, number: str, extension: str) -> dict[str, object]:
    body = {"medium": "voice", "caller": canaries.phone(), "called": number, "extension": extension}
    answer = telecom.post("/v1/relay/route", {**body, "call_id": f"call-{secrets.token_hex(8)}"})
    return dict(answer.get_json())


def test_a_moved_number_is_the_other_telecoms_with_its_parcels(
    world: World, town: Town, telecom: Actor, auditor: Actor
) -> None:
    number, someone, other = fresh_number(), canaries.person(), world.actor("telecom")
    with no_numbers(world, "extension"):
        assert operate(world, "relay", "pool", "add", number, "--telecom", telecom.name).exit_code == 0
        waybill_no = town.waybill(town.tokenize(someone), relay=True)
    extension = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["relay"]["extension"]
    refused = operate(world, "relay", "pool", "move", number, "--telecom", unique("typo"))
    assert refused.exit_code == 1
    done = operate(world, "relay", "pool", "move", number, "--telecom", other.name)
    assert (done.exit_code, done.stdout) == (0, "moved 1, 0 were there already\n")
    assert call(telecom, number, extension)["code"] == "not_found"
    assert call(other, number, extension)["destination"] == someone.e164
    assert told(auditor, f"number:{number}") == [("relay.pool.move", "allow", {"telecom": other.name})]
    retire_numbers(world, other.name)


@pytest.mark.parametrize("what", [("retire",), ("move", "--telecom", "TELECOM")])
def test_a_number_that_is_not_in_the_pool_changes_nothing(
    world: World, telecom: Actor, what: tuple[str, ...]
) -> None:
    known, unknown = fresh_number(), fresh_number()
    assert operate(world, "relay", "pool", "add", known, "--telecom", telecom.name).exit_code == 0
    before = in_pool(world, known)
    words = [telecom.name if word == "TELECOM" else word for word in what]
    failed = operate(world, "relay", "pool", *words, known, unknown)
    assert failed.exit_code == 1
    assert str(failed.exception) == f"not in the pool: {unknown}"
    assert in_pool(world, known) == before
