"""SQL of the orders in a parcel: the first is a column of its own, those that were merged with it are rows; and so are
the tokens that came with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.waybills.waybill import Waybill


def further_orders(table: LiteralString, waybill_id: LiteralString) -> LiteralString:
    """A column `further_orders` for rows of `table` that hold the first as `order_ref`."""
    return f"""
    array(
      select further.order_ref from merged_order further
      where further.tenant_id = {table}.tenant_id and further.waybill_id = {table}.{waybill_id}
      order by further.place
    ) as further_orders
    """


def orders_of(row: Row) -> tuple[str, ...]:
    return () if row["order_ref"] is None else (row["order_ref"], *row["further_orders"])


def insert_further_orders(conn: Connection, tenant_id: UUID, waybills: Sequence[Waybill]) -> None:
    rows = [
        (waybill.id, place, order)
        for waybill in waybills
        for place, order in enumerate(waybill.orders[1:], start=1)
    ]
    if not rows:
        return
    conn.execute(
        """
        insert into merged_order (tenant_id, waybill_id, place, order_ref)
        select %b, further.* from unnest(%b::uuid[], %b::smallint[], %b::text[]) as further
        """,
        (tenant_id, *(list(column) for column in zip(*rows, strict=True))),
        binary=True,
    )


def insert_merged_recipients(conn: Connection, tenant_id: UUID, tokens: Sequence[tuple[UUID, UUID]]) -> None:
    """Tokens of further orders' recipients, each behind the id of its parcel."""
    if not tokens:
        return
    conn.execute(
        """
        insert into merged_recipient (tenant_id, waybill_id, token)
        select %b, merged.* from unnest(%b::uuid[], %b::uuid[]) as merged
        """,
        (tenant_id, *(list(column) for column in zip(*tokens, strict=True))),
        binary=True,
    )


def remove_merged_recipients(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> None:
    conn.execute(
        "delete from merged_recipient where tenant_id = %s and waybill_id = %s", (tenant_id, waybill_id)
    )
