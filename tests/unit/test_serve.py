"""The server's own process outlives whatever is wrong with new policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from tests.unit.test_settings import SETTINGS
from vault_gateway.access.snapshot import Snapshot
from vault_gateway.serve import Server


def test_no_fault_of_new_policies_ends_the_server_nor_is_quoted(tmp_path: Path) -> None:
    faults = iter([None, KeyError("a text of some file"), RecursionError(), None])

    def load(_: Path) -> Any:
        if (fault := next(faults)) is not None:
            raise fault

    snapshot = Snapshot(tmp_path, load)
    try:
        server = Server(SETTINGS, snapshot)
        with structlog.testing.capture_logs() as logs:
            assert [server.renew_policies() for _ in range(3)] == [False, False, True]
    finally:
        snapshot.close()
    assert [entry["reason"] for entry in logs] == ["KeyError", "RecursionError"]
