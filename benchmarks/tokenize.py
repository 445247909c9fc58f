"""How fast values become tokens: HTTP end to end, beside the floor, beside the way by hand.

    python -m benchmarks.tokenize [--rounds 5] [--seconds 4] [--items 300] [--clients 4]

The floor is what no gateway could leave out: values are put into one transit encrypt batch per kind and one HMAC
batch, and what comes back into one unnest insert with its commit, from as many threads, on the same engines. Below it
stand the engines alone, with requests made beforehand and answers unread. By hand is a loop that calls hvac for each
field.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

import click
import hvac
import orjson
import psycopg

from benchmarks.stage import Caller, Stage, alternating, line, loop, machine, ratio, ratios, stage, verdict
from vault_gateway.ids import new_ids
from vault_gateway.keys import Address, Credential, Vault
from vault_gateway.keys.batches import base64
from vault_gateway.keys.contexts import derivation_context
from vault_gateway.keys.identity import Session
from vault_gateway.keys.server import Request
from vault_gateway.model import Kind, utc_now

PLATFORM, MERCHANT = "bench", "shop"
FLOOR_TABLE = """
create table floor_token (tenant_id uuid, id uuid, kind text, key_version int, ciphertext bytea, blind_index bytea,
                          masked text, last4 text, region jsonb, created_at timestamptz, primary key (tenant_id, id));
create index on floor_token (tenant_id, blind_index);
create index on floor_token (tenant_id, last4, id) where last4 is not null;
"""


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--items", default=300, show_default=True)
@click.option("--clients", "threads", default=4, show_default=True)
def main(rounds: int, seconds: float, items: int, threads: int) -> None:
    """Tokenise over HTTP, beside the floor and the way by hand."""
    print(f"tokenize: {items} items a request, {threads} clients, {machine()}")
    with stage() as here:
        merchant = here.client("bench-shop", "merchant", platform=PLATFORM, merchant=MERCHANT)
        with psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True) as conn:
            conn.execute(FLOOR_TABLE)
        steps = {
            "floor: raw encrypt + HMAC + unnest insert": raw(here, items),
            "the engines alone: answers unread": engines(here, items),
            "gateway: POST /v1/tokens": gateway(merchant, items),
            "by hand: a loop of hvac calls": by_hand(here),
        }
        results = alternating(steps, rounds=rounds, threads=threads, seconds=seconds)
        alone = [loop(by_hand(here), threads=1, seconds=1) for _ in range(rounds)]
    for name, measured in results.items():
        line(name, measured, "items/s")
    line("by hand, one client", alone, "items/s")
    floor, unread, ours, hand = results.values()
    good = verdict("gateway / floor", ratios(ours, floor), 0.6)
    ratio("gateway / the engines alone", ratios(ours, unread))
    good &= verdict("gateway / by hand, as many clients", ratios(ours, hand), 15)
    sys.exit(0 if good else 1)


def values(count: int) -> list[dict[str, Any]]:
    """A third each of phones, names and addresses, all different."""
    items: list[dict[str, Any]] = []
    for number in range(count):
        digits = random.randrange(10**8)
        if number % 3 == 0:
            items.append({"kind": "phone", "value": f"138{digits:08d}"})
        elif number % 3 == 1:
            items.append({"kind": "name", "value": f"张{chr(0x4E00 + digits % 5000)}"})
        else:
            address = {
                "province": "浙江省",
                "city": "杭州市",
                "district": "西湖区",
                "detail": f"文三路{digits}号",
            }
            items.append({"kind": "address", "value": address})
    return items


def gateway(merchant: Caller, count: int) -> Callable[[int], int]:
    """Bodies are made beforehand: a client's own work is not the gateway's."""
    bodies = [orjson.dumps({"items": values(count)}) for _ in range(64)]

    def step(_number: int) -> int:
        merchant.post("/v1/tokens", random.choice(bodies))
        return count

    return step


def raw(here: Stage, count: int) -> Callable[[int], int]:
    """Values become rows with nothing around it: no caller, no limits, no policy, no normalising, no mask, no event."""
    ask, local = _asking(here), threading.local()
    tenant = new_ids(utc_now(), 1)[0]
    submitted = [values(count) for _ in range(64)]

    def step(_number: int) -> int:
        items, now = random.choice(submitted), utc_now()
        ids = new_ids(now, count)
        plain = [orjson.dumps(item["value"]) for item in items]
        kinds = [Kind(item["kind"]) for item in items]
        contexts = [
            derivation_context(Address(tenant, kind, id_)) for kind, id_ in zip(kinds, ids, strict=True)
        ]
        positions = {kind: [at for at, of in enumerate(kinds) if of is kind] for kind in Kind}
        bodies = [
            orjson.dumps(
                {
                    "batch_input": [
                        {"plaintext": base64(plain[at]).decode(), "context": base64(contexts[at]).decode()}
                        for at in where
                    ]
                }
            )
            for where in positions.values()
        ]
        hmacs = orjson.dumps({"batch_input": [{"input": base64(value).decode()} for value in plain]})
        *closed, indexes = ask(bodies, hmacs)
        ciphertexts = [b""] * count
        for where, answer in zip(positions.values(), closed, strict=True):
            for at, one in zip(where, orjson.loads(answer)["data"]["batch_results"], strict=True):
                ciphertexts[at] = a2b_base64(one["ciphertext"].split(":", 2)[2])
        found = [
            a2b_base64(one["hmac"].split(":", 2)[2]) for one in orjson.loads(indexes)["data"]["batch_results"]
        ]
        _insert(here, local, (tenant, now, ids, [kind.value for kind in kinds], ciphertexts, found))
        return count

    return step


def engines(here: Stage, count: int) -> Callable[[int], int]:
    """Finished requests, sent as they are, and answers that nobody reads: the engines' own time and the way there."""
    ask, local = _asking(here), threading.local()
    tenant = new_ids(utc_now(), 1)[0]
    bodies = [
        b'{"batch_input":[%b]}'
        % b",".join(
            b'{"plaintext":"%b","context":"%b"}'
            % (base64(os.urandom(20)), base64(derivation_context(Address(tenant, kind, tenant))))
            for _ in range(count // 3)
        )
        for kind in Kind
    ]
    hmacs = b'{"batch_input":[%b]}' % b",".join(
        b'{"input":"%b"}' % base64(os.urandom(60)) for _ in range(count)
    )
    kinds, ciphertexts = ["phone"] * count, [b"c" * 48] * count

    def step(_number: int) -> int:
        now = utc_now()
        ids = new_ids(now, count)
        ask(bodies, hmacs)
        _insert(here, local, (tenant, now, ids, kinds, ciphertexts, [id_.bytes * 2 for id_ in ids]))
        return count

    return step


def _asking(here: Stage) -> Callable[[list[bytes], bytes], list[bytes]]:
    settings = here.instance.settings()
    vault = Vault(settings.vault_addr, batch_items=settings.vault_batch_items)
    token = Session(vault, settings.identities["tokenizer"]).token(vault.deadline())
    paths = [*(f"transit/encrypt/{kind.value}-{PLATFORM}" for kind in Kind), "transit/hmac/blind-index"]

    def ask(bodies: list[bytes], hmacs: bytes) -> list[bytes]:
        requests = [Request("POST", path, body) for path, body in zip(paths, [*bodies, hmacs], strict=True)]
        answers = vault.calls(requests, token)
        if failed := [status for status, _ in answers if status != 200]:
            raise RuntimeError(f"OpenBao answered {failed[0]}")
        return [data for _, data in answers]

    return ask


def _insert(here: Stage, local: threading.local, row: tuple[Any, ...]) -> None:
    if not hasattr(local, "conn"):
        local.conn = psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True)
    tenant, now, ids, kinds, ciphertexts, indexes = row
    local.conn.execute(
        "insert into floor_token select %b, id, kind, 1, ct, bi, mask, '0001', null, %b"
        " from unnest(%b::uuid[], %b::text[], %b::bytea[], %b::bytea[], %b::text[]) as t (id, kind, ct, bi, mask)",
        (tenant, now, ids, kinds, ciphertexts, indexes, ["1******"] * len(ids)),
        binary=True,
    )


def by_hand(here: Stage) -> Callable[[int], int]:
    """What a merchant would write: log in, then encrypt and HMAC field by field."""
    settings = here.instance.settings()
    credential: Credential = settings.identities["tokenizer"]
    local = threading.local()
    context = base64(
        derivation_context(Address(new_ids(utc_now(), 1)[0], Kind.PHONE, new_ids(utc_now(), 1)[0]))
    )

    def step(_number: int) -> int:
        if not hasattr(local, "client"):
            local.client = hvac.Client(url=settings.vault_addr)
            local.client.auth.approle.login(credential.role_id, credential.secret_id)
        transit = local.client.secrets.transit
        plaintext = base64(b"+8613800138000").decode()
        transit.encrypt_data(f"phone-{PLATFORM}", plaintext=plaintext, context=context.decode())
        transit.generate_hmac("blind-index", plaintext)
        return 1

    return step


if __name__ == "__main__":
    main()
