"""Numbers out of a merchant's granted segments, and back into them.

A number is taken in the transaction that makes its waybill: it is out when that commits, and was never out when it
rolls back or its process dies. Several who issue at once take from different blocks of a segment and do not wait for
one another as long as there are enough of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def issue(
        self, unit: Unit, tenant_id: UUID, wanted: Mapping[Account, int]
    ) -> dict[Account, list[Issued]]:
        """For each account of a merchant as many numbers as are wanted, or as are left; without those accounts that
        nothing was granted to."""
        granted = {account: rows for account in wanted if (rows := store.segments_of(unit.conn, account))}
        segments = {row["id"]: row for rows in granted.values() for row in rows}
        networks = self._networks()
        ranges = {
            segment_id: numbers
            for segment_id, row in segments.items()
            if (numbers := _range(networks, row)) is not None
        }
        taken = take(
            unit.conn,
            tenant_id,
            [
                ([row["id"] for row in rows if row["id"] in ranges], wanted[account])
                for account, rows in granted.items()
            ],
        )
        for account, rows in granted.items():
            self._watch(unit, account, rows)
        return {
            account: [
                Issued(ranges[segment_id].number(serial), segment_id, segments[segment_id]["branch"], serial)
                for segment_id, serial in numbers
            ]
            for account, numbers in zip(granted, taken, strict=True)
        }

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
        if comes_back:
            end_warnings(conn, account)
        return comes_back

    def _watch(self, unit: Unit, account: Account, segments: Sequence[Row]) -> None:
        """Tells when what is left falls to a segment's low-water mark, once until it is above it again."""
        unwarned = [row for row in segments if row["low_since"] is None]
        if not unwarned:
            return
        mark = max(row["low_water"] for row in unwarned)
        left = store.left_in(unit.conn, account.tenant_id, [row["id"] for row in segments], mark + 1)
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


def end_warnings(conn: Connection, account: Account) -> None:
    """After a branch, whose segments are locked, got numbers: what is no longer low is told again the next time."""
    segments = store.segments_of(conn, account)
    warned = [row for row in segments if row["low_since"] is not None]
    if not warned:
        return
    mark = max(row["low_water"] for row in warned)
    left = store.left_in(conn, account.tenant_id, [row["id"] for row in segments], mark + 1)
    store.clear_low(conn, account.tenant_id, [row["id"] for row in warned if left > row["low_water"]])


def _range(networks: Networks, segment: Row) -> NumberRange | None:
    """None where the networks' files no longer have the segment, or count its numbers otherwise: none is taken."""
    found = networks.find(segment["first_no"])
    if found is None or found.segment is None or found.serial != segment["first_serial"]:
        return None
    return found.segment.numbers


def take(conn: Connection, tenant_id: UUID, wanted: Sequence[tuple[list[UUID], int]]) -> list[Taken]:
    """For each of `wanted`, so many serials out of its segments: of new numbers, else of such as came back; fewer only
    when none are left and nobody holds one that a rollback could bring back."""
    taken: list[Taken] = []
    with conn.transaction():
        taken = [_take_free(conn, tenant_id, *each) for each in wanted]
        if any(len(got) < count for got, (_, count) in zip(taken, wanted, strict=True)):
            # Others hold what is left. Everything is let go before it is waited for, and by one of a merchant at a
            # time: nobody waits in a circle.
            raise psycopg.Rollback
        return taken
    store.lock_waiting(conn, tenant_id)
    return [_take_in_turn(conn, tenant_id, *each) for each in wanted]


def _take_free(conn: Connection, tenant_id: UUID, segments: list[UUID], count: int) -> Taken:
    """What nobody else holds: of one block mostly, else of all that there are, else of what came back."""
    taken: Taken = []
    limit = 1
    while len(taken) < count:
        blocks = store.lock_free_blocks(conn, tenant_id, segments, limit)
        if not blocks:
            break
        for block in blocks:
            taken += _advance(conn, tenant_id, block, count - len(taken))
        limit = BLOCKS
    if len(taken) < count:
        taken += store.take_returned(conn, tenant_id, segments, count - len(taken), wait=False)
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
    if len(taken) < count:
        taken += store.take_returned(conn, tenant_id, segments, count - len(taken), wait=True)
    return taken


def _advance(conn: Connection, tenant_id: UUID, block: Row, wanted: int) -> Taken:
    end = min(block["next"] + wanted, block["last"] + 1)
    if end > block["next"]:
        store.advance_block(conn, tenant_id, block, end)
    return [(block["segment_id"], serial) for serial in range(block["next"], end)]
