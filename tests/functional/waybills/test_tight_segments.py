"""The end of a segment, with more who want its last numbers than there are: it is used up when it is, never before."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.functional.waybills.segments import granted, segment_of
from tests.world import World, new_town
from vault_gateway.database import Connection
from vault_gateway.model import Tenant
from vault_gateway.networks.issuing import take

THREADS = 32


@dataclass
class Segment:
    """One of a town of its own. The last `returned` of its serials went out before and came back."""

    tenant: Tenant
    id: UUID
    serials: list[int]

    def left(self, conn: Connection) -> int:
        row = conn.execute(
            """
            select (select coalesce(sum(last - next + 1), 0)::int from number_block where segment_id = %(id)s)
                 + (select count(*)::int from number_returned where segment_id = %(id)s) as left
            """,
            {"id": self.id},
        ).fetchone()
        assert row is not None
        return int(row["left"])


def a_segment(world: World, size: int, returned: int) -> Segment:
    town = new_town(world)
    numbers = granted(world, town, size)
    serials = [segment_of().numbers.serial_of(number) or 0 for number in numbers]
    tenant = Tenant(town.platform_slug, town.merchant_slug)
    with world.admin() as conn:
        row = conn.execute("select id from number_segment where tenant_id = %s", (tenant.id,)).fetchone()
        assert row is not None
        [gone] = take(conn, tenant.id, [([row["id"]], returned)])
        conn.cursor().executemany(
            "insert into number_returned values (%s, %s, %s)", [(tenant.id, *one) for one in gone]
        )
    return Segment(tenant, row["id"], serials)


@contextmanager
def gateways_connection(world: World, tenant: Tenant) -> Iterator[Connection]:
    """Behind the merchant's wall for all its transactions."""
    with psycopg.connect(world.settings.database_url, autocommit=True, row_factory=dict_row) as conn:
        conn.execute("select set_config('app.tenant', %s, false)", (str(tenant.id),))
        yield conn


@pytest.mark.parametrize(
    ("size", "returned"), [(1, 0), (5, 5), (63, 0), (65, 20), (300, 40)], ids=lambda value: str(value)
)
def test_a_number_is_refused_only_when_all_are_out(world: World, size: int, returned: int) -> None:
    segment = a_segment(world, size, returned)
    together = threading.Barrier(THREADS)

    def issue(number: int) -> list[int]:
        """Takes some at a time until there are fewer, and often rolls back what it took."""
        chance, mine = random.Random(number), []
        with gateways_connection(world, segment.tenant) as conn:
            together.wait()
            while True:
                wanted, keep = chance.randint(1, 9), chance.random() < 0.7
                with conn.transaction(force_rollback=not keep):
                    [taken] = take(conn, segment.tenant.id, [([segment.id], wanted)])
                if keep:
                    mine += [serial for _, serial in taken]
                    if len(taken) < wanted:
                        assert segment.left(conn) == 0, "refused while there were some"
                        return mine

    with ThreadPoolExecutor(THREADS) as pool:
        issued = [serial for mine in pool.map(issue, range(THREADS)) for serial in mine]
    assert sorted(issued) == segment.serials


def test_accounts_that_share_segments_are_issued_to_without_waiting_in_a_circle(world: World) -> None:
    """An order that names a branch takes of its segment alone, one that names none of both, in the order of grants."""
    town = new_town(world)
    tenant = Tenant(town.platform_slug, town.merchant_slug)
    for branch in ("first", "second"):
        granted(world, town, 40, branch=branch)
    with world.admin() as conn:
        rows = conn.execute("select id from number_segment where tenant_id = %s order by id", (tenant.id,))
        first, second = (row["id"] for row in rows.fetchall())

    def issue(number: int) -> None:
        chance = random.Random(number)
        with gateways_connection(world, tenant) as conn:
            for _ in range(25):
                wanted = chance.choice([[[second], [first]], [[first, second]], [[first], [second]]])
                with conn.transaction(force_rollback=True):
                    taken = take(conn, tenant.id, [(segments, chance.randint(5, 30)) for segments in wanted])
                    assert all(taken)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(issue, range(8)))


def test_a_merchants_segments_are_behind_its_wall_and_who_grants_sees_all(world: World) -> None:
    mine, theirs = a_segment(world, 5, 2), a_segment(world, 5, 2)
    for table, column in (
        ("number_segment", "id"),
        ("number_block", "segment_id"),
        ("number_returned", "segment_id"),
    ):
        statement = f"select {column} from {table} where {column} = any(%s)"
        of_both = ([mine.id, theirs.id],)
        with gateways_connection(world, mine.tenant) as conn:
            assert {row[column] for row in conn.execute(statement, of_both)} == {mine.id}
        with world.admin() as conn, conn.transaction():
            conn.execute("set local role vault_gateway_operator")
            assert {row[column] for row in conn.execute(statement, of_both)} == {mine.id, theirs.id}
