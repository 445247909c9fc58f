"""SQL of calls and messages: which end was dialled, what was connected, what the telecom reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from vault_gateway.audit.store.events import Recording
from vault_gateway.database import Connection, Row
from vault_gateway.keys import Address, Ciphertext
from vault_gateway.model import CARRIER_PLATFORM, Kind, Tenant
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.tokens import store as token_store


@dataclass(frozen=True, slots=True)
class SealedPhone:
    """A phone that may be opened: where it lives, and its ciphertext."""

    phone: Phone
    platform: str
    ciphertext: Ciphertext

    @property
    def item(self) -> tuple[Address, Ciphertext]:
        return Address(self.phone.tenant_id, Kind.PHONE, self.phone.token), self.ciphertext


@dataclass(frozen=True, slots=True)
class End:
    """What was dialled. `reaches` and `courier` are None where the phone is erased or there is none."""

    binding_id: UUID
    waybill_id: UUID
    waybill_no: str
    tenant: Tenant
    carrier: str
    released: bool
    expires_at: datetime
    cool_until: datetime
    reaches: SealedPhone | None
    courier: SealedPhone | None
    # Found by who calls, not by an extension: it is the recipient calling back.
    called_back: bool
    # The recipient of this binding is known when calling back, and for long enough.
    can_call_back: bool

    @property
    def leads_to(self) -> SealedPhone | None:
        return self.courier if self.called_back else self.reaches


def find_end(
    conn: Connection, number: str, dialled: bytes | None, caller: bytes, now: datetime
) -> End | None:
    row = conn.execute("select * from relay_end(%s, %s, %s, %s)", (number, dialled, caller, now)).fetchone()
    if row is None:
        return None
    return End(
        row["binding_id"],
        row["waybill_id"],
        row["waybill_no"],
        Tenant(row["platform"], row["merchant"]),
        row["carrier"],
        row["released"],
        row["expires_at"],
        row["cool_until"],
        _sealed(
            row["phone_tenant"],
            row["phone_token"],
            row["phone_platform"],
            row["key_version"],
            row["ciphertext"],
        ),
        _sealed(
            row["courier_tenant"],
            row["courier_token"],
            CARRIER_PLATFORM,
            row["courier_key_version"],
            row["courier_ciphertext"],
        ),
        row["called_back"],
        row["can_call_back"],
    )


def _sealed(
    tenant_id: UUID | None, token: UUID | None, platform: str, version: int | None, ciphertext: bytes | None
) -> SealedPhone | None:
    if tenant_id is None or token is None or version is None or ciphertext is None:
        return None
    return SealedPhone(Phone(tenant_id, token), platform, Ciphertext(version, ciphertext))


def insert_call(
    conn: Recording,
    telecom: str,
    call_id: str,
    medium: str,
    end: End,
    number: str,
    caller: bytes,
    to: Phone,
    now: datetime,
    *,
    asked_again_within: timedelta,
) -> bool:
    """False when this call was connected before, and to something else, from somebody else or longer ago. One that
    was turned to the courier, for the recipient made it, may be asked about again as well. True counts as told, until
    `take_back`."""
    cursor = conn.execute(
        """
        insert into relay_call as c (telecom, call_id, medium, tenant_id, binding_id, waybill_id, number, caller,
                                     phone_tenant, phone_token, routed_at)
        values (%(telecom)s, %(call_id)s, %(medium)s, %(tenant)s, %(binding)s, %(waybill)s, %(number)s, %(caller)s,
                %(phone_tenant)s, %(phone_token)s, %(now)s)
        on conflict (telecom, call_id) do update set told = c.told + 1
        where c.binding_id = excluded.binding_id and c.caller = excluded.caller
          and c.phone_token in (excluded.phone_token, %(courier)s) and c.routed_at >= %(asked_since)s
        """,
        {
            "telecom": telecom,
            "call_id": call_id,
            "medium": medium,
            "tenant": end.tenant.id,
            "binding": end.binding_id,
            "waybill": end.waybill_id,
            "number": number,
            "caller": caller,
            "phone_tenant": to.tenant_id,
            "phone_token": to.token,
            "courier": None if end.courier is None else end.courier.phone.token,
            "now": now,
            "asked_since": now - asked_again_within,
        },
    )
    return cursor.rowcount == 1


def turn_call(conn: Connection, telecom: str, call_id: str, to: Phone) -> None:
    """The call goes to the other end: its caller turned out to be the recipient."""
    conn.execute(
        "update relay_call set phone_tenant = %s, phone_token = %s where telecom = %s and call_id = %s",
        (to.tenant_id, to.token, telecom, call_id),
    )


def take_back(conn: Connection, telecom: str, call_id: str) -> None:
    """The telecom was not told after all where the call goes. It has nothing to report of one that it was never told
    of; but where it asked twice at once, the other may have been answered."""
    call = (telecom, call_id)
    with conn.transaction():
        conn.execute("update relay_call set told = told - 1 where telecom = %s and call_id = %s", call)
        conn.execute(
            """
            delete from relay_call where telecom = %s and call_id = %s and told = 0 and recorded_at is null
            """,
            call,
        )


def let_call_back(
    conn: Connection, number: str, caller: bytes, binding_id: UUID, to: Phone, until: datetime
) -> None:
    """The last parcel that called a person from a number is whom that person reaches there. Not if the binding
    reaches somebody else by now: that person was made a stranger, and stays one. Not waited for until it is on disk:
    whoever is forgotten in a crash is asked for the extension."""
    conn.execute(
        """
        with hurry as (select set_config('synchronous_commit', 'off', true) as setting),
        reached as (
          select number, binding_id from relay_slot
          where number = %s and binding_id = %s and phone_token = %s and not released for share
        )
        insert into relay_callback (number, caller, binding_id, until)
        select number, %s, binding_id, %s from reached, hurry
        on conflict (number, caller) do update set binding_id = excluded.binding_id, until = excluded.until
        """,
        (number, binding_id, to.token, caller, until),
    )


def unrecorded(conn: Connection, telecom: str, since: datetime, before: datetime, at_most: int) -> int:
    """Calls that were connected and of which the telecom has reported nothing; counted up to `at_most`."""
    row = conn.execute(
        """
        select count(*)::int as calls from (
          select 1 from relay_call
          where telecom = %s and recorded_at is null and routed_at >= %s and routed_at < %s limit %s) as found
        """,
        (telecom, since, before, at_most),
    ).fetchone()
    return 0 if row is None else int(row["calls"])


def get_call(conn: Connection, telecom: str, call_id: str) -> Row | None:
    """The call with its parcel, held until the transaction ends; None for one that was not connected."""
    return conn.execute(
        """
        select c.telecom, c.medium, c.waybill_id, c.number, c.caller, c.by_courier, t.platform, t.merchant,
               d.waybill_no
        from relay_call c join tenant t using (tenant_id) join waybill_directory d using (waybill_id)
        where c.telecom = %s and c.call_id = %s for no key update of c
        """,
        (telecom, call_id),
    ).fetchone()


def insert_record(
    conn: Connection, telecom: str, call_id: str, type_: str, reason: str | None, at: datetime, now: datetime
) -> bool:
    """False for a repeated record."""
    cursor = conn.execute(
        """
        insert into relay_call_event (telecom, call_id, type, at, received_at, reason) values (%s, %s, %s, %s, %s, %s)
        on conflict (telecom, call_id, type) do nothing
        """,
        (telecom, call_id, type_, at, now, reason),
    )
    if cursor.rowcount:
        conn.execute(
            """
            update relay_call set recorded_at = coalesce(recorded_at, %(now)s),
              failed_at = case when %(type)s = 'failed' then %(now)s else failed_at end
            where telecom = %(telecom)s and call_id = %(call_id)s
            """,
            {"now": now, "type": type_, "telecom": telecom, "call_id": call_id},
        )
    return bool(cursor.rowcount)


def set_by_courier(conn: Connection, telecom: str, call_id: str, *, by_courier: bool) -> None:
    conn.execute(
        "update relay_call set by_courier = %s where telecom = %s and call_id = %s",
        (by_courier, telecom, call_id),
    )


def courier_of(conn: Connection, waybill_id: UUID) -> SealedPhone | None:
    """The registered phone of the courier who has the parcel now."""
    row = conn.execute("select * from relay_courier(%s)", (waybill_id,)).fetchone()
    if row is None:
        return None
    return _sealed(
        row["phone_tenant"], row["phone_token"], CARRIER_PLATFORM, row["key_version"], row["ciphertext"]
    )


def failed_by_courier(
    conn: Connection, waybill_id: UUID, made_since: datetime, failed_since: datetime
) -> int:
    """Calls to the recipient's number that came from the courier's registered phone and failed."""
    row = conn.execute(
        """
        select count(*)::int as calls from relay_call
        where waybill_id = %s and routed_at >= %s and failed_at >= %s and by_courier
        """,
        (waybill_id, made_since, failed_since),
    ).fetchone()
    return 0 if row is None else int(row["calls"])


def phone_of(conn: Connection, tenant: Tenant, phone: UUID) -> SealedPhone | None:
    """A phone behind the wall of its merchant: a recipient's, or the merchant's own."""
    row = token_store.sealed_values(conn, tenant.id, [phone]).get(phone)
    if row is None:
        return None
    return _sealed(tenant.id, phone, tenant.platform, row["key_version"], row["ciphertext"])


def of_binding(conn: Connection, binding_id: UUID) -> list[Row]:
    """The calls of a binding: `medium`, `at` (when it was connected), and for how many `seconds` the two talked."""
    return conn.execute(
        """
        select c.medium, to_char(c.routed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at,
               coalesce(greatest(0, extract(epoch from max(e.at) filter (where e.type = 'end')
                                            - max(e.at) filter (where e.type = 'answer'))), 0)::int as seconds
        from relay_call c left join relay_call_event e using (telecom, call_id)
        where c.binding_id = %s group by c.telecom, c.call_id, c.medium, c.routed_at order by c.routed_at
        """,
        (binding_id,),
    ).fetchall()
