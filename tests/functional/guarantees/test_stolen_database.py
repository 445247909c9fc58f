"""Guarantee 5: who has a dump sees masks, regions and equality inside one merchant and origin, nothing more. Tried with
the values known, which is more than a thief knows: they stand in it in no form, nor does what is made of them without
a key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from uuid import uuid4

import pytest
from psycopg import sql

from tests import canaries
from tests.canaries import Person
from tests.functional.guarantees.conftest import Grounds
from tests.functional.keys.bao_server import BaoServer
from tests.functional.tokens.tampering import OVERWRITTEN, id_of, tenant_id
from tests.world import Town, World
from vault_gateway.keys import Credential, KeysUnavailable, Tokenizer, Vault, provision
from vault_gateway.model import Kind, Origin
from vault_gateway.settings.policies import default_policies

_HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s")


def made_of(text: bytes) -> dict[str, bytes]:
    return {
        "plain": text,
        "reversed": text[::-1],
        "crc32": binascii.crc32(text).to_bytes(4),
        **{name: hashlib.new(name, text).digest() for name in _HASHES},
    }


@pytest.fixture(scope="module")
def victim(grounds: Grounds) -> Person:
    """Known to two merchants of a platform and to one of another, by the merchants and by their platforms: tokenised
    twice, on a parcel, called, and searched for."""
    someone = canaries.person()
    for ground in (grounds.own, grounds.neighbour, grounds.abroad):
        town = ground.town
        for who in (town.merchant, town.merchant, town.platform):
            tokens = town.tokenize(someone, by=who)
        assert town.waybill(tokens)
        town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": someone.phone})
        town.merchant.post(
            "/v1/tokens",
            {"items": canaries.items_of(someone)},
            headers={"Idempotency-Key": "the-same-everywhere"},
        )
        courier = {"handle": town.courier.name, "phone": someone.phone}
        assert town.carrier.post("/v1/couriers", courier).status_code == 201
        call = {
            "call_id": f"of-{someone.phone[-6:]}",
            "medium": "voice",
            "caller": someone.phone,
            "called": ground.live["number"],
            "extension": ground.live["extension"],
        }
        assert ground.telecom.post("/v1/relay/route", call).get_json()["action"] == "connect"
    return someone


def stolen(world: World, towns: Iterable[Town]) -> dict[str, bytes]:
    """By table, what `pg_dump` has of it: of the towns' merchants and carriers, and whole where no tenant is named."""
    tenants = [tenant_id(town) for town in towns]
    dumped = {}
    with world.admin() as conn:
        tables = conn.execute(
            """
            select c.relname as name, exists (select from pg_attribute a where a.attrelid = c.oid
                                              and a.attname = 'tenant_id') as of_tenants
            from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
              and c.relnamespace = 'public'::regnamespace
            """
        ).fetchall()
        for table in tables:
            where = sql.SQL("tenant_id = any ({})").format(sql.Literal(tenants))
            query = sql.SQL("copy (select * from {} where {}) to stdout").format(
                sql.Identifier(table["name"]), where if table["of_tenants"] else sql.SQL("true")
            )
            with conn.cursor().copy(query) as rows:
                dumped[table["name"]] = b"".join(rows)
    return dumped


def forms_of(someone: Person, salts: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """What somebody would look for: each value as it is written and as it is hashed, bare and with what stands beside
    it, in hex and in base64."""
    values = [someone.phone, someone.e164, someone.e164[1:], someone.name, someone.detail]
    for value, salt in itertools.product(values, ("", *salts)):
        for text in {f"{salt}{value}", f"{value}{salt}", f"{salt}:{value}"}:
            plain = text.encode()
            for name, raw in made_of(plain).items():
                yield f"{name} of {len(plain)} bytes", raw.hex().encode()
                yield f"{name} of {len(plain)} bytes", base64.b64encode(raw).rstrip(b"=")
                yield f"{name} of {len(plain)} bytes", base64.urlsafe_b64encode(raw).rstrip(b"=")
                if name in ("plain", "reversed"):
                    yield f"{name} of {len(plain)} bytes", raw


def test_known_values_stand_in_a_dump_in_no_form(world: World, grounds: Grounds, victim: Person) -> None:
    towns = [grounds.own.town, grounds.neighbour.town, grounds.abroad.town]
    dumped = stolen(world, towns)
    assert len(dumped["token"]) > 10_000
    salts = [str(tenant_id(town)) for town in towns] + ["phone", "merchant", "platform"]
    # Of four bytes a form stands in any dump by chance.
    forms = [(name, form) for name, form in forms_of(victim, salts) if len(form) > 10]
    whole = b"\n".join(dumped.values()).lower()
    assert [name for name, form in forms if form.lower() in whole] == []
    planted = whole + hashlib.sha256(f"phone{victim.phone}".encode()).hexdigest().encode()
    assert [name for name, form in forms if form.lower() in planted]


_OWN = {
    # A ciphertext that a test has moved was not derived where it is now.
    "token": sql.SQL("and id <> all (%s)"),
    # An extension is drawn, and two numbers may both have it.
    "relay_slot": sql.SQL("and octet_length(dialled) = 32"),
}


@pytest.mark.usefixtures("victim")
def test_no_column_holds_the_same_for_two_merchants(world: World) -> None:
    """Whatever is derived of a value is of one merchant alone: over all rows of the run."""
    with world.admin() as conn:
        columns = conn.execute(
            """
            select c.relname as table, a.attname as column
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            where a.atttypid = 'bytea'::regtype and a.attnum > 0 and not a.attisdropped
              and c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
              and exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
            """
        ).fetchall()
        found = {(one["table"], one["column"]) for one in columns}
        assert {("token", "ciphertext"), ("token", "blind_index"), ("audit_event", "salt")} <= found
        # The key of a courier's own phone, which opens parcels of many merchants.
        for table, column in sorted(found - {("reveal_grant", "public_key")}):
            own = _OWN.get(table, sql.SQL(""))
            shared = conn.execute(
                sql.SQL(
                    "select {c} from {t} where {c} is not null {own}"
                    " group by 1 having count(distinct tenant_id) > 1"
                ).format(c=sql.Identifier(column), t=sql.Identifier(table), own=own),
                [OVERWRITTEN] if table == "token" else [],
            ).fetchall()
            assert not shared, (table, column)


def test_equality_shows_inside_one_merchant_and_origin_and_nowhere_else(
    world: World, grounds: Grounds, victim: Person
) -> None:
    town = grounds.own.town
    made = [town.tokenize(victim), town.tokenize(victim), town.tokenize(victim, by=town.platform)]
    with world.admin() as conn:
        for kind in ("name", "phone", "address"):
            rows = [
                conn.execute(
                    "select ciphertext, blind_index from token where id = %s", (id_of(getattr(tokens, kind)),)
                ).fetchone()
                for tokens in made
            ]
            first, again, platforms = (row for row in rows if row is not None)
            assert first["blind_index"] == again["blind_index"] != platforms["blind_index"], kind
            assert len({first["ciphertext"], again["ciphertext"], platforms["ciphertext"]}) == 3, kind
        lengths = conn.execute(
            """
            select kind, count(distinct length(ciphertext)) as lengths from token
            where tenant_id = %s and erased_at is null and id <> all (%s) group by kind
            """,
            (tenant_id(town), OVERWRITTEN),
        ).fetchall()
    assert {row["kind"]: row["lengths"] for row in lengths} == {"name": 1, "phone": 1, "address": 1}


def test_the_identity_that_tokenises_opens_nothing_but_can_compare_guesses(
    world: World, grounds: Grounds, victim: Person
) -> None:
    """The named limit of guarantee 5: a dump and this identity together. What bounds it is tried below."""
    town, credential = grounds.own.town, world.settings.identities["tokenizer"]
    token = town.tokenize(victim).phone
    row = world.row("select blind_index from token where id = %s", (id_of(token),))
    known = victim.e164[:-4]
    guesses = [f"{known}{end:04d}" for end in range(10_000)]
    with Vault(world.settings.vault_addr, batch_items=world.settings.vault_batch_items) as vault:
        indexes = Tokenizer(vault, credential).blind_indexes(
            tenant_id(town), Origin.MERCHANT, [(Kind.PHONE, guess.encode()) for guess in guesses]
        )
        assert [
            guess for guess, index in zip(guesses, indexes, strict=True) if index == row["blind_index"]
        ] == [victim.e164]


def test_a_quota_in_vault_bounds_how_fast_guesses_are_compared(bao: BaoServer) -> None:
    """Vault counts calls: so many a second, each with as many guesses as the listener takes."""
    credentials: dict[str, Credential] = dict(
        provision(bao.addr, bao.root_token, policies=default_policies())
    )
    provision(
        bao.addr, bao.root_token, policies=default_policies(), kept=credentials, hmac_calls_per_second=1
    )
    try:
        with Vault(bao.addr, batch_items=200) as vault:
            tried = guesses_until_refused(Tokenizer(vault, credentials["tokenizer"]), 200)
    finally:
        bao.request("DELETE", "sys/quotas/rate-limit/vault-gateway-blind-index")
    assert tried < 4000


def guesses_until_refused(thief: Tokenizer, at_once: int) -> int:
    tenant = uuid4()
    for calls in range(20):
        try:
            thief.blind_indexes(tenant, Origin.MERCHANT, [(Kind.PHONE, b"%d" % n) for n in range(at_once)])
        except KeysUnavailable as refused:
            return calls * at_once if refused.reason == "overloaded" else 20 * at_once
    return 20 * at_once
