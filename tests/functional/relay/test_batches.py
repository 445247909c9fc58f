"""Numbers for a batch of parcels: each where it belongs, in a few statements however many there are."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row

from tests import canaries
from tests.functional.relay.allocating import START, TENANT, add_pool, ends, occupied
from tests.functional.relay.conftest import PERIODS
from tests.pool import add_numbers, no_numbers
from tests.world import Actor, Town, World
from vault_gateway.audit.ledger import Unit
from vault_gateway.model import Tenant
from vault_gateway.relay.service import Parcel, RelayService
from vault_gateway.relay.store import bindings, pool
from vault_gateway.relay.store.bindings import Binding, Phone


def test_each_has_a_number_of_its_city_else_of_its_province_else_of_anywhere(
    world: World, town: Town, telecom: Actor
) -> None:
    at_home, away = canaries.person(), canaries.person()
    away.address.update(province="广东省", city="广州市", district="天河区")
    recipients = [town.tokenize(one).as_recipient() for one in (at_home, away, at_home, at_home, at_home)]
    order = {"network": "douyin", "carrier": town.carrier_slug, "relay": True}
    body = {"items": [{**order, "order": f"B-{at}", "recipient": one} for at, one in enumerate(recipients)]}
    regions = (str(at_home.address["city"]), str(at_home.address["province"]), None)
    with no_numbers(world, "extension"):
        there = [
            add_numbers(world, telecom.name, 1, "extension", region=region, places=1)[0] for region in regions
        ]
        made = town.merchant.post("/v1/waybills", body)
    assert made.status_code == 201, made.text
    relays = [item["relay"] for item in made.get_json()["items"]]
    city, province, anywhere = there
    assert [relay.get("number") for relay in relays] == [city, anywhere, province, None, None]
    assert [relay["error"]["code"] for relay in relays if "error" in relay] == ["relay_pool_exhausted"] * 2


class Counted(psycopg.Connection[dict[str, Any]]):
    statements = 0

    def execute(self, *arguments: Any, **named: Any) -> Any:
        self.statements += 1
        return super().execute(*arguments, **named)


def test_more_parcels_take_no_more_statements(world: World) -> None:
    relay, tenant = RelayService(lambda: START, lambda: PERIODS), Tenant("p", "m")
    counts = []
    with Counted.connect(world.instance.endpoints.admin_dsn, row_factory=dict_row) as conn:
        # Nobody is asked, and nothing written but the numbers.
        nobody: Any = None
        unit = Unit(conn, nobody, lambda: START, nobody)
        # Six digits: two tries that meet are rare among so few.
        city, province = (add_pool(conn, 2, 1000, digits=6) for _ in range(2))
        for count in (2, 200):
            parcels = [
                Parcel(tenant, uuid4(), "W", uuid4(), (city if at % 2 else f"none-{at}", province))
                for at in range(count)
            ]
            before = conn.statements
            bound = relay.bind_extensions(unit, parcels)
            counts.append(conn.statements - before)
            assert all(isinstance(one, Binding) for one in bound)
            assert [one.waybill_id for one in bound if isinstance(one, Binding)] == [
                one.waybill_id for one in parcels
            ]
        assert occupied(conn, city)[0] == occupied(conn, province)[0] == 101
        conn.rollback()
    assert counts[1] <= counts[0] + 1


def test_extensions_of_a_batch_that_meet_are_drawn_anew(world: World) -> None:
    """A thousand places of a number with ten thousand extensions, all at once: some of them meet for certain."""
    with world.admin() as conn, conn.transaction(force_rollback=True):
        region = add_pool(conn, 1, 1000)
        places = pool.take_places(conn, "extension", {region: 1000})[region]
        wanted = [
            (Binding(uuid4(), uuid4(), "W", "extension", place.number, None, START, START, START), 4, phone)
            for place, phone in zip(places, (Phone(TENANT.id, uuid4()) for _ in places), strict=True)
        ]
        made = bindings.insert_extensions(conn, TENANT.id, wanted)
        assert [one.id for one in made] == [one.id for one, _, _ in wanted]
        kept = {had[0]: dialled.decode() for (_, dialled), had in ends(conn, region).items()}
        assert kept == {one.id: one.extension for one in made}
        assert len(set(kept.values())) == 1000


def test_the_planner_knows_new_numbers_at_once(world: World) -> None:
    def looks(conn: psycopg.Connection[dict[str, Any]]) -> int:
        row = conn.execute(
            "select analyze_count as looks from pg_stat_user_tables where relname = 'relay_number'"
        ).fetchone()
        assert row is not None
        return int(row["looks"])

    with world.admin() as conn:
        before = looks(conn)
        with conn.transaction(force_rollback=True):
            add_pool(conn, 1, 10)
        assert looks(conn) > before
