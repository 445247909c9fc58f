"""Chores that no request waits for, done again and again beside them: partitions made weeks ahead, records removed
that are past their time. Each can be done by any number of processes at once, and done twice does no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from vault_gateway import metrics
from vault_gateway.database import Connection, Database
from vault_gateway.errors import GatewayError

log = structlog.get_logger("vault_gateway.housekeeping")

Chore = Callable[[Connection], object]

EVERY_S = 600.0


def keep_house(
    database: Database, chores: Mapping[str, Chore], *, every_s: float = EVERY_S
) -> threading.Thread:
    """Does all chores now and again and again, in a thread that ends with the process or the database's closing."""

    def run() -> None:
        tidy_up(database, chores)
        while not database.closed.wait(every_s):
            tidy_up(database, chores)

    thread = threading.Thread(target=run, name="housekeeping", daemon=True)
    thread.start()
    return thread


def tidy_up(database: Database, chores: Mapping[str, Chore]) -> None:
    """Each once. One that fails is counted and logged, keeps the others from nothing, and comes again."""
    for name, chore in chores.items():
        try:
            with database.connection() as conn:
                chore(conn)
        except Exception as error:  # noqa: BLE001 -- whatever it is, this thread is the only one there is
            metrics.HOUSEKEEPING_FAILURES.labels(name).inc()
            # Not the text of an exception that is not ours: it may quote a value.
            code = error.code if isinstance(error, GatewayError) else type(error).__name__
            log.warning("chore failed", chore=name, code=code)
