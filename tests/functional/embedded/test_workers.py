"""Several processes of the gateway count together, in a Redis that `up` starts and nobody else reaches."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.functional.embedded.installation import Up, call, processes_with, run
from vault_gateway.embedded.up import default_workers

Begin = Callable[..., Up]
ASKED, ALLOWED = 60, 25


def workers_of(up: Up) -> list[int]:
    gateway = up.children()["gateway"]
    parents = {
        pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        for pid in processes_with(up.data)
    }
    return [pid for pid, parent in parents.items() if parent == gateway]


def test_a_rate_holds_for_all_workers_together(begin: Begin, folder: Path) -> None:
    rate = {"VAULT_GATEWAY_CLIENT_RATE": f"{ALLOWED}/hour"}
    up = begin(folder, options=["--workers", "3"], env=rate).wait_ready()
    assert len(workers_of(up)) == 3
    added, _ = run("client", "add", "eye", "--role", "auditor", "--data", str(folder))

    def ask(_number: int) -> int:
        return call(up.url, added.strip(), "GET", "/v1/audit/events?limit=1")[0]

    # A connection each, so that all workers are met.
    with ThreadPoolExecutor(12) as pool:
        answers = sorted(pool.map(ask, range(ASKED)))
    assert answers == [200] * ALLOWED + [429] * (ASKED - ALLOWED)
    # Only its owner reaches the counts, and they are nowhere on the disk.
    # Of a long path the socket lies elsewhere, in a folder of its own.
    elsewhere = folder / "run-redis" / "elsewhere"
    [socket] = (elsewhere if elsewhere.exists() else folder / "run-redis").iterdir()
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert up.stop() == (0, "", "")
    assert list((folder / "run-redis").iterdir()) == []
    assert not socket.exists()


def test_there_is_a_worker_for_each_core_where_there_is_a_redis(begin: Begin, folder: Path) -> None:
    assert shutil.which("redis-server"), "needs redis-server: tools/debian-packages.sh installs it"
    up = begin(folder).wait_ready()
    assert len(workers_of(up)) == default_workers() == min(os.cpu_count() or 1, 4)


def test_without_a_redis_there_is_one_worker_and_more_are_refused(
    begin: Begin, folder: Path, tmp_path: Path
) -> None:
    # Whatever else the programs need, and no redis-server.
    path = tmp_path / "bin"
    path.mkdir()
    for named in ("setpriv", "true"):
        found = shutil.which(named)
        assert found is not None
        (path / named).symlink_to(found)
    up = begin(folder, env={"PATH": str(path)}).wait_ready()
    assert len(workers_of(up)) == 1
    assert "redis" not in up.children()
    assert up.stop()[0] == 0
    status, _, err = begin(folder, options=["--workers", "2"], env={"PATH": str(path)}).ended()
    assert status == 1
    assert "there is none here: install redis-server" in err
    assert err.count("\n") == 1


def test_the_operators_own_redis_is_used_and_none_started(begin: Begin, folder: Path) -> None:
    """That it is away is seen, and not a reason to end: so it is with `serve`."""
    env = {"VAULT_GATEWAY_REDIS_URL": f"redis+unix://{folder}/none.sock", "VAULT_GATEWAY_WORKERS": "2"}
    up = begin(folder, env=env).wait_ready()
    assert "redis" not in up.children()
    assert len(workers_of(up)) == 2
    assert call(up.url, "", "GET", "/readyz")[1]["checks"]["limits"] == "local"
