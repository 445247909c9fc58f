"""Many requests at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
import urllib3

from tests.world import Actor

T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """`work(0)` to `work(count - 1)`, let go together."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait(20)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def post(url: str, actor: Actor, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = urllib3.request(
        "POST",
        url + path,
        body=orjson.dumps(body),
        headers={"Authorization": f"Bearer {actor.key}", "Content-Type": "application/json"},
        timeout=30,
        retries=False,
    )
    return answer.status, orjson.loads(answer.data)
