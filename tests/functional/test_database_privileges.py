"""What the gateway's roles may do in the database, read from PostgreSQL's own catalogue: a migration that opens more
than is named here fails."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest

from tests.world import World
from vault_gateway.schema import OPERATOR, ROLES

# Tables with a tenant_id and no wall: they find the tenant, are queues over all tenants, or count numbers and sheets.
# No personal data.
DIRECTORIES = {
    "tenant",
    "waybill_directory",
    "relay_slot",
    "relay_call",
    "notice",
    "usage_day",
    "usage_delta",
}

# Of every node; the others stand on it, and have what is named at each.
NODE = "vault_gateway_node"
# i: insert, u: update (of some columns at least), d: delete.
MAY_WRITE = {
    NODE: {"audit_event": "i", "courier": "u", "courier_day": "iu"},
    "vault_gateway_audit": {},
    "vault_gateway_console": {},
    "vault_gateway_relay": {
        "idempotency": "iud",
        "notice": "iu",
        "relay_binding": "iud",
        "relay_call": "iud",
        "relay_call_event": "id",
        "relay_callback": "iud",
        "relay_exhausted": "iud",
        "relay_number": "u",
        "relay_slot": "iud",
        "waybill": "u",
    },
    "vault_gateway_app": {
        "courier": "iu",
        "courier_day": "iu",
        "flow_book": "i",
        "flow_cell": "iud",
        "flow_delta": "id",
        "flow_page": "iud",
        "flow_parcel": "iud",
        "flow_shown": "iud",
        "idempotency": "iud",
        "merged_order": "i",
        "merged_recipient": "id",
        "number_block": "u",
        "number_returned": "iud",
        "number_segment": "u",
        "relay_binding": "iu",
        "relay_callback": "d",
        "relay_exhausted": "iu",
        "relay_number": "u",
        "relay_slot": "iu",
        "route": "id",
        "route_table": "iu",
        "search_miss": "iu",
        "tenant": "i",
        "token": "iu",
        "usage_day": "iu",
        "usage_delta": "iud",
        "waybill": "iu",
        "waybill_directory": "iu",
        "waybill_event": "i",
        "waybill_sheet": "iu",
        "webhook": "iu",
        "webhook_outbox": "iud",
    },
    "vault_gateway_reveal": {
        "break_glass": "iu",
        "break_glass_quota": "iu",
        "courier_day": "iud",
        "idempotency": "iud",
        "merchant_day": "iud",
        "reveal_grant": "iu",
        "reveal_token": "i",
        "token": "u",
        "waybill": "u",
    },
    OPERATOR: {
        "carrier": "iu",
        "client": "iu",
        "courier": "iu",
        "courier_day": "iu",
        "flow_cell": "d",
        "flow_page": "d",
        "flow_parcel": "d",
        "flow_shown": "d",
        "issuer": "iu",
        "notice": "u",
        "number_block": "i",
        "number_segment": "iu",
        "platform": "i",
        "relay_binding": "ud",
        "relay_call": "d",
        "relay_call_event": "d",
        "relay_callback": "d",
        "relay_exhausted": "d",
        "relay_number": "iu",
        "relay_service_number": "iu",
        "relay_slot": "u",
        "revoked_token": "i",
        "station": "i",
        "tenant": "i",
        "token": "iu",
    },
}
# Columns that a role may change where it may not change all: none that says whose a row is or what it is about.
MAY_CHANGE = {
    NODE: {"courier": "suspended_at suspended_for", "courier_day": "reveals recipients denials"},
    "vault_gateway_relay": {
        # To lock a row is to have the right to change something of it.
        "waybill": "created_at",
        "relay_number": "occupied",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "released expires_at cool_until",
        "relay_call": "phone_tenant phone_token by_courier recorded_at failed_at told",
        "notice": "params state reason tries due_at updated_at",
    },
    "vault_gateway_app": {
        "relay_number": "occupied",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "phone_token released expires_at cool_until",
        "token": "key_version ciphertext blind_index masked last4 region erased_at",
        "waybill": "state recipient_name recipient_phone recipient_address courier station deliver_by updated_at"
        " routing_code",
    },
    "vault_gateway_reveal": {
        "token": "created_at",
        "waybill": "created_at",
        "reveal_grant": "state public_key released ack_digests claimed_at first_released_at closed_at",
        "break_glass": "approver approver_jti approver_reason approved_at",
    },
    OPERATOR: {
        "carrier": "created_at",
        "client": "revoked_at",
        "relay_number": "telecom retired_at",
        "issuer": "revoked_at",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "released expires_at cool_until",
        "token": "key_version ciphertext blind_index masked last4 region erased_at",
        "notice": "state reason tries due_at updated_at",
    },
}
# Who reads what is worth protecting: tables, and columns of them.
MAY_READ = {
    "audit_event.body": {"audit"},
    "audit_token.token": {"audit"},
    "audit_order.order_ref": {"audit"},
    "token.ciphertext": {"relay", "reveal"},
    "token.blind_index": {"app"},
    "token.last4": {"app"},
    "token.masked": {"app", "relay", "operator"},
    "waybill.id": {"app", "relay", "reveal", "operator"},
    "courier.phone_token": {"app", "operator"},
    "client.key_digest": set(),
    "reveal_grant.id": {"reveal", "operator"},
    "break_glass.id": {"reveal", "operator"},
    "relay_call.caller": {"relay"},
    "relay_call_event.call_id": {"relay", "operator"},
    "relay_callback.caller": {"relay"},
    "relay_service_number.phone_token": {"relay", "operator"},
    "notice.params": {"relay", "operator"},
    "webhook.url": {"app"},
    "flow_book.secret": {"app"},
}
# Functions with their owner's rights, some of which look over all tenants.
MAY_CALL = {
    NODE: {"client_of_key", "audit_weeks_ahead", "token_weeks_ahead"},
    "vault_gateway_audit": {"event_that_made", "ensure_audit_partitions"},
    "vault_gateway_console": {"receipt_parcel", "receipt_disclosures"},
    "vault_gateway_relay": {
        "parcels_of_number",
        "relay_end",
        "relay_courier",
        "relay_bindings_rested",
        "relay_exhausted_before",
    },
    "vault_gateway_app": {
        "parcels_of_number",
        "parcels_of_carrier",
        "parcels_at_counter",
        "numbers_granted",
        "ensure_token_partitions",
        "flow_parcels_until",
    },
    "vault_gateway_reveal": {
        "parcels_of_number",
        "locate_reveal",
        "locate_token",
        "locate_break_glass",
        "find_break_glass",
        "reveals_of_holder",
    },
    OPERATOR: {
        "parcels_of_number",
        "locate_token",
        "locate_reveal",
        "locate_break_glass",
        "analyze_relay_numbers",
        "relay_bindings_rested",
        "relay_exhausted_before",
        "flow_parcels_until",
    },
}


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
