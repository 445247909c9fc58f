"""Parcels are made and moved by two gateways, one of which is killed in the middle, while another process folds and
shows: the roll-up is what the parcels say, and what is shown is what it says."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import urllib3

from tests import canaries
from tests.faults.killing import mortal
from tests.functional.flows.books import as_gateway, counted, flows, recounted
from tests.world import Town, World, new_town
from vault_gateway.flows.showing import keep_showing

THREADS, ROUNDS, BATCH = 8, 2, 8


@dataclass
class Trade:
    """What a shop and its carrier do, and what happened meanwhile."""

    shop: Town
    order: dict[str, Any]
    second: str
    cut_off: list[str] = field(default_factory=list)
    moved: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def work(self, url: str) -> None:
        pool = urllib3.PoolManager(maxsize=1)
        for _ in range(ROUNDS):
            made = self.post(
                pool, url, self.shop.merchant.key, "/v1/waybills", {"items": [self.order] * BATCH}
            )
            if made is None:
                url = self.second
                continue
            for item in made["items"]:
                for type_ in ("accepted", "in_transit"):
                    path = f"/v1/waybills/{item['waybill_no']}/events"
                    if self.post(pool, url, self.shop.carrier.key, path, {"type": type_}) is None:
                        url = self.second
                    self.moved.release()

    def post(self, pool: urllib3.PoolManager, url: str, key: str, path: str, body: Any) -> Any:
        """The answer, or None where a gateway died before it came."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        while True:
            try:
                answer = pool.request(
                    "POST", url + path, body=orjson.dumps(body), headers=headers, retries=False, timeout=30
                )
            except urllib3.exceptions.HTTPError:
                self.cut_off.append(path)
                return None
            if answer.status != 503:
                assert answer.status in (201, 409), answer.data
                return answer.json()
            time.sleep(0.05)

    def kill_in_the_middle(self, die: threading.Event) -> None:
        for _ in range(THREADS * BATCH):
            self.moved.acquire()
        die.set()


def keep_folding(world: World, done: threading.Event) -> None:
    with as_gateway(world) as conn:
        while not done.wait(0.02):
            keep_showing(conn, world.clock(), timedelta(0))


def test_the_roll_up_is_what_the_parcels_say_whatever_dies(world: World) -> None:
    shop = new_town(world)
    recipient = shop.tokenize(canaries.person()).as_recipient()
    done = threading.Event()
    with mortal(world) as (first, die), world.served() as second:
        order = {"network": "douyin", "carrier": shop.carrier_slug, "recipient": recipient}
        trade = Trade(shop, order, second)
        workers = [
            threading.Thread(target=trade.work, args=(url,)) for url in [first, second] * (THREADS // 2)
        ]
        killer = threading.Thread(target=trade.kill_in_the_middle, args=(die,))
        folder = threading.Thread(target=keep_folding, args=(world, done))
        for thread in (*workers, killer, folder):
            thread.start()
        for thread in workers:
            thread.join(120)
        done.set()
        folder.join(30)
        assert not any(thread.is_alive() for thread in (*workers, folder))
        killer.join(30)

    assert trade.cut_off, "nobody was in the middle of anything when it died"
    with world.admin() as conn:
        parcels = recounted(conn, shop.carrier_slug)
        assert parcels.total() > THREADS * BATCH
        for book in (f"carrier/{shop.carrier_slug}", f"platform/{shop.platform_slug}"):
            assert counted(conn, book) == parcels
    with as_gateway(world) as conn:
        keep_showing(conn, world.clock(), timedelta(0))
    [line] = flows(shop.carrier)
    # 18 of a day at most, and midnight may have been meanwhile.
    assert 0 <= parcels.total() - line["parcels"] <= 2 * 18
