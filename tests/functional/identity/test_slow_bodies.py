"""A caller is judged when its request is whole: whoever is revoked while the body trickles in gets nothing for it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import orjson
import pytest
from urllib3.util import parse_url

from tests import canaries
from tests.functional.reveals.steps import issued
from tests.world import Actor, World, new_town
from vault_gateway.identity import store
from vault_gateway.identity.memory import REMEMBER_S
from vault_gateway.model import utc_now


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[str]:
    with world.served() as url:
        yield url


class Slow:
    """A POST whose head and half of whose body are sent at once, and the rest when it is asked for."""

    def __init__(self, url: str, key: str, path: str, body: object) -> None:
        raw = orjson.dumps(body) + b" " * 8
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        half = len(raw) // 2
        self._conn = socket.create_connection(("127.0.0.1", parse_url(url).port), timeout=10)
        self._conn.sendall(head.encode() + raw[:half])
        self._rest = raw[half:]

    def send_rest(self) -> None:
        self._conn.sendall(self._rest)

    def status(self) -> int:
        with self._conn as conn:
            return int(conn.recv(65536).split()[1])


def revoke(world: World, actor: Actor) -> None:
    with world.admin() as conn:
        assert store.revoke_client(conn, actor.name, utc_now())


def test_who_is_revoked_while_the_body_is_on_its_way_is_refused(world: World, served: str) -> None:
    towns = [new_town(world) for _ in range(3)]
    opens, claims, stays = (town.out_for_delivery() for town in towns)
    reveal = issued(towns[1].courier, claims)
    wanted = {"purpose": "deliver", "claim": True}
    slow = {
        "revoked, opens": Slow(served, towns[0].courier.key, "/v1/reveals", {"waybill_no": opens, **wanted}),
        "revoked, writes": Slow(
            served, towns[0].merchant.key, "/v1/tokens", {"items": canaries.items_of(canaries.person())}
        ),
        "suspended, claims": Slow(served, towns[1].courier.key, f"/v1/reveals/{reveal}/claim", {}),
        "not revoked": Slow(served, towns[2].courier.key, "/v1/reveals", {"waybill_no": stays, **wanted}),
    }
    time.sleep(1)
    revoke(world, towns[0].courier)
    revoke(world, towns[0].merchant)
    with world.admin() as conn:
        conn.execute(
            "update courier set suspended_at = now() where carrier = %s and handle = %s",
            (towns[1].carrier_slug, towns[1].courier.name),
        )
    # For as long as a gateway may remember a key.
    time.sleep(REMEMBER_S + 0.5)
    for one in slow.values():
        one.send_rest()
    assert {name: one.status() for name, one in slow.items()} == {
        "revoked, opens": 401,
        "revoked, writes": 401,
        "suspended, claims": 403,
        "not revoked": 201,
    }


def test_who_has_no_key_is_not_listened_to(served: str) -> None:
    assert Slow(served, "vg_nobodys", "/v1/tokens", {"items": []}).status() == 401
