"""The walls behind the service's own: row level security, and ciphertexts that open nowhere but at their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests import canaries
from tests.functional.tokens.steps import search, tokenize
from tests.functional.tokens.tampering import assert_does_not_open, id_of, overwrite, tenant_id
from tests.world import Actor, Town, World
from vault_gateway.database import Connection, enter_tenant


@pytest.fixture
def as_gateway(world: World) -> Iterator[Connection]:
    """The database as the gateway's own role sees it."""
    with (
        psycopg.connect(world.settings.database_url, autocommit=True, row_factory=dict_row) as conn,
        conn.transaction(force_rollback=True),
    ):
        yield conn


@pytest.fixture
def may_all(world: World) -> Iterator[Connection]:
    """As a role of the gateway's that may do all with these tables: nothing but the wall is in its way."""
    with world.admin() as conn, conn.transaction(force_rollback=True):
        conn.execute("grant select, insert, update on token, search_miss to vault_gateway_app")
        conn.execute("set local role vault_gateway_app")
        yield conn


def count(conn: Connection, statement: str) -> int:
    return conn.execute(statement).rowcount


def test_without_a_tenant_nothing_is_there(may_all: Connection, town: Town) -> None:
    town.tokenize(canaries.person())
    town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": canaries.phone()})
    assert count(may_all, "select * from token") == 0
    assert count(may_all, "select * from search_miss") == 0
    assert count(may_all, "update token set masked = 'x'") == 0


def test_with_another_tenant_wrong_sql_reads_and_writes_nothing(
    as_gateway: Connection, town: Town, elsewhere: Town
) -> None:
    mine, theirs = town.tokenize(canaries.person()), elsewhere.tokenize(canaries.person())
    for place in (town, elsewhere):
        place.merchant.post("/v1/tokens/search", {"kind": "phone", "value": canaries.phone()})
    enter_tenant(as_gateway, tenant_id(town))
    for table in ("token", "search_miss"):
        rows = as_gateway.execute(f"select tenant_id from {table}").fetchall()
        assert {row["tenant_id"] for row in rows} == {tenant_id(town)}, table
    ids = {row["id"] for row in as_gateway.execute("select id from token or_any where true or id is null")}
    assert id_of(mine.phone) in ids
    assert id_of(theirs.phone) not in ids
    moved = as_gateway.execute(
        "update token set masked = 'x' where id = %s or tenant_id <> %s",
        (id_of(theirs.phone), tenant_id(town)),
    )
    assert moved.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update token set tenant_id = %(other)s where id = %(id)s",
        """insert into token (tenant_id, id, kind, origin, event_id, created_at, erased_at)
        values (%(other)s, %(id)s, 'phone', 'platform', %(id)s, now(), now())""",
        "insert into search_miss values (%(other)s, current_date, -1000)",
        """insert into token select %(other)s, id, kind, origin, order_ref, key_version, ciphertext, blind_index,
        masked, last4, region, event_id, created_at, erased_at from token where id = %(id)s""",
    ],
)
def test_nothing_is_written_into_another_tenant(
    may_all: Connection, town: Town, elsewhere: Town, statement: str
) -> None:
    token = town.tokenize(canaries.person()).phone
    enter_tenant(may_all, tenant_id(town))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        may_all.execute(statement, {"other": tenant_id(elsewhere), "id": id_of(token)})


@pytest.mark.parametrize(
    "statement",
    [
        "delete from token",
        "truncate token",
        "delete from search_miss",
        "alter table token disable row level security",
        "alter table token no force row level security",
        "drop policy tenant_wall on token",
        "create policy open on token using (true)",
        "set role vault_gateway_lookup",
        "set role postgres",
        "drop table token",
        "alter table token detach partition token_2026w01",
        "create or replace function uuid_v7_floor(at timestamptz) returns uuid language sql as 'select null::uuid'",
        "create table mine (x int)",
    ],
)
def test_the_gateways_role_cannot_take_the_walls_down(as_gateway: Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        as_gateway.execute(statement)
    assert refused.value.sqlstate in ("42501", "42P01")


def test_no_partition_can_be_read_past_the_wall(as_gateway: Connection, world: World) -> None:
    with world.admin() as conn:
        names = [
            row["name"]
            for row in conn.execute(
                "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'token'::regclass"
            )
        ]
    assert len(names) >= 9
    for name in names:
        row = as_gateway.execute(
            "select has_table_privilege(%s, 'select, insert, update, delete, truncate') as open", (name,)
        ).fetchone()
        assert row == {"open": False}


def test_row_security_cannot_be_switched_off(as_gateway: Connection) -> None:
    as_gateway.execute("set local row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_gateway.execute("select * from token")


def test_the_same_value_has_another_index_in_another_tenant_and_origin(town: Town, elsewhere: Town) -> None:
    """A stolen database shows equality inside one merchant and origin, nothing more (guarantee 5)."""
    someone = canaries.person()
    made = [town.tokenize(someone), town.tokenize(someone, by=town.platform), elsewhere.tokenize(someone)]
    again = town.tokenize(someone)
    with town.world.admin() as conn:
        rows = {
            row["id"]: (row["blind_index"], row["ciphertext"])
            for row in conn.execute("select id, blind_index, ciphertext from token")
        }
    for kind in ("name", "phone", "address"):
        stored = [rows[id_of(getattr(tokens, kind))] for tokens in made]
        assert len({index for index, _ in stored}) == 3
        assert rows[id_of(getattr(again, kind))][0] == stored[0][0]
        assert rows[id_of(getattr(again, kind))][1] != stored[0][1]


def test_a_ciphertext_does_not_tell_how_long_a_name_or_a_door_is(town: Town) -> None:
    names = ["王五", "欧阳娜娜", canaries.name(), "Mary Ann O'Neill"]
    addresses = [{**canaries.person().address, "detail": detail} for detail in ("1号", canaries.detail() * 2)]
    items: list[dict[str, Any]] = [{"kind": "name", "value": name} for name in names]
    items += [{"kind": "address", "value": address} for address in addresses]
    made = tokenize(town.merchant, *items)
    with town.world.admin() as conn:
        rows = conn.execute(
            "select kind, length(ciphertext) as size from token where id = any(%s)",
            ([id_of(one["token"]) for one in made],),
        ).fetchall()
    assert len(rows) == len(items)
    assert len({row["size"] for row in rows if row["kind"] == "name"}) == 1
    assert len({row["size"] for row in rows if row["kind"] == "address"}) == 1


def test_a_ciphertext_in_another_row_of_the_merchant_does_not_open(town: Town, auditor: Actor) -> None:
    one, other = canaries.person(), canaries.person()
    tokens = town.tokenize(one)
    overwrite(town.world, tokens.address, town.tokenize(other).address)
    assert_does_not_open(town, tokens, auditor, one.detail, other.detail, one.name)


def test_a_ciphertext_of_another_merchant_does_not_open(town: Town, elsewhere: Town, auditor: Actor) -> None:
    one, other = canaries.person(), canaries.person()
    tokens = town.tokenize(one)
    overwrite(town.world, tokens.name, elsewhere.tokenize(other).name)
    assert_does_not_open(town, tokens, auditor, one.name, other.name, one.detail)


def test_a_ciphertext_of_another_kind_does_not_open(town: Town, auditor: Actor) -> None:
    """A phone filed as a name would come out at a `deliver`, which shows no phone."""
    someone = canaries.person()
    tokens = town.tokenize(someone)
    overwrite(town.world, tokens.name, tokens.phone)
    assert_does_not_open(town, tokens, auditor, someone.phone, someone.name, someone.detail)


def test_a_moved_row_is_still_searched_by_its_own_index_only(town: Town) -> None:
    one, other = canaries.person(), canaries.person()
    tokens = town.tokenize(one)
    overwrite(town.world, tokens.phone, town.tokenize(other).phone)
    assert [found["token"] for found in search(town.merchant, kind="phone", value=one.phone)] == [
        tokens.phone
    ]
