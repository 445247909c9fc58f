"""What the gateway's roles may do in the database, read from PostgreSQL's own catalogue: a migration that opens more
than is named in `privileges.py` fails."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest

from tests.functional.privileges import DIRECTORIES, MAY_CALL, MAY_CHANGE, MAY_READ, MAY_WRITE, NODE
from tests.world import World
from vault_gateway.schema import OPERATOR, ROLES


def rows(world: World, statement: LiteralString, params: Any = ()) -> list[dict[str, Any]]:
    with world.admin() as conn:
        return conn.execute(statement, params).fetchall()


def names(world: World, statement: LiteralString, params: Any = ()) -> set[str]:
    return {row["name"] for row in rows(world, statement, params)}


def test_every_table_of_a_tenant_has_its_wall(world: World) -> None:
    open_ones = names(
        world,
        """
        select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and a.attname = 'tenant_id' and not (c.relrowsecurity and c.relforcerowsecurity)
        """,
    )
    assert open_ones == DIRECTORIES


def test_a_partition_is_reached_through_its_whole_alone(world: World) -> None:
    partitions = rows(
        world,
        """
        select c.relname as name,
               exists (select from unnest(%s::text[]) as role
                       where has_table_privilege(role::name, c.oid, 'select, insert, update, delete, truncate')) as open
        from pg_class c where c.relispartition and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        """,
        [[*ROLES, OPERATOR]],
    )
    assert len(partitions) > 16
    assert not [one["name"] for one in partitions if one["open"]]


@pytest.mark.parametrize("role", MAY_WRITE)
def test_a_role_writes_what_is_its_dutys_and_nothing_else(world: World, role: str) -> None:
    held = rows(
        world,
        """
        select c.relname as name, p.letter from pg_class c
        cross join (values ('i', 'insert'), ('u', 'update')) as p (letter, privilege)
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and has_any_column_privilege(%(role)s, c.oid, p.privilege)
        union all
        select c.relname, p.letter from pg_class c
        cross join (values ('d', 'delete'), ('t', 'truncate'), ('r', 'references'), ('g', 'trigger'))
          as p (letter, privilege)
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and has_table_privilege(%(role)s, c.oid, p.privilege)
        """,
        {"role": role},
    )
    found: dict[str, set[str]] = {}
    for one in held:
        found.setdefault(one["name"], set()).add(one["letter"])
    named = {table: set(letters) for table, letters in (MAY_WRITE[NODE] | MAY_WRITE[role]).items()}
    assert found == named


@pytest.mark.parametrize("role", MAY_CHANGE)
def test_of_a_row_a_role_changes_what_is_its_dutys_to_change(world: World, role: str) -> None:
    columns = rows(
        world,
        """
        select c.relname as name, a.attname as column from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relname = any (%(tables)s)
          and has_column_privilege(%(role)s, c.oid, a.attnum, 'update')
        """,
        {"role": role, "tables": list(MAY_CHANGE[role])},
    )
    found: dict[str, set[str]] = {}
    for one in columns:
        found.setdefault(one["name"], set()).add(one["column"])
    assert found == {table: set(named.split()) for table, named in MAY_CHANGE[role].items()}


def test_what_is_worth_protecting_is_read_by_those_who_have_to(world: World) -> None:
    readers = rows(
        world,
        """
        select what, array(
          select role from unnest(%(roles)s::text[]) as role
          where has_column_privilege(role::name, split_part(what, '.', 1), split_part(what, '.', 2), 'select')) as roles
        from unnest(%(whats)s::text[]) as what
        """,
        {"whats": list(MAY_READ), "roles": [NODE, *ROLES, OPERATOR]},
    )
    found = {one["what"]: {role.removeprefix("vault_gateway_") for role in one["roles"]} for one in readers}
    assert found == MAY_READ


@pytest.mark.parametrize("role", MAY_CALL)
def test_a_role_looks_over_all_tenants_where_its_duty_has_to(world: World, role: str) -> None:
    found = names(
        world,
        """
        select p.proname as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef and has_function_privilege(%s, p.oid, 'execute')
        """,
        [role],
    )
    assert found == MAY_CALL[NODE] | MAY_CALL[role]


def test_no_role_of_the_gateway_makes_owns_or_bypasses_anything(world: World) -> None:
    lookup = "vault_gateway_lookup"
    roles = rows(
        world,
        """
        select r.rolname as name, r.rolcanlogin, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
               has_schema_privilege(r.oid, 'public', 'create') as makes,
               exists (select from pg_class c where c.relowner = r.oid) as owns,
               array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid) as member_of
        from pg_roles r where r.rolname like 'vault\\_gateway\\_%%'
        """,
    )
    by_name = {role.pop("name"): role for role in roles}
    assert by_name.keys() == {lookup, NODE, *ROLES, OPERATOR}
    assert [name for name, role in by_name.items() if role["rolbypassrls"]] == [lookup]
    assert {name: role["member_of"] for name, role in by_name.items()} == {
        lookup: [],
        NODE: [],
        **{role: [NODE] for role in (*ROLES, OPERATOR)},
    }
    for role in by_name.values():
        never = ("rolcanlogin", "rolsuper", "rolcreaterole", "rolcreatedb", "makes", "owns")
        assert not [power for power in never if role[power]]


def test_a_function_with_an_owners_rights_is_the_gateways_alone_and_looks_nowhere_else(world: World) -> None:
    functions = rows(
        world,
        """
        select p.proname as name, array_to_string(p.proconfig, ';') as config, pg_get_userbyid(p.proowner) as owner,
               exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                       where a.grantee = 0) as public
        from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef
        """,
    )
    assert len(functions) > 8
    for function in functions:
        assert not function["public"], function["name"]
        assert "search_path=pg_catalog, public, pg_temp" in function["config"], function["name"]


def test_who_finds_rows_over_all_tenants_changes_none(world: World) -> None:
    writing = names(
        world,
        """
        select c.relname as name from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and has_table_privilege('vault_gateway_lookup', c.oid, 'insert, update, delete, truncate')
        """,
    )
    assert writing == set()
