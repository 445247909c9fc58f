"""One segment, 32 threads on two gateways, one of which is killed in the middle: every number goes out on exactly one
waybill, and none is lost."""

from __future__ import annotations

import random
import threading
import time

import orjson
import urllib3

from tests import canaries
from tests.faults.killing import mortal
from tests.functional.waybills.orders import order
from tests.functional.waybills.segments import counts, granted, numbers_of
from tests.world import World, new_town

SIZE, THREADS = 1600, 32


def test_every_number_goes_out_once_whatever_dies(world: World) -> None:
    shop = new_town(world)
    tokens = shop.tokenize(canaries.person())
    numbers = granted(world, shop, SIZE)
    headers = {"Authorization": f"Bearer {shop.merchant.key}", "Content-Type": "application/json"}
    acknowledged: list[str] = []
    cut_off: list[int] = []

    with mortal(world) as (first, die), world.served() as second:
        together = threading.Barrier(THREADS)

        def issue(number: int) -> None:
            urls = [first, second] if number % 2 else [second]
            pool = urllib3.PoolManager(maxsize=1)
            together.wait()
            while True:
                body = orjson.dumps({"items": [order(shop, tokens)] * random.randint(1, 20)})
                try:
                    answer = pool.request(
                        "POST",
                        f"{urls[0]}/v1/waybills",
                        body=body,
                        headers=headers,
                        retries=False,
                        timeout=30,
                    )
                except urllib3.exceptions.HTTPError:
                    cut_off.append(number)
                    urls = [second]
                    continue
                if answer.status == 503:
                    time.sleep(0.05)
                    continue
                assert answer.status in (201, 207, 422), answer.data
                made = numbers_of(answer.json()["items"])
                acknowledged.extend(made)
                if len(acknowledged) > SIZE // 4:
                    die.set()
                if not made:
                    return

        threads = [threading.Thread(target=issue, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in threads)

    assert cut_off, "nobody was in the middle of anything when it died"
    assert len(acknowledged) == len(set(acknowledged))
    with world.admin() as conn:
        rows = conn.execute(
            "select waybill_no from waybill where carrier = %s", (shop.carrier_slug,)
        ).fetchall()
    assert sorted(row["waybill_no"] for row in rows) == numbers
    assert set(acknowledged) <= set(numbers)
    assert counts(shop.merchant) == (0, SIZE, 0, 0)
