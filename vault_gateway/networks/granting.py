"""Granting a merchant a range of numbers: an operator's work, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from vault_gateway.database import Connection
from vault_gateway.errors import OperatingError
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import new_id
from vault_gateway.model import Tenant
from vault_gateway.networks import store
from vault_gateway.networks.issuing import BLOCKS, end_warnings
from vault_gateway.networks.network import Segment
from vault_gateway.networks.store import Account
from vault_gateway.networks.verdicts import Networks

# A tenth is left when the warning comes, where nobody says otherwise.
_LOW_WATER_PART = 10


class GrantError(OperatingError):
    """A range that cannot be granted, with the reason."""


@dataclass(frozen=True, slots=True)
class Grant:
    """From `first` to `last`, both included. `carrier` is the installation's name of the carrier where that is not
    the networks'."""

    tenant: Tenant
    first: str
    last: str
    branch: str
    carrier: str | None = None
    low_water: int | None = None


def grant(conn: Connection, networks: Networks, wanted: Grant, now: datetime) -> dict[str, Any]:
    """Registers the merchant where it is new. The platform and the carrier have to be there."""
    network, segment, first, last = _range_of(networks, wanted)
    carrier = wanted.carrier or segment.carrier
    if networks.is_another(segment.carrier, carrier):
        raise GrantError(f"this segment is of {segment.carrier}, and {carrier} is another carrier")
    size = last - first + 1
    with conn.transaction():
        if not identity_store.platform_exists(conn, wanted.tenant.platform):
            raise GrantError(
                f"there is no platform {wanted.tenant.platform}: `vault-gateway client add` makes it"
            )
        if not identity_store.carriers_among(conn, [carrier]):
            raise GrantError(
                f"there is no carrier {carrier}: `vault-gateway client add` makes it, or --carrier says what it is"
                " called here"
            )
        identity_store.ensure_tenant(conn, wanted.tenant, now)
        store.lock_granting(conn)
        if store.overlapping(conn, wanted.first, wanted.last):
            raise GrantError("a number of this range is granted already")
        if store.in_use_between(conn, wanted.first, wanted.last):
            raise GrantError("a number of this range is or was on a parcel")
        row = {
            "tenant_id": wanted.tenant.id,
            "id": new_id(now),
            "network": network,
            "carrier": carrier,
            "branch": wanted.branch,
            "first_no": wanted.first,
            "last_no": wanted.last,
            "first_serial": first,
            "last_serial": last,
            "low_water": size // _LOW_WATER_PART if wanted.low_water is None else wanted.low_water,
            "granted_at": now,
        }
        account = Account(wanted.tenant.id, network, carrier, wanted.branch)
        store.lock_branch(conn, account)
        store.insert_segment(conn, row, list(_blocks(first, last)))
        end_warnings(conn, account)
    return {"network": network, "carrier": carrier, "branch": wanted.branch, "numbers": size}


def _range_of(networks: Networks, wanted: Grant) -> tuple[str, Segment, int, int]:
    first, last = networks.find(wanted.first), networks.find(wanted.last)
    if first is None or last is None or first.segment is None:
        raise GrantError("both numbers have to be of a segment: see `vault-gateway network list`")
    if not (first.right_check_digit and last.right_check_digit):
        raise GrantError("a check digit is wrong")
    if (first.network, first.segment) != (last.network, last.segment):
        raise GrantError("the two numbers are of different segments")
    if last.serial < first.serial:
        raise GrantError("the last number is below the first")
    return first.network.name, first.segment, first.serial, last.serial


def _blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The range in up to BLOCKS parts of about one size."""
    size = last - first + 1
    parts = min(BLOCKS, size)
    edges = [first + size * at // parts for at in range(parts + 1)]
    for start, end in pairwise(edges):
        yield start, end - 1
