"""A node that has no duty to reveal holds nothing that decrypts, and Vault would deny it."""

from __future__ import annotations

from uuid import uuid4

import orjson
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests import canaries
from tests.policies import GENEROUS, policies_with
from tests.split import login_for
from tests.world import Actor, Town, World, unique
from vault_gateway.audit.store.events import keep_partitions_ahead
from vault_gateway.keys import Address, Ciphertext, KeysUnavailable, RelayKeys, Revealer, Vault
from vault_gateway.model import Kind
from vault_gateway.schema import ROLE_OF, MigrationError
from vault_gateway.settings.model import SettingsError


def identities(world: World, *names: str) -> dict[str, object]:
    return {name: world.settings.identities[name] for name in names}


def test_a_tokenizing_node_tokenizes_and_has_no_way_to_reveal(world: World, town: Town) -> None:
    node = world.gateway(duties=("tokenize",), identities=identities(world, "tokenizer"))
    merchant, courier = (Actor(node, who.key, who.name) for who in (town.merchant, town.courier))
    assert merchant.post("/v1/tokens", {"items": canaries.items_of(canaries.person())}).status_code == 201
    for path in ("/v1/reveals", "/v1/relay/route"):
        assert courier.post(path, {}).status_code == 404
    assert merchant.get("/v1/audit/events").status_code == 404


def test_a_revealing_node_reveals(world: World, town: Town) -> None:
    node = world.gateway(duties=("reveal",), identities=identities(world, "tokenizer", "revealer"))
    waybill_no = town.out_for_delivery()
    courier = Actor(node, town.courier.key, town.courier.name)
    body = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    assert courier.post("/v1/reveals", body).status_code == 201
    assert courier.post("/v1/tokens", {"items": []}).status_code == 404


def test_an_auditing_node_needs_no_vault_identity(world: World, auditor: Actor) -> None:
    node = world.gateway(duties=("audit",), identities={})
    assert Actor(node, auditor.key, auditor.name).get("/v1/audit/events").status_code == 200


@pytest.mark.parametrize(("identity", "duty"), [("revealer", "reveal"), ("relay", "relay")])
def test_an_identity_that_decrypts_is_refused_where_there_is_no_duty_for_it(
    world: World, identity: str, duty: str
) -> None:
    with pytest.raises(SettingsError, match=duty):
        world.gateway(duties=("tokenize",), identities=identities(world, "tokenizer", identity))


def test_a_duty_without_its_identity_is_refused_by_name(world: World) -> None:
    with pytest.raises(SettingsError, match="VAULT_GATEWAY_REVEALER_ROLE_ID"):
        world.gateway(duties=("reveal",), identities=identities(world, "tokenizer"))


def test_vault_denies_the_tokenizer_to_decrypt_and_the_relay_all_but_phones(world: World, town: Town) -> None:
    settings = world.settings
    with Vault(settings.vault_addr, operations=1) as vault:
        for kind in Kind:
            items = [(Address(uuid4(), kind, uuid4()), Ciphertext(1, b"x" * 40))]
            with pytest.raises(KeysUnavailable, match="refused"):
                Revealer(vault, settings.identities["tokenizer"]).decrypt(town.platform_slug, items)
            relay = RelayKeys(vault, settings.identities["relay"])
            if kind is Kind.PHONE:
                # Permitted, and found to open nothing.
                assert not isinstance(relay.decrypt(town.platform_slug, items)[0], bytes)
            else:
                with pytest.raises(KeysUnavailable, match="refused"):
                    relay.decrypt(town.platform_slug, items)


@pytest.fixture
def without_reveals(world: World) -> str:
    return login_for(world, "tokenize", "relay", "audit")


@pytest.fixture
def of_the_log(world: World) -> str:
    return login_for(world, "audit", "console")


def test_the_database_lets_no_tokenizing_node_make_a_grant(
    world: World, town: Town, without_reveals: str
) -> None:
    """It does all that is its duty; a grant, an approval, a count it cannot write, nor make room for one."""
    node = world.gateway(
        duties=("tokenize",), identities=identities(world, "tokenizer"), database_url=without_reveals
    )
    merchant = Actor(node, town.merchant.key, town.merchant.name)
    carrier = Actor(node, town.carrier.key, town.carrier.name)
    items = canaries.items_of(canaries.person())
    made = merchant.post("/v1/tokens", {"items": items}).get_json()["items"]
    recipient = {one["kind"]: one["token"] for one in made}
    order = {"network": "douyin", "carrier": town.carrier_slug, "recipient": recipient}
    waybill_no = merchant.post("/v1/waybills", order).get_json()["waybill_no"]
    out = {"type": "out_for_delivery", "courier": town.courier.name}
    for event in ({"type": "accepted"}, out):
        assert carrier.post(f"/v1/waybills/{waybill_no}/events", event).status_code == 201
    with psycopg.connect(without_reveals, autocommit=True) as conn:
        for statement in (
            "insert into reveal_grant select * from reveal_grant",
            "update reveal_grant set state = 'issued', holder = 'me'",
            "insert into reveal_token select * from reveal_token",
            "insert into break_glass select * from break_glass",
            "update break_glass set approver = 'me'",
            "update break_glass_quota set used = 0",
            "update merchant_day set used = 0",
            "delete from merchant_day",
            "set role vault_gateway_reveal",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
    assert (
        town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).status_code == 201
    )


def test_a_revealing_node_with_such_a_login_does_not_start(world: World, without_reveals: str) -> None:
    with pytest.raises(MigrationError, match="migrate --login"):
        world.gateway(database_url=without_reveals)


def test_a_node_of_the_log_does_its_duty_with_a_login_of_its_own(
    world: World, town: Town, auditor: Actor, of_the_log: str
) -> None:
    """Events are read and written, a courier that tries is counted and at last suspended, chores are done, and a
    recipient sees who looked."""
    floor = {"floor": 2, "times_usual": 3}
    quotas = {**GENEROUS, "scraping_alarm": {**GENEROUS["scraping_alarm"], "denials": floor}}
    policies = policies_with(world.instance.engines.data.parent / unique("policies"), quotas)
    node = world.gateway(
        duties=("audit", "console"), identities={}, database_url=of_the_log, policies=policies
    )
    token = town.tokenize(canaries.person()).phone
    courier = world.actor("courier", carrier=town.carrier_slug)
    for _ in range(4):
        assert Actor(node, courier.key, courier.name).get("/v1/audit/events").status_code == 403
    eye = Actor(node, auditor.key, auditor.name)
    suspended = eye.get(f"/v1/audit/events?action=courier.suspend&carrier={town.carrier_slug}").get_json()
    assert [one["reason"] for one in suspended["items"]] == ["many_denials"]
    [event] = eye.get("/v1/audit/events?action=audit.read&limit=1").get_json()["items"]
    assert eye.get(f"/v1/audit/events/{event['id']}").status_code == 200
    [made] = eye.get(f"/v1/audit/events?token={token}").get_json()["items"]
    assert made["action"] == "token.create"
    assert eye.get("/v1/audit/export?format=csv&action=courier.suspend").status_code == 200
    waybill_no = town.out_for_delivery()
    assert (
        town.courier.post(
            "/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
        ).status_code
        == 201
    )
    code = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["receipt"]
    assert 'class="courier"' in node.test_client().get(f"/receipt/{code}").text
    assert node.test_client().get("/readyz").status_code == 200
    with node.extensions["database"].connection() as conn:
        keep_partitions_ahead(conn)
    with pytest.raises(MigrationError, match="vault_gateway_app"):
        world.gateway(database_url=of_the_log)


@pytest.mark.parametrize(
    "harm", ["superuser", "bypassrls", "createrole", "in role vault_gateway_lookup", "in role {owner}"]
)
def test_no_node_starts_with_a_login_that_no_wall_holds(world: World, harm: str) -> None:
    """All that its duties need it has as well."""
    with world.admin() as conn:
        [owner] = conn.execute("select tableowner from pg_tables where tablename = 'token'").fetchall()
        name = unique("harmful").replace("-", "_")
        conn.execute(f"create role {name} login password 'of-tests' {harm.format(owner=owner['tableowner'])}")
        conn.execute(f"grant {', '.join(ROLE_OF.values())} to {name}")
        try:
            url = make_conninfo(world.settings.database_url, user=name, password="of-tests")
            with pytest.raises(MigrationError, match="no wall between merchants"):
                world.gateway(database_url=url)
        finally:
            conn.execute(f"drop role {name}")


def test_a_node_whose_login_may_more_says_so(world: World, without_reveals: str) -> None:
    world.gateway(duties=("audit",), identities={}, database_url=without_reveals)
    told = [line for line in world.log_text().splitlines() if b"run `migrate --login`" in line]
    # Other tests' servers may have told of theirs.
    assert {"vault_gateway_app", "vault_gateway_relay"} in [set(orjson.loads(line)["roles"]) for line in told]


# What no other duty than those named last may do.
DENIED = [
    ("select ciphertext from token", "relay", "reveal"),
    ("select blind_index from token", "tokenize"),
    ("select phone_token from courier", "tokenize"),
    ("select id from waybill", "tokenize", "relay", "reveal"),
    ("select id from reveal_grant", "reveal"),
    ("select caller from relay_call", "relay"),
    ("select body from audit_event", "audit"),
    ("select token from audit_token", "audit"),
    ("select * from receipt_parcel('x')", "console"),
    ("select * from relay_end('x', null, '', now())", "relay"),
    ("select * from locate_reveal(null)", "reveal"),
    ("select event_that_made('phone', null)", "audit"),
    ("select key_digest from client",),
    ("insert into token (tenant_id, id) select null, null where false", "tokenize"),
    ("insert into waybill (tenant_id, id) select null, null where false", "tokenize"),
    ("insert into courier (carrier, handle) select 'c', 'h' where false", "tokenize"),
    ("update courier set phone_token = null where false", "tokenize"),
    ("update waybill set state = 'delivered' where false", "tokenize"),
    ("update waybill set id = null where false",),
    ("update token set ciphertext = null where false", "tokenize"),
    ("update token set tenant_id = null where false",),
    ("insert into relay_call (telecom, call_id) select 'a', 'b' where false", "relay"),
    ("insert into relay_callback (number, caller) select 'a', '' where false", "relay"),
    ("update notice set state = 'sent' where false", "relay"),
    ("update relay_number set telecom = 'me' where false",),
    ("update relay_number set occupied = 0 where false", "tokenize", "relay"),
    ("insert into reveal_grant (tenant_id, id) select null, null where false", "reveal"),
    ("update reveal_grant set state = 'issued' where false", "reveal"),
    ("update reveal_grant set holder = 'me' where false",),
    ("update break_glass set approver = 'me' where false", "reveal"),
    ("update break_glass_quota set used = 0 where false", "reveal"),
    ("delete from merchant_day where false", "reveal"),
    ("delete from courier_day where false", "reveal"),
    ("delete from idempotency where false", "tokenize", "relay", "reveal"),
    ("insert into client (name) select 'me' where false",),
    ("update audit_event set body = '{}' where false",),
    ("delete from audit_event where false",),
    ("truncate audit_event",),
    ("create table mine (id integer)",),
    ("set role vault_gateway_lookup",),
    *((f"set role {role}", duty) for duty, role in ROLE_OF.items()),
]


@pytest.mark.parametrize("duty", ROLE_OF)
def test_the_database_lets_a_node_do_its_duty_and_no_other(world: World, duty: str) -> None:
    with psycopg.connect(login_for(world, duty), autocommit=True) as conn:
        for statement, *permitted in DENIED:
            if duty in permitted:
                conn.execute(statement)
                conn.execute("reset role")
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
