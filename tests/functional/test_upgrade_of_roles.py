"""A database of before there was a role for each duty: its logins go on as they were until they are made anew, and all
roles together may do what the few could."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from vault_gateway import schema
from vault_gateway.database import Connection
from vault_gateway.embedded.postgres import Postgres
from vault_gateway.model import utc_now
from vault_gateway.schema import ROLES, migrate, roles_of

_NEW = "0024_role_a_duty"
_OPERATOR = "0028_operator_role"
# What no duty does: a merchant's own number is registered by a command.
NO_DUTYS = {
    ("relay_service_number", "insert"),
    ("relay_service_number", "update"),
    ("flow_delta", "update"),
    ("token", "select event_id"),
}


@pytest.fixture(scope="module")
def admin_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server where nobody has heard of these roles."""
    data = tmp_path_factory.mktemp("before")
    for name in ("logs", "secrets", "run"):
        (data / name).mkdir()
    server = Postgres(data)
    try:
        server.start(may_initialise=True)
        yield server.wait()
    finally:
        server.stop()


def held(conn: Connection, roles: list[str]) -> set[tuple[str, str]]:
    """Table and privilege that any of `roles` has, of whole rows or some columns; of columns, what is read."""
    rows = conn.execute(
        """
        select c.relname as name, p.privilege from pg_class c
        cross join unnest(array['insert', 'update', 'delete']) as p (privilege)
        cross join unnest(%(roles)s::text[]) as role
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition
          and case p.privilege when 'delete' then has_table_privilege(role::name, c.oid, p.privilege)
              else has_any_column_privilege(role::name, c.oid, p.privilege) end
        union
        select c.relname, 'select ' || a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        cross join unnest(%(roles)s::text[]) as role
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition
          and has_column_privilege(role::name, c.oid, a.attnum, 'select')
        union
        select 'function', p.proname from pg_proc p cross join unnest(%(roles)s::text[]) as role
        where p.pronamespace = 'public'::regnamespace and has_function_privilege(role::name, p.oid, 'execute')
        """,
        {"roles": roles},
    )
    return {(row["name"], row["privilege"]) for row in rows}


def members(conn: Connection, login: str) -> set[str]:
    rows = conn.execute(
        "select m.roleid::regrole::text as role from pg_auth_members m where m.member = %s::regrole",
        (f'"{login}"',),
    )
    return {row["role"] for row in rows}


def test_a_role_a_duty_comes_to_a_server_that_had_three(
    admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = ["vault_gateway_app", "vault_gateway_reveal", "vault_gateway_audit"]
    shipped = schema.migrations()
    with psycopg.connect(admin_dsn, autocommit=True, row_factory=dict_row) as conn:
        monkeypatch.setattr(schema, "migrations", lambda: [one for one in shipped if one[0] < _NEW])
        migrate(admin_dsn, utc_now())
        conn.execute('create role "of-all" login in role vault_gateway_app, vault_gateway_reveal')
        conn.execute('create role "of-the-log" login in role vault_gateway_audit')
        before = held(conn, three)
        monkeypatch.setattr(schema, "migrations", lambda: [one for one in shipped if one[0] <= _NEW])
        assert migrate(admin_dsn, utc_now()) == [_NEW]
        assert before - held(conn, list(ROLES)) == NO_DUTYS
        assert members(conn, "of-all") == set(ROLES)
        assert members(conn, "of-the-log") == {"vault_gateway_audit", "vault_gateway_console"}
        monkeypatch.undo()
        migrate(
            admin_dsn, utc_now(), app_login=("of-all", "no secret here"), roles=roles_of(("relay", "audit"))
        )
        assert members(conn, "of-all") == {"vault_gateway_relay", "vault_gateway_audit"}
        # Roles are of the whole server: another database gives nobody back what was taken.
        conn.execute("create database another")
        migrate(make_conninfo(admin_dsn, dbname="another"), utc_now())
        assert members(conn, "of-all") == {"vault_gateway_relay", "vault_gateway_audit"}
        assert members(conn, "vault_gateway_app") == {"vault_gateway_node"}


def test_the_owner_of_the_tables_goes_on_granting_whoever_migrates(
    admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles are made by those who may; commands without a login of their own run as the owner."""
    shipped = schema.migrations()
    with psycopg.connect(admin_dsn, autocommit=True) as conn:
        conn.execute("create database owned")
        conn.execute("create role owning login")
    dsn = make_conninfo(admin_dsn, dbname="owned")
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as conn:
        monkeypatch.setattr(schema, "migrations", lambda: [one for one in shipped if one[0] < _OPERATOR])
        migrate(dsn, utc_now())
        for row in conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall():
            conn.execute(f"alter table {row['tablename']} owner to owning")
        conn.execute("insert into tenant values (gen_random_uuid(), 'p', 'm', now())")
        monkeypatch.undo()
        migrate(dsn, utc_now())
        conn.execute("set role owning")
        conn.execute(
            """
            insert into number_segment (tenant_id, id, network, carrier, branch, first_no, last_no, first_serial,
                                        last_serial, low_water, granted_at)
            select tenant_id, gen_random_uuid(), 'n', 'c', 'b', '1', '9', 1, 9, 0, now() from tenant
            """
        )
        assert conn.execute("select from number_segment").rowcount == 1
        conn.execute("select analyze_relay_numbers()")
        conn.execute("set role vault_gateway_app")
        assert conn.execute("select from number_segment").rowcount == 0
        assert conn.execute("select numbers_granted(array['0', '5'])").fetchall() == [
            {"numbers_granted": "5"}
        ]
