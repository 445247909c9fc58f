"""What the gateway's role may do in the database, read from PostgreSQL's own catalogue: a migration that opens more
than is named here fails."""

from __future__ import annotations

from typing import Any

from tests.world import World

# Tables with a tenant_id and no wall: they find the tenant, are queues over all tenants, or count numbers and sheets.
# No personal data.
DIRECTORIES = {
    "tenant",
    "waybill_directory",
    "relay_slot",
    "relay_call",
    "notice",
    "number_segment",
    "number_block",
    "number_returned",
    "usage_day",
    "usage_delta",
}
# Rows that end: repeated answers, ends and callers of relay numbers, what was sent,
# what was folded, counts of days that are over, records of relay numbers and flows past their time.
DELETABLE = {
    "idempotency",
    "relay_slot",
    "relay_callback",
    "webhook_outbox",
    "number_returned",
    "usage_delta",
    "flow_delta",
    "flow_cell",
    "flow_page",
    "flow_parcel",
    "flow_shown",
    "courier_day",
    "route",
    "relay_binding",
    "relay_call",
    "relay_call_event",
    "relay_exhausted",
}


def rows(world: World, statement: str) -> list[dict[str, Any]]:
    with world.admin() as conn:
        return conn.execute(statement).fetchall()


def names(world: World, statement: str) -> set[str]:
    return {row["name"] for row in rows(world, statement)}


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
               has_table_privilege('vault_gateway_app', c.oid, 'select, insert, update, delete, truncate') as open
        from pg_class c where c.relispartition and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        """,
    )
    assert len(partitions) > 16
    assert not [one["name"] for one in partitions if one["open"]]


def test_the_gateway_removes_no_rows_but_those_that_end(world: World) -> None:
    held = rows(
        world,
        """
        select c.relname as name, has_table_privilege('vault_gateway_app', c.oid, 'delete') as delete,
               has_table_privilege('vault_gateway_app', c.oid, 'truncate, references, trigger') as more
        from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        """,
    )
    assert {one["name"] for one in held if one["delete"]} == DELETABLE
    assert not [one["name"] for one in held if one["more"]]


def test_the_gateway_writes_no_directory_that_an_operator_keeps(world: World) -> None:
    for table in ("platform", "carrier", "station", "client", "issuer", "revoked_token", "schema_migration"):
        [held] = rows(
            world,
            f"select has_table_privilege('vault_gateway_app', '{table}', 'insert, update, delete') as writes",
        )
        assert not held["writes"], table


def test_the_gateway_takes_places_on_relay_numbers_and_changes_nothing_else_of_them(world: World) -> None:
    columns = rows(
        world,
        """
        select attname as name, has_column_privilege('vault_gateway_app', attrelid, attnum, 'update') as updates,
               has_column_privilege('vault_gateway_app', attrelid, attnum, 'insert') as inserts
        from pg_attribute where attrelid = 'relay_number'::regclass and attnum > 0
        """,
    )
    assert {one["name"] for one in columns if one["updates"]} == {"occupied"}
    assert not [one["name"] for one in columns if one["inserts"]]


def test_the_gateway_asks_whose_a_key_is_and_reads_no_digest(world: World) -> None:
    columns = rows(
        world,
        """
        select attname as name from pg_attribute
        where attrelid = 'client'::regclass and attnum > 0
          and not has_column_privilege('vault_gateway_app', attrelid, attnum, 'select')
        """,
    )
    assert {one["name"] for one in columns} == {"key_digest"}


def test_no_role_of_the_gateway_makes_owns_or_bypasses_anything(world: World) -> None:
    roles = rows(
        world,
        """
        select r.rolname as name, r.rolcanlogin, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
               has_schema_privilege(r.oid, 'public', 'create') as makes,
               exists (select from pg_class c where c.relowner = r.oid) as owns,
               pg_has_role('vault_gateway_app', r.oid, 'member') as is_app
        from pg_roles r
        where r.rolname in ('vault_gateway_app', 'vault_gateway_lookup', 'vault_gateway_reveal', 'vault_gateway_audit')
        """,
    )
    by_name = {role.pop("name"): role for role in roles}
    assert [name for name, role in by_name.items() if role["rolbypassrls"]] == ["vault_gateway_lookup"]
    lookup = by_name["vault_gateway_lookup"]
    assert not lookup["is_app"]
    assert not lookup["rolcanlogin"]
    for role in by_name.values():
        never = ("rolsuper", "rolcreaterole", "rolcreatedb", "makes", "owns")
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


def test_what_opens_values_is_written_by_logins_that_reveal_alone(world: World) -> None:
    written = rows(
        world,
        """
        select c.relname as name, r.rolname as role from pg_class c
        cross join pg_roles r
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and r.rolname in ('vault_gateway_app', 'vault_gateway_reveal')
          and (has_any_column_privilege(r.oid, c.oid, 'insert, update') or has_table_privilege(r.oid, c.oid, 'delete'))
        """,
    )
    of_reveals = {"reveal_grant", "reveal_token", "break_glass", "break_glass_quota", "merchant_day"}
    assert {one["name"] for one in written if one["role"] == "vault_gateway_reveal"} == of_reveals
    assert not of_reveals & {one["name"] for one in written if one["role"] == "vault_gateway_app"}


def test_a_login_of_the_log_writes_events_and_counts_denials_and_nothing_else(world: World) -> None:
    held = rows(
        world,
        """
        select c.relname as name, a.attname as column, p.privilege from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        cross join unnest(array['select', 'insert', 'update']) as p (privilege)
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and has_column_privilege('vault_gateway_audit', c.oid, a.attnum, p.privilege)
        """,
    )
    of = {
        kind: {one["name"] for one in held if one["privilege"] == kind}
        for kind in ("select", "insert", "update")
    }
    directories = {"platform", "tenant", "issuer", "revoked_token", "client", "courier", "schema_migration"}
    assert of["select"] == directories | {"audit_event", "audit_token", "audit_order", "courier_day"}
    assert of["insert"] == {"audit_event", "courier_day"}
    assert of["update"] == {"courier_day", "courier"}
    courier = {one["column"] for one in held if (one["name"], one["privilege"]) == ("courier", "update")}
    assert courier == {"suspended_at", "suspended_for"}
    removing = names(
        world,
        """
        select c.relname as name from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and has_table_privilege('vault_gateway_audit', c.oid, 'delete, truncate, references, trigger')
        """,
    )
    assert removing == set()
