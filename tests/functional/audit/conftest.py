"""A log of one's own to fill, past the services or through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson
import pytest

from tests.world import Actor, Town, World
from vault_gateway.access import Access, load_policies
from vault_gateway.audit.event import Event, commitment, event_body, new_salt
from vault_gateway.audit.ledger import Ledger
from vault_gateway.database import Database
from vault_gateway.ids import new_id
from vault_gateway.model import Caller, Principal, Role, Tenant

CALLER = Caller(Principal("key:loader", Role.CARRIER, carrier="loader"), "r" * 26, "192.0.2.7")


@pytest.fixture(scope="session")
def ledger(world: World) -> Iterator[Ledger]:
    """A ledger as the gateway's own role has it."""
    database = Database(world.settings.database_url, max_connections=4)
    database.open()
    yield Ledger(database, Access(load_policies(world.settings.policies / "access")), world.clock)
    database.close()


@pytest.fixture(scope="module")
def platform_auditor(world: World, town: Town) -> Actor:
    return world.actor("auditor", platform=town.platform_slug)


@pytest.fixture(scope="module")
def merchant_auditor(world: World, town: Town) -> Actor:
    return world.actor("auditor", platform=town.platform_slug, merchant=town.merchant_slug)


def tenant_of(town: Town) -> Tenant:
    return Tenant(town.platform_slug, town.merchant_slug)


def load(world: World, tenant: Tenant, events: Iterable[tuple[datetime, Event]]) -> list[str]:
    """Writes events in bulk, as the gateway would write each; their ids."""
    ids = []
    with (
        world.admin() as conn,
        conn.cursor().copy(
            "copy audit_event (tenant_id, id, log, body, salt, commitment) from stdin"
        ) as rows,
    ):
        for at, event in events:
            event_id, salt = new_id(at), new_salt()
            body = event_body(event, CALLER, tenant, str(event_id), at)
            written = orjson.dumps(body).decode()
            rows.write_row((tenant.id, event_id, tenant.platform, written, salt, commitment(salt, body)))
            ids.append(str(event_id))
    return ids
