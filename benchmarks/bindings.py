"""Parcels with relay numbers in bulk, as rows that the gateway itself would have written.

By SQL, for a million of them over HTTP would take an hour. Each has its waybill, its directory entry, the token of the
recipient's phone, its binding and its slot; names, addresses and events, which no call reads, are left out. Ids are
UUIDv7 of the last six days. The ciphertexts of the parcels that are called, and of all couriers, are Vault's own; the
others are random bytes of the same length.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from benchmarks.sealing import sealed
from benchmarks.stage import Stage
from vault_gateway.database import Connection
from vault_gateway.ids import new_ids
from vault_gateway.keys import Address, Ciphertext, Tokenizer, Vault
from vault_gateway.model import CARRIER_PLATFORM, Kind, Tenant, utc_now

PLATFORM, MERCHANTS, CARRIER, COURIERS = "bench", 200, "express", 500
SHOP = Tenant(PLATFORM, "shop-0")
_COURIERS = Tenant(CARRIER_PLATFORM, CARRIER)
NUMBERS = 10

# One row a parcel: of which all its others are made. An extension is its place on its number, far from its neighbours'.
_PARCELS = """
create unlogged table seed with (autovacuum_enabled = off) as
select n, t.tenant_id, at, uuidv7(at - now()) as waybill_id, uuidv7(at - now()) as phone,
       uuidv7(at - now()) as binding_id, uuidv7(at - now()) as event_id,
       'BN' || lpad(n::text, 13, '0') as waybill_no,
       '+86170' || lpad((n %% %(numbers)s)::text, 8, '0') as number,
       lpad(((n / %(numbers)s * 387421) %% 1000000)::text, 6, '0') as extension,
       'courier-' || n %% %(couriers)s as courier, n < %(bound)s as bound
from (select n, %(now)s - interval '6 days' * (%(last)s - n) / %(last)s as at
      from generate_series(%(first)s::bigint, %(last)s) n) as made
join seed_tenant t on t.position = case when n < %(bound)s then n %% %(merchants)s else 0 end
"""
# Added in the order of their time, as in life: then the indexes grow at their ends.
_ROWS = {
    "token": """
        insert into token (tenant_id, id, kind, origin, key_version, ciphertext, blind_index, masked, last4, event_id,
                           created_at)
        select tenant_id, phone, 'phone', 'platform', 1,
               decode(md5(n::text) || md5(phone::text) || '00112233445566778899', 'hex'), sha256(phone::text::bytea),
               '1******' || lpad((n % 10000)::text, 4, '0'), lpad((n % 10000)::text, 4, '0'), event_id, at
        from seed""",
    "waybill": """
        insert into waybill (tenant_id, id, waybill_no, network, carrier, state, recipient_name, recipient_phone,
                             recipient_address, courier, deliver_by, receipt_code, created_at, updated_at)
        select tenant_id, waybill_id, waybill_no, 'douyin', 'express', 'out_for_delivery', event_id, phone, event_id,
               courier, at + interval '9 days', 'rc_' || md5(waybill_no), at, at from seed""",
    "waybill_directory": """
        insert into waybill_directory select waybill_no, waybill_id, tenant_id, true from seed""",
    "relay_binding": """
        insert into relay_binding
        select tenant_id, binding_id, waybill_id, waybill_no, 'extension', number, extension, at,
               at + interval '15 days', at + interval '45 days', false
        from seed where bound""",
    "relay_slot": """
        insert into relay_slot
        select number, extension::bytea, tenant_id, binding_id, waybill_id, tenant_id, phone, false,
               at + interval '15 days', at + interval '45 days' from seed where bound""",
}


@dataclass(frozen=True)
class Line:
    """A live binding that may be called."""

    number: str
    extension: str
    phone: str
    address: Address
    ciphertext: Ciphertext


class Seed:
    """The pool of `telecom`, with parcels numbered from 0. Clients of the platform and the carrier come first: they
    bring the keys."""

    def __init__(self, here: Stage, telecom: str) -> None:
        self._here = here
        self._telecom = telecom
        self._parcels = self._bound = 0
        merchants = [Tenant(PLATFORM, f"shop-{n}") for n in range(MERCHANTS)]
        with self._admin() as conn:
            conn.execute("create unlogged table seed_tenant (position integer, tenant_id uuid)")
            conn.cursor().executemany(
                "insert into tenant values (%s, %s, %s, now()) on conflict do nothing",
                [(one.id, one.platform, one.merchant) for one in [*merchants, _COURIERS]],
            )
            conn.cursor().executemany(
                "insert into seed_tenant values (%s, %s)", [(n, one.id) for n, one in enumerate(merchants)]
            )
            self._add_couriers(conn)
        self.add_numbers(0)

    def add_numbers(self, first: int) -> None:
        with self._admin() as conn:
            conn.execute(
                """
                insert into relay_number (number, telecom, mode, digits, capacity, added_at)
                select '+86170' || lpad(n::text, 8, '0'), %s, 'extension', 6, 100000, now()
                from generate_series(%s::int, %s::int) n
                """,
                (self._telecom, first, first + NUMBERS - 1),
            )

    def grow(self, bound: int, *, unbound: int = 0) -> None:
        """Until so many live bindings are there, and so many further parcels of `SHOP` that have none."""
        began, added = time.monotonic(), bound - self._bound

        def say(what: str) -> None:
            print(f"    {what:<20} {added:>10,} more   {time.monotonic() - began:6.1f} s", flush=True)

        with self._admin() as conn:
            conn.execute("set synchronous_commit = off")
            conn.execute("set work_mem = '256MB'")
            # Every number and tenant is there: that is not asked a million times.
            conn.execute("set session_replication_role = replica")
            conn.execute("drop table if exists seed")
            given = {"numbers": NUMBERS, "couriers": COURIERS, "merchants": MERCHANTS, "now": utc_now()}
            span = {"first": self._parcels, "last": self._parcels + added + unbound - 1}
            conn.execute(_PARCELS, {**given, **span, "bound": self._parcels + added})
            with _without_indexes(conn):
                for table, statement in _ROWS.items():
                    conn.execute(statement)
                    say(table)
            say("indexes")
            conn.execute(
                "update relay_number n set occupied = (select count(*) from relay_slot s where s.number = n.number)"
            )
            conn.execute(
                "vacuum analyze token, waybill, waybill_directory, relay_binding, relay_slot, relay_number"
            )
            conn.execute("checkpoint")
            say("vacuum, checkpoint")
        self._parcels, self._bound = self._parcels + added + unbound, bound

    def fill(self, percent: float, at_least: int) -> float:
        """As if the numbers held so much more than they do, and places for so many bindings at least; returns how full
        that is, in percent."""
        with self._admin() as conn:
            row = conn.execute(
                """
                with new as (
                  update relay_number set capacity = greatest(ceil(occupied / %s::numeric * 100), occupied + %s)::int
                  returning occupied, capacity
                )
                select sum(occupied) * 100.0 / sum(capacity) as percent from new
                """,
                (percent, at_least // NUMBERS),
            ).fetchone()
        assert row is not None
        return float(row["percent"])

    def lines(self, count: int) -> list[Line]:
        """So many bindings from anywhere among those just added, with phones that open."""
        with self._admin() as conn:
            rows = conn.execute(
                "select number, extension, tenant_id, phone from seed where bound order by random() limit %s",
                (count,),
            ).fetchall()
            addresses = [Address(row["tenant_id"], Kind.PHONE, row["phone"]) for row in rows]
            phones = [f"+86138{n:08d}" for n in random.sample(range(10**8), len(rows))]
            sealed = self._seal(PLATFORM, addresses, phones)
            conn.execute(
                """
                update token t set ciphertext = new.ciphertext
                from unnest(%s::uuid[], %s::uuid[], %s::bytea[]) as new (tenant_id, id, ciphertext)
                where t.tenant_id = new.tenant_id and t.id = new.id
                """,
                (
                    [a.tenant_id for a in addresses],
                    [a.token for a in addresses],
                    [one.data for one in sealed],
                ),
            )
        return [
            Line(row["number"], row["extension"], phone, address, one)
            for row, phone, address, one in zip(rows, phones, addresses, sealed, strict=True)
        ]

    def unbound(self) -> list[str]:
        """Waybill numbers of `SHOP` without a relay number."""
        with self._admin() as conn:
            rows = conn.execute("select waybill_no from seed where not bound and tenant_id = %s", (SHOP.id,))
            return [row["waybill_no"] for row in rows]

    def _add_couriers(self, conn: Connection) -> None:
        now = utc_now()
        tokens = new_ids(now, COURIERS)
        addresses = [Address(_COURIERS.id, Kind.PHONE, token) for token in tokens]
        sealed = self._seal(CARRIER_PLATFORM, addresses, [f"+86139{n:08d}" for n in range(COURIERS)])
        conn.cursor().executemany(
            """
            insert into token (tenant_id, id, kind, origin, key_version, ciphertext, event_id, created_at)
            values (%s, %s, 'phone', 'merchant', %s, %s, %s, %s)
            """,
            [(_COURIERS.id, t, s.key_version, s.data, t, now) for t, s in zip(tokens, sealed, strict=True)],
        )
        conn.cursor().executemany(
            "insert into courier (carrier, handle, phone_token, created_at) values (%s, %s, %s, %s)",
            [(CARRIER, f"courier-{n}", token, now) for n, token in enumerate(tokens)],
        )

    def _seal(self, platform: str, addresses: Sequence[Address], phones: Sequence[str]) -> list[Ciphertext]:
        settings = self._here.instance.settings()
        with Vault(settings.vault_addr, operations=1, batch_items=settings.vault_batch_items) as vault:
            tokenizer = Tokenizer(vault, settings.identities["tokenizer"])
            items = [(address, phone.encode()) for address, phone in zip(addresses, phones, strict=True)]
            return sealed(tokenizer, platform, items)

    @contextmanager
    def _admin(self) -> Iterator[Connection]:
        dsn = self._here.instance.endpoints.admin_dsn
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as conn:
            yield conn


@contextmanager
def _without_indexes(conn: Connection) -> Iterator[None]:
    """Built once at the end they cost a quarter of what row by row they would; they are the same."""
    found = conn.execute(
        """
        select i.indexrelid::regclass::text as name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as made
        from pg_index i where i.indrelid = any (%s::regclass[]) and not i.indisunique
        """,
        (list(_ROWS),),
    ).fetchall()
    for row in found:
        conn.execute(f"drop index {row['name']}")
    yield
    conn.execute("set maintenance_work_mem = '256MB'")
    for row in found:
        conn.execute(row["made"])
