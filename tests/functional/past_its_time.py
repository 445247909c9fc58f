"""What chores remove, made so old that they do."""

from __future__ import annotations

from tests.world import Town, World
from vault_gateway.model import Tenant

# By which column they know it.
_ENDS = {
    "relay_slot": "cool_until",
    "relay_binding": "cool_until",
    "relay_exhausted": "at",
    "relay_call": "routed_at",
    "flow_parcel": "day",
    "idempotency": "created_at",
    "courier_day": "day",
    "webhook_outbox": "dead_at",
}
_OLD = "2020-01-01"


def _of(table: str) -> str:
    """Which rows are the town's."""
    return {
        "idempotency": "principal = any (%(people)s)",
        "courier_day": "carrier = %(carrier)s",
        "webhook_outbox": "webhook_id in (select id from webhook where merchant = %(merchant)s)",
    }.get(table, "tenant_id = %(tenant)s")


def _names(town: Town) -> dict[str, object]:
    people = [f"key:{who.name}" for who in (town.merchant, town.courier, town.carrier)]
    tenant = Tenant(town.platform_slug, town.merchant_slug).id
    return {"tenant": tenant, "people": people, "carrier": town.carrier_slug, "merchant": town.merchant_slug}


def make_old(world: World, town: Town) -> None:
    """All that the town has of it; its webhook has nothing left that waits."""
    with world.admin() as conn:
        conn.execute(
            """
            insert into webhook_outbox (webhook_id, event_id, waybill_id, body, created_at, next_at)
            select id, id, id, '{}', now(), now() from webhook where merchant = %s
            """,
            (town.merchant_slug,),
        )
        conn.execute("update relay_call set failed_at = %s where failed_at is not null", (_OLD,))
        for table, column in _ENDS.items():
            statement = f"update {table} set {column} = '{_OLD}' where {_of(table)}"
            conn.execute(statement.encode(), _names(town))


def of_old(world: World, town: Town) -> dict[str, int]:
    """How many rows of each are past their time."""
    counted = {}
    with world.admin() as conn:
        for table, column in _ENDS.items():
            statement = f"select count(*) as n from {table} where {column} = '{_OLD}' and {_of(table)}"
            row = conn.execute(statement.encode(), _names(town)).fetchone()
            counted[table] = 0 if row is None else row["n"]
    return counted
