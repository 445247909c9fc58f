"""When the house is kept."""

from __future__ import annotations

from vault_gateway.database import Database
from vault_gateway.housekeeping import keep_house


def test_the_house_is_kept_until_the_database_is_closed() -> None:
    database = Database("host=127.0.0.1")
    thread = keep_house(database, {}, every_s=60)
    thread.join(0.2)
    assert thread.is_alive()
    database.close()
    thread.join(5)
    assert not thread.is_alive()
