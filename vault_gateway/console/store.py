"""SQL of the console: by the code on a parcel, over all tenants."""

from __future__ import annotations

from vault_gateway.database import Connection, Row


def find_parcel(conn: Connection, code: str) -> Row | None:
    """`waybill_no, network, carrier, platform, state, created_at`."""
    return conn.execute("select * from receipt_parcel(%s)", (code,)).fetchone()


def find_disclosures(conn: Connection, code: str, limit: int) -> list[Row]:
    """`kind, at, carrier, purpose, fields, confirmed`, newest first."""
    return conn.execute("select * from receipt_disclosures(%s, %s)", (code, limit)).fetchall()
