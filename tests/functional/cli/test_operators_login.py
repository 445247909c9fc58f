"""Every command of an operator, with a login that has the operator's role alone: none needs the schema's owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from tests import canaries
from tests.functional.breakglass import steps as break_glass
from tests.functional.identity.provider import Provider
from tests.functional.reveals.steps import issued
from tests.functional.waybills.segments import a_range
from tests.pool import add_numbers, fresh_number, no_numbers, retire_numbers
from tests.responders import Desk as Responders
from tests.world import Town, World, new_town, unique
from vault_gateway.cli.root import root
from vault_gateway.ids import base32, new_id
from vault_gateway.model import Tenant
from vault_gateway.schema import OPERATOR, ROLES, MigrationError, migrate
from vault_gateway.settings.environment import to_environment
from vault_gateway.settings.model import SettingsError

LOGIN = ("operates", "not-a-secret-here")


@pytest.fixture(scope="module")
def login(world: World) -> str:
    migrate(world.instance.endpoints.admin_dsn, world.clock(), operator_login=LOGIN)
    return make_conninfo(world.settings.database_url, user=LOGIN[0], password=LOGIN[1])


class Desk:
    """Runs commands as an operator does whose environment names the operator's login. `ran`: those that went well."""

    def __init__(self, world: World, login: str) -> None:
        node = "host=nowhere.invalid user=of-the-node"
        settings = replace(
            world.settings, database_url=node, admin_database_url=None, operator_database_url=login
        )
        self._runner = CliRunner(env=to_environment(settings))
        self.ran: set[str] = set()

    def runs(self, command: str, *words: str) -> Result:
        result = self._runner.invoke(root, [*command.split(), *words], catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)
        self.ran.add(command)
        return result


@pytest.fixture(scope="module")
def desk(world: World, login: str) -> Desk:
    return Desk(world, login)


@pytest.fixture(scope="module")
def town(world: World) -> Iterator[Town]:
    town = new_town(world)
    yield town
    retire_numbers(world, f"{town.merchant_slug}-telecom")


def test_every_command_is_done(world: World, desk: Desk, town: Town, tmp_path: Path) -> None:
    callers(desk, town)
    issuers(desk, tmp_path)
    couriers(world, desk, town)
    numbers(world, desk, town)
    messages(world, desk, town)
    explanations(world, desk, town)
    records(world, desk, town)
    assert desk.ran == set(_commands(root))


def _commands(group: click.Group, above: str = "") -> Iterator[str]:
    """Those that work on an installation."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from _commands(command, f"{above}{name} ")
            elif command is not None and {"data"} <= {one.name for one in command.params} and name != "up":
                yield f"{above}{name}"


def callers(desk: Desk, town: Town) -> None:
    shop = unique("shop")
    whose = ("--platform", town.platform_slug, "--merchant", unique("m"))
    desk.runs("client add", shop, "--role", "merchant", *whose)
    desk.runs(
        "client add", unique("station"), "--role", "station", "--carrier", unique("c"), "--station", "s"
    )
    desk.runs("client add", unique("rider"), "--role", "courier", "--carrier", town.carrier_slug)
    desk.runs("client revoke", shop)
    assert shop in desk.runs("client list").output


def issuers(desk: Desk, tmp_path: Path) -> None:
    provider, jwks = Provider(f"https://{unique('id')}.example"), tmp_path / "jwks.json"
    jwks.write_bytes(provider.jwks())
    roles = ("--role", "station", "--role", "courier")
    desk.runs("issuer add", provider.iss, "--jwks", str(jwks), *roles, "--carrier", unique("c"))
    desk.runs("issuer revoke-token", "j1", "--issuer", provider.iss)
    desk.runs("issuer revoke", provider.iss)
    assert provider.iss in desk.runs("issuer list").output


def couriers(world: World, desk: Desk, town: Town) -> None:
    with world.admin() as conn:
        conn.execute(
            "update courier set suspended_at = now(), suspended_for = 'many_denials' where handle = %s",
            (town.courier.name,),
        )
    assert town.courier.name in desk.runs("courier list", "--suspended").output
    desk.runs("courier resume", town.courier.name, "--carrier", town.carrier_slug)


def numbers(world: World, desk: Desk, town: Town) -> None:
    """Of waybills, of the relay, and a merchant's own: the second takes the place of one with a live pair."""
    span = a_range(10)
    whose = ("--platform", town.platform_slug, "--merchant", town.merchant_slug)
    desk.runs("segment grant", span[0], span[-1], *whose, "--carrier", town.carrier_slug)
    assert span[0] in desk.runs("segment list", *whose).output
    telecom, lent = f"{town.merchant_slug}-telecom", fresh_number()
    for name in (telecom, f"{telecom}-2"):
        desk.runs("client add", name, "--role", "telecom")
    desk.runs("relay pool add", lent, "--telecom", telecom, "--region", "舟山市")
    assert "舟山市" in desk.runs("relay pool list").output
    desk.runs("relay pool move", lent, "--telecom", f"{telecom}-2")
    desk.runs("relay pool retire", lent)
    desk.runs("relay service-number set", f"+86{canaries.phone()}", *whose)
    with no_numbers(world, "axb"):
        add_numbers(world, telecom, 1, "axb", region=None)
        pair = {"waybill_no": town.waybill(), "mode": "axb"}
        bound = town.merchant.post("/v1/relay/bindings", pair)
    assert bound.status_code == 201, bound.text
    desk.runs("relay service-number set", f"+86{canaries.phone()}", *whose)
    with world.admin() as conn:
        row = conn.execute(
            "select released from relay_binding where number = %s", (bound.get_json()["number"],)
        ).fetchone()
    assert row == {"released": True}


def messages(world: World, desk: Desk, town: Town) -> None:
    waybill_no, notice = town.waybill(), new_id(world.clock())
    with world.admin() as conn:
        conn.execute(
            """
            insert into notice (id, tenant_id, waybill_id, waybill_no, carrier, template, language, params, principal,
                                role, state, due_at, created_at, updated_at)
            select %s, tenant_id, id, waybill_no, carrier, 'courier_on_the_way', 'en', '{"minutes": 9}', %s, 'carrier',
                   'dead', now(), now(), now()
            from waybill where waybill_no = %s
            """,
            (notice, f"key:{town.carrier.name}", waybill_no),
        )
    assert waybill_no in desk.runs("notices dead").output
    desk.runs("notices dead", "--retry", f"nt_{base32(notice)}")
    with world.admin() as conn:
        ended = conn.execute("delete from notice where id = %s returning state", (notice,)).fetchone()
    assert ended == {"state": "queued"}


def explanations(world: World, desk: Desk, town: Town) -> None:
    tokens = town.tokenize(canaries.person())
    waybill_no = town.out_for_delivery(tokens)
    responder = Responders(world).responder()
    request = break_glass.asked(responder, waybill_no)
    for who, action, on in (
        (town.merchant, "token.erase", tokens.phone),
        (town.courier, "waybill.read", waybill_no),
        (town.courier, "reveal.read", issued(town.courier, waybill_no)),
        (town.merchant, "breakglass.read", request),
    ):
        told = desk.runs("access explain", "--as", who.name, "--action", action, "--on", on, "--json")
        assert json.loads(told.output)["allowed"] == (on != request), told.output


def records(world: World, desk: Desk, town: Town) -> None:
    """Something of each kind is past its time and leaves."""
    tenant, over = Tenant(town.platform_slug, town.merchant_slug).id, uuid4()
    with world.admin() as conn:
        for statement in (
            """
            insert into relay_call (telecom, call_id, medium, tenant_id, binding_id, waybill_id, number, caller,
                                    phone_tenant, phone_token, routed_at)
            values (%(id)s, 'x', 'voice', %(tenant)s, %(id)s, %(id)s, '+8617000000000', '', %(id)s, %(id)s,
                    '2020-01-01')
            """,
            """
            insert into relay_binding (tenant_id, id, waybill_id, waybill_no, mode, number, created_at, expires_at,
                                       cool_until)
            values (%(tenant)s, %(id)s, %(id)s, 'x', 'extension', '+8617000000000', '2020-01-01', '2020-01-01',
                    '2020-01-01')
            """,
            "insert into relay_exhausted values (%(tenant)s, %(id)s, '2020-01-01')",
            "insert into flow_parcel values (%(tenant)s, %(id)s, '2020-01-01', 'x', 'y')",
        ):
            conn.execute(statement, {"id": over, "tenant": tenant})
    desk.runs("retention run")
    with world.admin() as conn:
        for table, column in (
            ("relay_call", "binding_id"),
            ("relay_binding", "id"),
            ("relay_exhausted", "waybill_id"),
            ("flow_parcel", "waybill_id"),
        ):
            assert conn.execute(f"select from {table} where {column} = %s", (over,)).rowcount == 0, table


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_event set body = '{}'",
        "delete from audit_event",
        "truncate audit_event",
        "select body from audit_event",
        "select ciphertext from token",
        "select blind_index from token",
        "select key_digest from client",
        "select caller from relay_call",
        "update client set key_digest = ''",
        "update waybill set state = 'delivered'",
        "insert into reveal_grant select * from reveal_grant",
        "update reveal_grant set state = 'issued'",
        "alter table token no force row level security",
        "create table mine (id integer)",
        "create role mine",
        "set role vault_gateway_app",
        "set role vault_gateway_lookup",
    ],
)
def test_it_changes_no_event_and_makes_nothing(login: str, statement: str) -> None:
    denied = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(login, autocommit=True) as conn, denied:
        conn.execute(statement.encode())


def test_it_is_on_no_node(world: World) -> None:
    """Not even beside the roles of the node's duties."""
    with world.admin() as conn:
        conn.execute(
            f"create role too_much login password 'of-tests' in role {', '.join((*ROLES, OPERATOR))}"
        )
        try:
            url = make_conninfo(world.settings.database_url, user="too_much", password="of-tests")
            with pytest.raises(MigrationError, match=f"{OPERATOR}, which is for commands"):
                world.gateway(database_url=url)
        finally:
            conn.execute("drop role too_much")


@pytest.mark.parametrize(
    ("command", "lacks", "named"),
    [
        ("segment list", {"operator_database_url": None}, "VAULT_GATEWAY_OPERATOR_DATABASE_URL"),
        ("segment list", {"identities": {}}, "VAULT_GATEWAY_OPERATOR_ROLE_ID"),
        (
            "relay service-number set +862161234567",
            {"identities": "operator"},
            "VAULT_GATEWAY_TOKENIZER_ROLE_ID",
        ),
    ],
)
def test_a_command_says_what_it_lacks(
    world: World, login: str, town: Town, command: str, lacks: dict[str, Any], named: str
) -> None:
    """With a node's login it would see next to nothing, and say that there is nothing."""
    settings = replace(world.settings, admin_database_url=None, operator_database_url=login)
    if lacks.get("identities") == "operator":
        lacks = {"identities": {"operator": world.settings.identities["operator"]}}
    words = [*command.split(), "--platform", town.platform_slug, "--merchant", town.merchant_slug]
    runner = CliRunner(env=to_environment(replace(settings, **lacks)))
    with pytest.raises(SettingsError, match=named):
        runner.invoke(root, words, catch_exceptions=False)
