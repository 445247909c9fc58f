"""SQL of issuers and of revoked tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import psycopg

from vault_gateway.database import Connection, Row
from vault_gateway.model import Principal


def trusted_issuer(conn: Connection, iss: str) -> Row | None:
    return conn.execute(
        "select id, jwks, roles, platform, merchant, carrier from issuer where iss = %s and revoked_at is null",
        (iss,),
    ).fetchone()


def still_admitted(
    conn: Connection, issuer_id: str, iss: str, jti: str | None, principal: Principal
) -> Principal | None:
    """The principal as it is now: a courier may be suspended. None once the issuer or the token is revoked, and for a
    courier that its carrier does not have."""
    row = conn.execute(
        """
        select exists (select from issuer where id = %(id)s and revoked_at is null)
          and not exists (select from revoked_token where iss = %(iss)s and jti = %(jti)s)
          and (%(handle)s::text is null or exists (
            select from courier
            where carrier = %(carrier)s and handle = %(handle)s and removed_at is null)) as admitted,
          exists (
            select from courier
            where carrier = %(carrier)s and handle = %(handle)s and suspended_at is not null) as suspended
        """,
        {
            "id": issuer_id,
            "iss": iss,
            "jti": jti,
            "carrier": principal.carrier,
            "handle": principal.handle,
        },
    ).fetchone()
    if row is None or not row["admitted"]:
        return None
    return replace(principal, suspended=row["suspended"])


def token_stands(conn: Connection, issuer_id: str, jti: str) -> bool:
    """False once the issuer, or its token of that name, is revoked."""
    row = conn.execute(
        """
        select 1 from issuer i
        where i.id = %s and i.revoked_at is null
          and not exists (select from revoked_token r where r.iss = i.iss and r.jti = %s)
        """,
        (issuer_id, jti),
    ).fetchone()
    return row is not None


def insert_issuer(conn: Connection, row: Row) -> bool:
    """False when the issuer is trusted already, or its carrier has another one that mints couriers."""
    try:
        with conn.transaction():
            conn.execute(
                """
                insert into issuer (id, iss, jwks, roles, platform, merchant, carrier, created_at)
                values (%(id)s, %(iss)s, %(jwks)s, %(roles)s, %(platform)s, %(merchant)s, %(carrier)s, %(now)s)
                """,
                row,
            )
    except psycopg.errors.UniqueViolation:
        return False
    return True


def revoke_issuer(conn: Connection, iss: str, now: datetime) -> bool:
    cursor = conn.execute(
        "update issuer set revoked_at = %s where iss = %s and revoked_at is null", (now, iss)
    )
    return cursor.rowcount == 1


def list_issuers(conn: Connection) -> list[Row]:
    return conn.execute(
        """
        select id, iss, jwks, roles, platform, merchant, carrier, created_at, revoked_at
        from issuer order by iss, created_at
        """
    ).fetchall()


def mints_couriers(conn: Connection, carrier: str) -> bool:
    row = conn.execute(
        "select 1 from issuer where carrier = %s and 'courier' = any (roles) and revoked_at is null",
        (carrier,),
    ).fetchone()
    return row is not None


def revoke_courier_clients(conn: Connection, carrier: str, now: datetime) -> int:
    """How many couriers of that carrier had a key until now."""
    cursor = conn.execute(
        """
        update client set revoked_at = %s where carrier = %s and role = 'courier' and revoked_at is null
        """,
        (now, carrier),
    )
    return cursor.rowcount


def revoke_token(conn: Connection, iss: str, jti: str, now: datetime) -> None:
    conn.execute(
        "insert into revoked_token (iss, jti, revoked_at) values (%s, %s, %s) on conflict do nothing",
        (iss, jti, now),
    )


def knows_issuer(conn: Connection, iss: str) -> bool:
    """Whether it is, or ever was, trusted."""
    return conn.execute("select 1 from issuer where iss = %s", (iss,)).fetchone() is not None
