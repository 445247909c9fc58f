"""SQL of sheets: what fees need to know of each waybill's number. A row commits with its waybill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.networks.issuing import Issued
from vault_gateway.waybills.waybill import Waybill


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where a waybill's number is from: a segment (`issued`), the merchant itself, or the network's test rule."""

    waybill: Waybill
    source: str
    issued: Issued | None = None


def insert_sheets(conn: Connection, tenant_id: UUID, sheets: Sequence[Sheet], day: date) -> None:
    """`day` is the platform's on which they are issued: that is the one they are counted on."""
    issued = [sheet.issued for sheet in sheets]
    conn.execute(
        """
        insert into waybill_sheet (tenant_id, waybill_id, network, carrier, source, branch, segment_id, serial,
                                   issued_at, day)
        select %b, s.*, %b from unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::uuid[],
                                   %b::bigint[], %b::timestamptz[]) as s
        """,
        (
            tenant_id,
            day,
            [sheet.waybill.id for sheet in sheets],
            [sheet.waybill.network for sheet in sheets],
            [sheet.waybill.carrier for sheet in sheets],
            [sheet.source for sheet in sheets],
            [one and one.branch for one in issued],
            [one and one.segment_id for one in issued],
            [one and one.serial for one in issued],
            [sheet.waybill.created_at for sheet in sheets],
        ),
        binary=True,
    )


def find_sheet(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> Row | None:
    """Which segment a number is from, if from any."""
    return conn.execute(
        "select branch, segment_id, serial from waybill_sheet where tenant_id = %s and waybill_id = %s",
        (tenant_id, waybill_id),
    ).fetchone()


def close_sheet(conn: Connection, tenant_id: UUID, waybill_id: UUID, *, counted: bool, now: datetime) -> None:
    """It was cancelled, and is counted or not all the same."""
    conn.execute(
        "update waybill_sheet set counted = %s, cancelled_at = %s where tenant_id = %s and waybill_id = %s",
        (counted, now, tenant_id, waybill_id),
    )
