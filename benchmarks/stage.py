"""What every benchmark stands on: a gateway of its own, clients, loops of threads, and lines to print."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import orjson
import psycopg
import urllib3
import yaml
from psycopg.rows import dict_row

from vault_gateway.embedded.instance import Instance
from vault_gateway.embedded.processes import free_port
from vault_gateway.embedded.up import running
from vault_gateway.identity import clients
from vault_gateway.keys import Operator, Vault
from vault_gateway.model import Role, utc_now
from vault_gateway.settings.policies import default_policies


@dataclass(frozen=True)
class Stage:
    """A running instance with its gateway."""

    instance: Instance
    url: str

    def client(self, name: str, role: str, **names: str) -> Caller:
        settings = self.instance.settings()
        with (
            psycopg.connect(self.instance.endpoints.admin_dsn, autocommit=True, row_factory=dict_row) as conn,
            Vault(settings.vault_addr, operations=1) as vault,
        ):
            operator = Operator(vault, settings.identities["operator"])
            new = clients.NewClient(name, Role(role), **names)
            key = clients.add(conn, new, utc_now(), create_keys=operator.create_platform, say=lambda _: None)
        return Caller(self.url, key)


class Caller:
    """An HTTP client with one connection a thread."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=64)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(self, path: str) -> bytes:
        answer = self._pool.request("GET", self._url + path, headers=self._headers, retries=False)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {answer.data[:300]!r}")
        return answer.data

    def post(self, path: str, body: bytes) -> bytes:
        answer = self._pool.request("POST", self._url + path, body=body, headers=self._headers, retries=False)
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path} answered {answer.status}: {answer.data[:300]!r}")
        return answer.data

    def post_json(self, path: str, body: Any) -> Any:
        return orjson.loads(self.post(path, orjson.dumps(body)))


@contextmanager
def stage(workers: int | None = None) -> Iterator[Stage]:
    """With so many processes of the gateway, or as many as `up` starts by itself."""
    with tempfile.TemporaryDirectory(prefix="vault-gateway-bench-") as folder:
        # As root PostgreSQL is another user, who has to pass through.
        Path(folder).chmod(0o711)
        os.environ["VAULT_GATEWAY_POLICIES"] = str(_policies(Path(folder) / "policies"))
        # What is measured is how fast it could be, not how fast one client may.
        os.environ["VAULT_GATEWAY_CLIENT_RATE"] = "1000000/minute"
        with running(Path(folder) / "data", port=free_port(), workers=workers) as (instance, url):
            yield Stage(instance, url)


def _policies(folder: Path) -> Path:
    """Those that ship, with quotas and rates that are counted as ever and never used up."""
    shutil.copytree(default_policies(), folder)
    quotas = yaml.safe_load((folder / "quotas.yaml").read_text(encoding="utf-8"))
    quotas["reveals_a_day"]["courier"] = 10**9
    quotas["scraping_alarm"]["recipients"]["floor"] = 10**9
    for rates in quotas["rates"].values():
        rates.update(dict.fromkeys(rates, "1000000/minute"))
    (folder / "quotas.yaml").write_text(yaml.safe_dump(quotas), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Result:
    """What a loop of threads did: units a second, and each step's time in ms."""

    per_second: float
    times_ms: list[float]

    def percentile(self, percent: int) -> float:
        return quantiles(self.times_ms, n=100)[percent - 1]


def loop(step: Callable[[int], int], *, threads: int, seconds: float) -> Result:
    """Runs `step(thread number)`, which returns how many units it did, in `threads`
    until the time is over or it has nothing left to do (0)."""
    barrier = threading.Barrier(threads + 1)
    stop_at = [0.0]

    def run(number: int) -> tuple[int, list[float]]:
        done, times = 0, []
        barrier.wait()
        while (began := time.perf_counter()) < stop_at[0]:
            units = step(number)
            if not units:
                break
            done += units
            times.append((time.perf_counter() - began) * 1000)
        return done, times

    with ThreadPoolExecutor(threads) as pool:
        loops = [pool.submit(run, number) for number in range(threads)]
        began = time.perf_counter()
        stop_at[0] = began + seconds
        barrier.wait()
        results = [one.result() for one in loops]
    took = time.perf_counter() - began
    return Result(sum(done for done, _ in results) / took, [ms for _, times in results for ms in times])


def alternating(
    steps: Mapping[str, Callable[[int], int]], *, rounds: int, threads: int, seconds: float
) -> dict[str, list[Result]]:
    """Each step in turn, round by round, after a second of warming up: what drifts falls on all of them."""
    results: dict[str, list[Result]] = {name: [] for name in steps}
    for step in steps.values():
        loop(step, threads=threads, seconds=1)
    for _ in range(rounds):
        for name, step in steps.items():
            results[name].append(loop(step, threads=threads, seconds=seconds))
    return results


def ratios(above: Sequence[Result], below: Sequence[Result]) -> float:
    """The median of the rates' ratios, round by round: what drifts between rounds falls out."""
    return median(a.per_second / b.per_second for a, b in zip(above, below, strict=True))


def line(name: str, results: Sequence[Result], unit: str) -> None:
    rate = median(result.per_second for result in results)
    p50 = median(result.percentile(50) for result in results)
    p99 = median(result.percentile(99) for result in results)
    print(f"  {name:<44} {rate:>10,.0f} {unit:<10} p50 {p50:>7.2f} ms   p99 {p99:>7.2f} ms")


def ratio(name: str, value: float) -> None:
    print(f"  {name:<44} {value:>10.2f}")


def verdict(name: str, value: float, aim: float, *, at_least: bool = True) -> bool:
    met = value >= aim if at_least else value <= aim
    sign = "at least" if at_least else "at most"
    print(f"  {name:<44} {value:>10.2f}   aim {sign} {aim:g}: {'met' if met else 'MISSED'}")
    return met


def machine() -> str:
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
