"""How fast waybills are issued in batches, beside the floor, and how fast their labels are drawn.

    python -m benchmarks.waybills [--rounds 3] [--seconds 4] [--batch 1000] [--clients 4]

The floor is what no gateway could leave out: the same rows by unnest into tables with the same keys and indexes, as
many a transaction, from as many threads, on the same server. Labels are counted in seconds of one core.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import click
import orjson
import psycopg
from psycopg.rows import dict_row

from benchmarks.stage import Caller, Stage, alternating, line, machine, ratios, stage, verdict
from vault_gateway.ids import new_ids
from vault_gateway.labels.bitmap import picture_of, png_of, zpl_of
from vault_gateway.labels.label import Label, Masked
from vault_gateway.labels.layout import marks_of
from vault_gateway.labels.marks import SIZES, Size
from vault_gateway.labels.pdf import pdf_of
from vault_gateway.model import Tenant, utc_now
from vault_gateway.networks.granting import Grant, grant
from vault_gateway.networks.loading import load_networks

SHOP = Tenant("bench", "shop")
CARRIER = "swift"
FIRST, LAST = "YT6000000000000", "YT6000009999999"
ISSUE_AIM = 0.4
# Copies with all keys, indexes and generated columns.
FLOOR_TABLES = """
create table floor_waybill (like waybill including all);
create table floor_directory (like waybill_directory including all);
create table floor_sheet (like waybill_sheet including all);
create table floor_audit (like audit_event including all);
create table floor_audit_token (like audit_token including all);
create table floor_flow (like flow_parcel including all);
"""

PAGES = 40
AIM = 150.0
LABEL = Label(
    waybill_no="DYT0000000000000",
    carrier="example-express",
    network="Douyin",
    recipient=Masked("张**", "1******1234", "浙江省杭州市西湖区转塘街道****"),
    sender=Masked("李**", "1******4321", "广东省深圳市南山区****"),
    routing_code="571-A12-07",
    call="17000000000 转 471123",
    receipt="https://vault.example.com/receipt/rc_01m74sxx00e0bsd4q3g5gjje8w",
    day="2026-11-11",
)


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--batch", default=1000, show_default=True, help="Waybills a request.")
@click.option("--clients", "threads", default=4, show_default=True)
def main(rounds: int, seconds: float, batch: int, threads: int) -> None:
    """Waybills a second over HTTP, beside the floor; then labels a second of one core."""
    print(f"waybills: {batch} a request, {threads} clients, {machine()}")
    good = issue(rounds, seconds, batch, threads)
    good &= labels(rounds, seconds / 2)
    sys.exit(0 if good else 1)


def issue(rounds: int, seconds: float, batch: int, threads: int) -> bool:
    with stage() as here:
        merchant = here.client("bench-shop", "merchant", platform=SHOP.platform, merchant=SHOP.merchant)
        here.client("bench-carrier", "carrier", carrier=CARRIER)
        grant_numbers(here)
        steps = {
            "floor: raw unnest inserts of the same rows": floor(here, batch),
            "gateway: POST /v1/waybills, in batches": gateway(merchant, batch),
            "gateway: POST /v1/waybills, one a request": gateway(merchant, 1),
        }
        results = alternating(steps, rounds=rounds, threads=threads, seconds=seconds)
        for name, measured in results.items():
            line(name, measured, "waybills/s")
        raw, batches, _ = results.values()
        return verdict("batches / floor", ratios(batches, raw), ISSUE_AIM) & numbers_stand_once(here)


def grant_numbers(here: Stage) -> None:
    networks = load_networks(here.instance.settings().policies / "networks")
    with psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True, row_factory=dict_row) as conn:
        grant(conn, networks, Grant(SHOP, FIRST, LAST, "main", CARRIER), utc_now())
        conn.execute(FLOOR_TABLES)


def gateway(merchant: Caller, count: int) -> Callable[[int], int]:
    """One body, made beforehand, of recipients that are all different."""
    person = [
        {"kind": "name", "value": "张三"},
        {"kind": "phone", "value": "13800138000"},
        {
            "kind": "address",
            "value": {"province": "浙江省", "city": "杭州市", "district": "西湖区", "detail": "文三路1号"},
        },
    ]
    made = merchant.post_json("/v1/tokens", {"items": person * count})["items"]
    tokens = iter([item["token"] for item in made])
    orders = [
        {
            "network": "douyin",
            "carrier": CARRIER,
            "order": f"A-{at}",
            "recipient": {"name": next(tokens), "phone": next(tokens), "address": next(tokens)},
        }
        for at in range(count)
    ]
    body = orjson.dumps(orders[0] if count == 1 else {"items": orders})

    def step(_number: int) -> int:
        merchant.post("/v1/waybills", body)
        return count

    return step


def floor(here: Stage, count: int) -> Callable[[int], int]:
    """Rows that differ where the gateway's do, made and sent in as few steps as there are tables."""
    local = threading.local()
    event = {"actor": "key:bench-shop", "role": "merchant", "action": "waybill.create", "outcome": "allow"}
    event |= {
        "carrier": CARRIER,
        "request_id": "0" * 26,
        "platform": SHOP.platform,
        "merchant": SHOP.merchant,
    }

    def step(_number: int) -> int:
        if not hasattr(local, "conn"):
            local.conn = psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True)
        now = utc_now()
        ids = new_ids(now, count)
        numbers = [f"YT{one.int % 10**13:013d}" for one in ids]
        bodies = [orjson.dumps({**event, "waybill": no, "order": f"A-{at}"}) for at, no in enumerate(numbers)]
        with local.conn.transaction():
            local.conn.execute(
                """
                insert into floor_waybill (tenant_id, id, waybill_no, network, carrier, order_ref, state,
                                           recipient_name, recipient_phone, recipient_address, receipt_code,
                                           created_at, updated_at)
                select %b, id, no, 'douyin', 'swift', no, 'created', id, id, id, 'rc_' || no, %b, %b
                from unnest(%b::uuid[], %b::text[]) as t (id, no)
                """,
                (SHOP.id, now, now, ids, numbers),
            )
            local.conn.execute(
                "insert into floor_directory select no, id, %b, true from unnest(%b::uuid[], %b::text[]) as t (id, no)",
                (SHOP.id, ids, numbers),
            )
            local.conn.execute(
                """
                insert into floor_sheet (tenant_id, waybill_id, network, carrier, source, branch, segment_id, serial,
                                         issued_at, day)
                select %b, id, 'douyin', 'swift', 'segment', 'main', id, 1, %b, %b from unnest(%b::uuid[]) as id
                """,
                (SHOP.id, now, now.date(), ids),
            )
            local.conn.execute(
                """
                insert into floor_audit (tenant_id, id, log, body, salt, commitment)
                select %b, id, 'bench', body::jsonb, salt, commitment
                from unnest(%b::uuid[], %b::text[], %b::bytea[], %b::bytea[]) as t (id, body, salt, commitment)
                """,
                (
                    SHOP.id,
                    ids,
                    [body.decode() for body in bodies],
                    [os.urandom(16) for _ in ids],
                    [hashlib.sha256(body).digest() for body in bodies],
                ),
            )
            local.conn.execute(
                "insert into floor_flow select %b, id, %b::date, 'CN/浙江省', '?' from unnest(%b::uuid[]) as id",
                (SHOP.id, now.date(), ids),
            )
            local.conn.execute(
                """
                insert into floor_audit_token (tenant_id, id, log, token)
                select %b, id, 'bench', kind || no
                from unnest(%b::uuid[], %b::text[]) as t (id, no), unnest(array['nm_', 'ph_', 'ad_']) as kind
                """,
                (SHOP.id, ids, numbers),
            )
        return count

    return step


def numbers_stand_once(here: Stage) -> bool:
    with psycopg.connect(here.instance.endpoints.admin_dsn) as conn:
        row = conn.execute("select count(*), count(distinct waybill_no) from waybill").fetchone()
    assert row is not None
    print(f"  {row[0]:,} waybills, {row[1]:,} numbers")
    return bool(row[0] == row[1] > 0)


def labels(rounds: int, seconds: float) -> bool:
    met = True
    for name, size in SIZES.items():
        rate = a_core(pages(size), rounds, seconds)
        met &= verdict(f"{name}, PDF of {PAGES} pages: labels/s a core", rate, AIM)
        for form, dpi in (("pdf", 0), ("png", 203), ("zpl", 203), ("png", 300), ("zpl", 300)):
            told = f"{name}, one {form}" + (f" of {dpi} dpi" if dpi else "")
            met &= verdict(f"{told}: labels/s a core", a_core(single(size, form, dpi), rounds, seconds), AIM)
    return met


def label_of(at: int) -> Label:
    """Nothing of a parcel is drawn twice: its number, its recipient, its relay number and its receipt's link."""
    sign = chr(0x4E00 + at % 20_000)
    recipient = Masked(f"{sign}**", f"1******{at % 10_000:04d}", f"浙江省杭州市西湖区{sign}塘街道****")
    receipt = f"https://vault.example.com/receipt/rc_{at:026d}"
    call = f"17000000000 转 {at % 1_000_000:06d}"
    return replace(LABEL, waybill_no=f"DYT{at:013d}", recipient=recipient, receipt=receipt, call=call)


def a_core(step: Callable[[], int], rounds: int, seconds: float) -> float:
    """Labels a second of processor time: the median of rounds, after one that fills the caches."""
    step()
    rates = []
    for _ in range(rounds):
        began, done = time.process_time(), 0
        while (took := time.process_time() - began) < seconds:
            done += step()
        rates.append(done / took)
    return median(rates)


def pages(size: Size) -> Callable[[], int]:
    labels = [label_of(at) for at in range(PAGES)]

    def step() -> int:
        pdf_of((marks_of(label, size) for label in labels), size)
        return PAGES

    return step


def single(size: Size, form: str, dpi: int) -> Callable[[], int]:
    made = iter(range(10**9))

    def step() -> int:
        marks = marks_of(label_of(next(made)), size)
        if form == "pdf":
            pdf_of([marks], size)
        elif form == "png":
            png_of(picture_of(marks, size, dpi), dpi)
        else:
            zpl_of(picture_of(marks, size, dpi))
        return 1

    return step


if __name__ == "__main__":
    main()
