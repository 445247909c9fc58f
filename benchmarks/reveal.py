"""How long a courier waits: issue and claim over HTTP, beside the floor, beside the way by hand.

    python -m benchmarks.reveal [--rounds 5] [--seconds 2] [--clients 4]

The floor is what a claim cannot leave out: a transaction that takes the grant with its audit row, one decrypt, and a
transaction that counts the release with its own. By hand is hvac decrypting the same two fields one by one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from uuid import uuid4

import click
import hvac
import psycopg

from benchmarks.sealing import sealed
from benchmarks.stage import Caller, Result, Stage, line, loop, machine, ratio, ratios, stage, verdict
from vault_gateway.ids import new_ids
from vault_gateway.keys import Address, Ciphertext, Revealer, Tokenizer, Vault
from vault_gateway.keys.batches import base64
from vault_gateway.keys.contexts import derivation_context
from vault_gateway.model import Kind, utc_now

PLATFORM, CARRIER = "bench", "express"
PARCELS = 400
# A waybill's grants are counted: twelve in a parcel's life.
REVEALS_EACH = 12
FLOOR_TABLES = """
create table floor_grant (id uuid primary key, state text, released int default 0);
create table floor_audit (id uuid primary key, body jsonb, salt bytea, commitment bytea);
"""


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=2.0, show_default=True)
@click.option("--clients", "threads", default=4, show_default=True)
def main(rounds: int, seconds: float, threads: int) -> None:
    """Reveal over HTTP, beside the floor and the way by hand."""
    print(f"reveal: {threads} clients, {machine()}")
    with stage() as here:
        claims = Claims(here)
        steps: dict[str, tuple[Callable[[int], int], int]] = {
            "floor: two commits around one decrypt, 1 client": (floor(here), 1),
            "gateway: claim, 1 client": (claims.step, 1),
            f"floor, {threads} clients": (floor(here), threads),
            f"gateway: claim, {threads} clients": (claims.step, threads),
            "by hand: hvac decrypts two fields, 1 client": (by_hand(here), 1),
        }
        results: dict[str, list[Result]] = {name: [] for name in steps}
        for _ in range(rounds):
            for name, (step, count) in steps.items():
                if step == claims.step:
                    claims.prepare()
                results[name].append(loop(step, threads=count, seconds=seconds))
    for name, measured in results.items():
        line(name, measured, "claims/s")
    raw, ours, raw_many, ours_many, hand = results.values()
    ratio("gateway / floor, 1 client", ratios(ours, raw))
    ratio(f"gateway / floor, {threads} clients", ratios(ours_many, raw_many))
    ratio("gateway / by hand, 1 client", ratios(ours, hand))
    p99 = sorted(result.percentile(99) for result in ours)[len(ours) // 2]
    good = verdict("p99 of a claim, 1 client (ms)", p99, 16, at_least=False)
    sys.exit(0 if good else 1)


class Claims:
    """Grants made beforehand, so that a step is nothing but the claim."""

    def __init__(self, here: Stage) -> None:
        self._merchant = here.client("bench-shop", "merchant", platform=PLATFORM, merchant="shop")
        self._carrier = here.client("bench-express", "carrier", carrier=CARRIER)
        self._couriers = [here.client(f"bench-courier-{n}", "courier", carrier=CARRIER) for n in range(8)]
        self._parcels: list[tuple[Caller, str]] = []
        self._rounds = REVEALS_EACH
        self._issued: list[tuple[Caller, str]] = []
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """A fresh grant for each parcel; its former one was opened, or has to be by now."""
        while self._issued:
            self.step(0)
        if self._rounds == REVEALS_EACH:
            self._parcels, self._rounds = self._out_for_delivery(), 0
        self._rounds += 1
        for courier, waybill_no in self._parcels:
            answer = courier.post_json("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"})
            self._issued.append((courier, answer["reveal_id"]))

    def step(self, _number: int) -> int:
        with self._lock:
            if not self._issued:
                return 0
            courier, reveal_id = self._issued.pop()
        courier.post(f"/v1/reveals/{reveal_id}/claim", b"{}")
        return 1

    def _out_for_delivery(self) -> list[tuple[Caller, str]]:
        """Parcels in couriers' hands."""
        items = []
        for number in range(PARCELS):
            items += [
                {"kind": "name", "value": "张三"},
                {"kind": "phone", "value": f"138{number:08d}"},
                {"kind": "address", "value": f"浙江省杭州市西湖区文三路{number}号"},
            ]
        tokens = [item["token"] for item in self._merchant.post_json("/v1/tokens", {"items": items})["items"]]
        recipients = [
            dict(zip(("name", "phone", "address"), tokens[at : at + 3], strict=True))
            for at in range(0, len(tokens), 3)
        ]
        orders = [{"network": "douyin", "carrier": CARRIER, "recipient": one} for one in recipients]
        made = self._merchant.post_json("/v1/waybills", {"items": orders})["items"]
        pairs = []
        for number, waybill in enumerate(made):
            waybill_no, courier = waybill["waybill_no"], number % len(self._couriers)
            self._carrier.post_json(f"/v1/waybills/{waybill_no}/events", {"type": "accepted"})
            out = {"type": "out_for_delivery", "courier": f"bench-courier-{courier}"}
            self._carrier.post_json(f"/v1/waybills/{waybill_no}/events", out)
            pairs.append((self._couriers[courier], waybill_no))
        return pairs


def floor(here: Stage) -> Callable[[int], int]:
    settings = here.instance.settings()
    vault = Vault(settings.vault_addr, operations=16)
    revealer = Revealer(vault, settings.identities["revealer"])
    with psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True) as conn:
        conn.execute("drop table if exists floor_grant, floor_audit")
        conn.execute(FLOOR_TABLES)
    local = threading.local()
    items = _two_fields(here)

    def audit(grant: str, conn: psycopg.Connection) -> None:
        conn.execute(
            "insert into floor_audit values (%s, jsonb_build_object('grant', %s::text), %s, %s)",
            (uuid4(), grant, os.urandom(16), os.urandom(32)),
        )

    def step(_number: int) -> int:
        if not hasattr(local, "conn"):
            local.conn = psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True)
        conn, grant = local.conn, new_ids(utc_now(), 1)[0]
        with conn.transaction():
            conn.execute("insert into floor_grant values (%s, 'claimed')", (grant,))
            audit(str(grant), conn)
        revealer.decrypt(PLATFORM, items)
        with conn.transaction():
            conn.execute("update floor_grant set released = 1 where id = %s and released < 1", (grant,))
            audit(str(grant), conn)
        return 1

    return step


def by_hand(here: Stage) -> Callable[[int], int]:
    settings = here.instance.settings()
    credential = settings.identities["revealer"]
    local = threading.local()
    fields = [
        (
            f"{address.kind.value}-{PLATFORM}",
            f"vault:v{sealed.key_version}:{base64(sealed.data).decode()}",
            base64(derivation_context(address)).decode(),
        )
        for address, sealed in _two_fields(here)
    ]

    def step(_number: int) -> int:
        if not hasattr(local, "client"):
            local.client = hvac.Client(url=settings.vault_addr)
            local.client.auth.approle.login(credential.role_id, credential.secret_id)
        for key, ciphertext, context in fields:
            local.client.secrets.transit.decrypt_data(key, ciphertext=ciphertext, context=context)
        return 1

    return step


def _two_fields(here: Stage) -> list[tuple[Address, Ciphertext]]:
    settings = here.instance.settings()
    with Vault(settings.vault_addr, operations=1) as vault:
        tenant, *ids = new_ids(utc_now(), 3)
        kinds = (Kind.NAME, Kind.ADDRESS)
        addresses = [Address(tenant, kind, token) for kind, token in zip(kinds, ids, strict=True)]
        tokenizer = Tokenizer(vault, settings.identities["tokenizer"])
        ciphertexts = sealed(tokenizer, PLATFORM, [(address, b"value" * 8) for address in addresses])
    return list(zip(addresses, ciphertexts, strict=True))


if __name__ == "__main__":
    main()
