"""SQL of the identity room. Directories: no personal data, no tenant wall."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Tenant

# Unrevoked; a courier only while its carrier has not removed the handle since the key was given, and has no issuer
# that mints couriers: a handle would else be two people's.
_LIVE = """
  c.revoked_at is null and (c.role <> 'courier' or (
    exists (
      select from courier k
      where k.carrier = c.carrier and k.handle = c.name and k.removed_at is null
        and k.created_at <= c.created_at)
    and not exists (
      select from issuer i
      where i.carrier = c.carrier and 'courier' = any (i.roles) and i.revoked_at is null)))
"""

# A courier that is suspended stays a caller, which hears why.
_SUSPENDED = """
  c.role = 'courier' and exists (
    select from courier k where k.carrier = c.carrier and k.handle = c.name and k.suspended_at is not null)
"""


def client_by_key(conn: Connection, key_digest: bytes) -> Row | None:
    """A client whose key is in force."""
    return conn.execute(
        f"""
        select c.name, c.role, c.platform, c.merchant, c.carrier, c.station, {_SUSPENDED} as suspended
        from client c
        where c.name = (select client_of_key(%s)) and {_LIVE}
        """,
        (key_digest,),
    ).fetchone()


def client_by_name(conn: Connection, name: str) -> Row | None:
    """A client whether its key is in force or not, and whether it is: `live`, as `client_by_key` finds it."""
    return conn.execute(
        f"""
        select c.name, c.role, c.platform, c.merchant, c.carrier, c.station, {_SUSPENDED} as suspended,
               {_LIVE} as live
        from client c
        where c.name = %s
        """,
        (name,),
    ).fetchone()


def insert_client(conn: Connection, row: Row) -> bool:
    """False when the name was ever used: an actor in the log is one client for good."""
    cursor = conn.execute(
        """
        insert into client (name, role, platform, merchant, carrier, station, key_digest, created_at)
        values (%(name)s, %(role)s, %(platform)s, %(merchant)s, %(carrier)s, %(station)s, %(key_digest)s, %(now)s)
        on conflict (name) do nothing
        """,
        row,
    )
    return cursor.rowcount == 1


def revoke_client(conn: Connection, name: str, now: datetime) -> bool:
    cursor = conn.execute(
        "update client set revoked_at = %s where name = %s and revoked_at is null", (now, name)
    )
    return cursor.rowcount == 1


def list_clients(conn: Connection) -> list[Row]:
    return conn.execute(
        """
        select name, role, platform, merchant, carrier, station, created_at, revoked_at
        from client order by name
        """
    ).fetchall()


def ensure_platform(conn: Connection, slug: str, now: datetime) -> bool:
    cursor = conn.execute("insert into platform values (%s, %s) on conflict do nothing", (slug, now))
    return cursor.rowcount == 1


def platform_exists(conn: Connection, slug: str) -> bool:
    return conn.execute("select 1 from platform where slug = %s", (slug,)).fetchone() is not None


def ensure_tenant(conn: Connection, tenant: Tenant, now: datetime) -> bool:
    cursor = conn.execute(
        """
        insert into tenant (tenant_id, platform, merchant, created_at) values (%s, %s, %s, %s)
        on conflict do nothing
        """,
        (tenant.id, tenant.platform, tenant.merchant, now),
    )
    return cursor.rowcount == 1


def tenant_by_id(conn: Connection, tenant_id: UUID) -> Tenant | None:
    row = conn.execute("select platform, merchant from tenant where tenant_id = %s", (tenant_id,)).fetchone()
    return None if row is None else Tenant(row["platform"], row["merchant"])


def ensure_carrier(conn: Connection, slug: str, now: datetime) -> bool:
    cursor = conn.execute("insert into carrier values (%s, %s) on conflict do nothing", (slug, now))
    return cursor.rowcount == 1


def lock_carrier(conn: Connection, slug: str) -> None:
    """Until the transaction ends, nobody else changes how this carrier's couriers come: by key or by JWT."""
    conn.execute("select 1 from carrier where slug = %s for update", (slug,))


def carriers_among(conn: Connection, slugs: Collection[str]) -> frozenset[str]:
    rows = conn.execute("select slug from carrier where slug = any (%s)", (list(slugs),))
    return frozenset(row["slug"] for row in rows)


def ensure_station(conn: Connection, carrier: str, slug: str, now: datetime) -> bool:
    cursor = conn.execute(
        "insert into station values (%s, %s, %s) on conflict do nothing", (carrier, slug, now)
    )
    return cursor.rowcount == 1


def station_exists(conn: Connection, carrier: str, slug: str) -> bool:
    """Registered; or any, of a carrier whose own identity provider names its stations."""
    row = conn.execute(
        """
        select from station where carrier = %(carrier)s and slug = %(slug)s
        union all
        select from issuer where carrier = %(carrier)s and 'station' = any (roles) and revoked_at is null
        limit 1
        """,
        {"carrier": carrier, "slug": slug},
    ).fetchone()
    return row is not None


def ensure_courier(
    conn: Connection, carrier: str, handle: str, station: str | None, phone_token: UUID | None, now: datetime
) -> None:
    """Registers a handle, or renews it: what is not given stays. One that was removed begins anew, without station
    and phone: whoever had a key by that name before is not who has the handle now."""
    conn.execute(
        """
        insert into courier (carrier, handle, station, phone_token, created_at) values (%s, %s, %s, %s, %s)
        on conflict (carrier, handle) do update
        set station = case when courier.removed_at is null then coalesce(excluded.station, courier.station)
                           else excluded.station end,
            phone_token = case when courier.removed_at is null
                               then coalesce(excluded.phone_token, courier.phone_token)
                               else excluded.phone_token end,
            removed_at = null,
            created_at = case when courier.removed_at is null then courier.created_at else excluded.created_at end
        """,
        (carrier, handle, station, phone_token, now),
    )


def courier_exists(conn: Connection, carrier: str, handle: str) -> bool:
    row = conn.execute(
        "select 1 from courier where carrier = %s and handle = %s and removed_at is null", (carrier, handle)
    ).fetchone()
    return row is not None


def remove_courier(conn: Connection, carrier: str, handle: str, now: datetime) -> Row | None:
    """The removed courier's row with its phone token; None when there is no such courier."""
    return conn.execute(
        """
        update courier set removed_at = %s
        where carrier = %s and handle = %s and removed_at is null
        returning handle, phone_token
        """,
        (now, carrier, handle),
    ).fetchone()


def courier_phone(conn: Connection, carrier: str, handle: str) -> UUID | None:
    """The token of the phone that a courier is registered with now."""
    row = conn.execute(
        "select phone_token from courier where carrier = %s and handle = %s for update", (carrier, handle)
    ).fetchone()
    return None if row is None else row["phone_token"]
