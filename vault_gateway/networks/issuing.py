"""Numbers out of a merchant's granted segments, and back into them.

A number is taken in the transaction that makes its waybill: it is out when that commits, and was never out when it
rolls back or its process dies. Several who issue at once take from different blocks of a segment and do not wait for
one another as long as there are enough of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit
from vault_gateway.database import Connection, Row
from vault_gateway.inforce import InForce
from vault_gateway.model import Clock
from vault_gateway.networks import store
from vault_gateway.networks.numbers import NumberRange
from vault_gateway.networks.store import Account
from vault_gateway.networks.verdicts import Networks

log = structlog.get_logger("vault_gateway.networks")

# How many may issue from one segment at once without waiting: it is cut into so many blocks.
BLOCKS = 64

Taken = list[tuple[UUID, int]]


@dataclass(frozen=True, slots=True)
class Issued:
    number: str
    segment_id: UUID
    branch: str
    serial: int


class SegmentIssuer:
    def __init__(self, networks: InForce[Networks], clock: Clock) -> None:
        self._networks = networks
        self._clock = clock

    def issue(self, unit: Unit, account: Account, count: int) -> list[Issued] | None:
        """`count` numbers, or as many as are left; None where nothing was granted."""
        segments = {row["id"]: row for row in store.segments_of(unit.conn, account)}
        if not segments:
            return None
        networks = self._networks()
        ranges = {
            segment_id: numbers
            for segment_id, segment in segments.items()
            if (numbers := _range(networks, segment)) is not None
        }
        taken = take(unit.conn, account.tenant_id, list(ranges), count)
        self._watch(unit, account, segments)
        return [
            Issued(ranges[segment_id].number(serial), segment_id, segments[segment_id]["branch"], serial)
            for segment_id, serial in taken
        ]

    def give_back(
        self, conn: Connection, account: Account, segment_id: UUID, serial: int, *, unused: bool
    ) -> bool:
        """Notes a number as cancelled. True where it comes back by the network's rule: `unused` says that no carrier
        had the parcel. `account` names the branch."""
        network = self._networks().get(account.network)
        store.lock_branch(conn, account)
        rows = store.balances(conn, account.tenant_id, account)
        comes_back = (
            unused
            and network is not None
            and network.returns.admit(
                issued=sum(row["issued"] for row in rows), returned=sum(row["recycled"] for row in rows)
            )
        )
        store.return_number(conn, account.tenant_id, segment_id, serial, comes_back=comes_back)
        return comes_back

    def _watch(self, unit: Unit, account: Account, segments: Mapping[UUID, Row]) -> None:
        """Tells once when what is left falls to a segment's low-water mark."""
        unwarned = [row for row in segments.values() if row["low_since"] is None]
        if not unwarned:
            return
        mark = max(row["low_water"] for row in unwarned)
        left = store.left_in(unit.conn, account.tenant_id, list(segments), mark + 1)
        for row in unwarned:
            if left <= row["low_water"] and store.note_low(
                unit.conn, account.tenant_id, row["id"], self._clock()
            ):
                metrics.SEGMENTS_LOW.inc()
                log.warning("segment low", segment=str(row["id"]), network=account.network, left=left)
                resource = f"segment:{row['id']}"
                unit.record(
                    Event("segment.low", resource=resource, carrier=account.carrier, detail={"left": left})
                )


def _range(networks: Networks, segment: Row) -> NumberRange | None:
    """None where the networks' files no longer have the segment, or count its numbers otherwise: none is taken."""
    found = networks.find(segment["first_no"])
    if found is None or found.segment is None or found.serial != segment["first_serial"]:
        return None
    return found.segment.numbers


def take(conn: Connection, tenant_id: UUID, segments: list[UUID], count: int) -> Taken:
    """Serials of new numbers, else of such as came back; fewer than `count` only when none are left and nobody holds
    one that a rollback could bring back."""
    taken: Taken = []
    with conn.transaction():
        taken = _take_free(conn, tenant_id, segments, count)
        if len(taken) < count:
            # Others hold what is left. Everything is let go, so that nobody waits in a circle; then in order.
            raise psycopg.Rollback
    if len(taken) < count:
        taken = _take_in_turn(conn, tenant_id, segments, count)
    if len(taken) < count:
        taken += _take_returned(conn, tenant_id, segments, count - len(taken))
    return taken


def _take_free(conn: Connection, tenant_id: UUID, segments: list[UUID], count: int) -> Taken:
    """From blocks that nobody else holds: mostly one, and else all that there are."""
    taken: Taken = []
    limit = 1
    while len(taken) < count:
        blocks = store.lock_free_blocks(conn, tenant_id, segments, limit)
        if not blocks:
            break
        for block in blocks:
            taken += _advance(conn, tenant_id, block, count - len(taken))
        limit = BLOCKS
    return taken


def _take_in_turn(conn: Connection, tenant_id: UUID, segments: list[UUID], count: int) -> Taken:
    """From all blocks, each waited for. One that turns out to be empty is let go at once: nobody waits for somebody
    who took nothing from it."""
    taken: Taken = []
    for block in store.open_blocks(conn, tenant_id, segments):
        if len(taken) == count:
            break
        with conn.transaction():
            locked = store.lock_block(conn, tenant_id, block)
            if locked is None:
                raise psycopg.Rollback
            taken += _advance(conn, tenant_id, locked, count - len(taken))
    return taken


def _advance(conn: Connection, tenant_id: UUID, block: Row, wanted: int) -> Taken:
    end = min(block["next"] + wanted, block["last"] + 1)
    if end > block["next"]:
        store.advance_block(conn, tenant_id, block, end)
    return [(block["segment_id"], serial) for serial in range(block["next"], end)]


def _take_returned(conn: Connection, tenant_id: UUID, segments: list[UUID], count: int) -> Taken:
    taken: Taken = []
    with conn.transaction():
        taken = store.take_returned(conn, tenant_id, segments, count, wait=False)
        if len(taken) < count:
            raise psycopg.Rollback
    if len(taken) < count:
        taken = store.take_returned(conn, tenant_id, segments, count, wait=True)
    return taken
