"""The database itself keeps the log: no role of ours changes a line of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from tests.functional.audit.conftest import load, tenant_of
from tests.world import Town, World
from vault_gateway.audit.event import Event
from vault_gateway.database import Connection, enter_tenant


@pytest.fixture
def gateway_role(world: World) -> Iterator[Connection]:
    """A session as the gateway logs in, the log wide open to its reading."""
    with psycopg.connect(world.settings.database_url, autocommit=True, row_factory=dict_row) as conn:
        conn.execute("select set_config('app.audit_scope', '*', false)")
        yield conn


@pytest.fixture(scope="module")
def event_id(world: World, town: Town) -> str:
    return load(world, tenant_of(town), [(datetime.now(UTC), Event("test.kept"))])[0]


def partition_of(world: World, event_id: str) -> str:
    with world.admin() as conn:
        row = conn.execute(
            "select tableoid::regclass::text as name from audit_event where id = %s", (event_id,)
        )
        found = row.fetchone()
    assert found is not None
    return str(found["name"])


ATTACKS = (
    "update {table} set body = '{{}}'",
    "delete from {table}",
    "truncate {table}",
    "insert into {table} select * from audit_event on conflict do nothing",
    "alter table {table} disable trigger all",
    "alter table {table} disable row level security",
    "alter table {table} no force row level security",
    "create rule away as on insert to {table} do instead nothing",
    "create trigger mine before insert on {table} for each row execute function audit_is_append_only()",
    "drop table {table}",
    "create policy mine on {table} using (true)",
    "create index mine on {table} (id)",
    "merge into {table} t using (select 1) s on true when matched then delete",
    "select from {table} for update",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_gateways_role_cannot_touch_what_is_written(
    world: World, gateway_role: Connection, event_id: str, attack: str
) -> None:
    before = kept(world, event_id)
    for table in ("audit_event", partition_of(world, event_id)):
        with pytest.raises((errors.InsufficientPrivilege, errors.GeneratedAlways)):
            gateway_role.execute(attack.format(table=table))
    assert kept(world, event_id) == before


@pytest.mark.parametrize(
    "attack",
    [
        "set session_replication_role = replica",
        "alter table audit_event detach partition {partition}",
        "create or replace function audit_is_append_only() returns trigger language sql as 'select null'",
        "drop function audit_is_append_only()",
        "set role postgres",
        "set role vault_gateway_lookup",
        "set session authorization postgres",
        "create table audit_event_mine partition of audit_event default",
        "create table public.mine (id integer)",
        "create function public.mine() returns integer language sql as 'select 1'",
    ],
)
def test_nor_can_it_step_around(world: World, gateway_role: Connection, event_id: str, attack: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        gateway_role.execute(attack.format(partition=partition_of(world, event_id)))


def test_it_reads_and_writes_no_partition_by_name(
    world: World, gateway_role: Connection, event_id: str
) -> None:
    partition = partition_of(world, event_id)
    for statement in (f"select * from {partition}", f"insert into {partition} default values"):
        with pytest.raises(errors.InsufficientPrivilege):
            gateway_role.execute(statement)


def test_it_writes_for_the_tenant_of_its_transaction_only(
    world: World, gateway_role: Connection, town: Town, elsewhere: Town
) -> None:
    insert = """
        insert into audit_event (tenant_id, id, log, body, salt, commitment)
        values (%s, uuid_v7_floor(now()), 'x', '{}', decode(repeat('00', 16), 'hex'), decode(repeat('00', 32), 'hex'))
    """
    with gateway_role.transaction():
        enter_tenant(gateway_role, tenant_of(town).id)
        with pytest.raises(errors.InsufficientPrivilege), gateway_role.transaction():
            gateway_role.execute(insert, (tenant_of(elsewhere).id,))
    with pytest.raises(errors.InsufficientPrivilege):
        gateway_role.execute(insert, (tenant_of(elsewhere).id,))


@pytest.mark.parametrize(
    "attack",
    [
        "update {table} set body = '{{}}'",
        "delete from {table}",
        "truncate {table}",
        "truncate {table} cascade",
        "update {table} set id = id",
        "merge into {table} t using (select 1) s on true when matched then delete",
        """
        insert into {table} (tenant_id, id, log, body, salt, commitment)
        select tenant_id, id, log, body, salt, commitment from {table} limit 1
        on conflict (tenant_id, id) do update set body = '{{}}'
        """,
    ],
)
@pytest.mark.parametrize("replica", [False, True])
def test_not_even_the_owner_changes_a_line_in_passing(
    world: World, event_id: str, attack: str, replica: bool
) -> None:
    """The owner could take the triggers off; it cannot slip. What it does beyond that the signed tree shows."""
    before = kept(world, event_id)
    for table in ("audit_event", partition_of(world, event_id)):
        with world.admin() as conn:
            if replica:
                conn.execute("set session_replication_role = replica")
            with pytest.raises(errors.InsufficientPrivilege, match="never changed or removed"):
                conn.execute(attack.format(table=table))
    assert kept(world, event_id) == before


def test_every_partition_made_later_is_closed_as_well(world: World) -> None:
    with world.admin() as conn, conn.transaction(force_rollback=True):
        row = conn.execute("select ensure_audit_partitions(12) as made").fetchone()
        assert row is not None
        assert row["made"] == 4
        open_ones = conn.execute(
            """
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'audit_event'::regclass
              and not (c.relrowsecurity and c.relforcerowsecurity
                       and 2 = (select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgenabled = 'A'))
            """
        ).fetchall()
    assert open_ones == []


def test_without_a_scope_nothing_is_read(world: World, town: Town, event_id: str) -> None:
    with psycopg.connect(world.settings.database_url, autocommit=True) as conn:
        assert conn.execute("select count(*) from audit_event").fetchone() == (0,)
        conn.execute("select set_config('app.audit_scope', 'no-such-platform', false)")
        assert conn.execute("select count(*) from audit_event").fetchone() == (0,)
        conn.execute("select set_config('app.audit_scope', '', false)")
        conn.execute("select set_config('app.audit_tenant', %s, false)", (str(tenant_of(town).id),))
        rows = conn.execute("select distinct tenant_id from audit_event").fetchall()
    assert rows == [(tenant_of(town).id,)]


def kept(world: World, event_id: str) -> dict[str, object]:
    return world.row("select * from audit_event where id = %s", (event_id,))


@pytest.mark.parametrize(
    ("table", "column", "event"),
    [
        ("audit_token", "token", Event("test.kept", tokens=("ph_kept", "ph_kept", "x"))),
        ("audit_order", "order_ref", Event("test.kept", orders=("kept", "x", "kept"))),
    ],
)
def test_what_events_concern_is_kept_as_well(
    world: World, town: Town, table: str, column: str, event: Event
) -> None:
    """Written by the insert of the event itself; nobody adds, changes or removes a line of it."""
    load(world, tenant_of(town), [(datetime.now(UTC), event)])
    changing = (f"update {table} set {column} = 'x'", f"delete from {table}", f"truncate {table}")
    with psycopg.connect(world.settings.database_url, autocommit=True) as conn:
        conn.execute("select set_config('app.audit_scope', '*', false)")
        for statement in (f"insert into {table} select * from {table}", *changing):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(statement)
        named = f"select count(*) from {table} where {column} like '%kept'"
        assert conn.execute(named).fetchone() == (1,)
        conn.execute("select set_config('app.audit_scope', 'no-such-platform', false)")
        assert conn.execute(f"select count(*) from {table}").fetchone() == (0,)
    with world.admin() as admin:
        for statement in changing:
            with pytest.raises(errors.InsufficientPrivilege, match="never changed or removed"):
                admin.execute(statement)
