"""Who sees which parcels, and what of them; lists and their cursors."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from psycopg.rows import dict_row

from tests import canaries
from tests.pages import every
from tests.plans import Explaining, nodes
from tests.world import Actor, Tokens, Town, TurnedClock, World, new_town, unique
from vault_gateway.model import Tenant
from vault_gateway.waybills.store.lists import list_of_tenant

# A carrier's questions, and the index that answers each.
INDEXED = {
    "carrier = 'c1'": "waybill_carrier",
    "carrier = 'c1' and courier = 'x1' and state = 'out_for_delivery'": "waybill_courier",
    "carrier = 'c1' and station = 'x1' and state = 'at_station'": "waybill_station",
    "carrier = 'c1' and state = 'created'": "waybill_carrier_state",
}
TENANTS_FIELDS = {"receipt", "order"}


def numbers(actor: Actor, query: str = "") -> list[str]:
    """Every page of a list, put together."""
    return [item["waybill_no"] for item in every(actor, "/v1/waybills", query)]


def view(actor: Actor, waybill_no: str) -> dict[str, Any]:
    answer = actor.get(f"/v1/waybills/{waybill_no}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


class TestRoles:
    def test_the_merchant_and_its_platform_see_receipt_and_order(self, town: Town, someone: Tokens) -> None:
        waybill_no = town.waybill(someone, order="o-7")
        for actor in (town.merchant, town.platform):
            assert view(actor, waybill_no).keys() >= TENANTS_FIELDS

    def test_those_who_carry_see_masks_and_neither_receipt_nor_order(self, town: Town) -> None:
        person = canaries.person()
        waybill_no = town.waybill(town.tokenize(person), order="o-8")
        town.event(waybill_no, "accepted")
        town.event(waybill_no, "at_station", station=town.station_slug)
        seen = [view(town.carrier, waybill_no), view(town.station, waybill_no)]
        town.event(waybill_no, "out_for_delivery", courier=town.courier.name)
        seen += [view(town.carrier, waybill_no), view(town.courier, waybill_no)]
        for shown in seen:
            assert not shown.keys() & TENANTS_FIELDS
            assert shown["recipient"]["phone"] == f"1******{person.phone[-4:]}"
            assert not list(canaries.leaks(repr(shown).encode(), [person.name, person.phone, person.detail]))

    def test_a_station_sees_what_it_holds_and_a_courier_what_it_carries(
        self, world: World, town: Town, someone: Tokens
    ) -> None:
        other_station = world.actor("station", carrier=town.carrier_slug, station=unique("s"))
        other_courier = world.actor("courier", carrier=town.carrier_slug)
        waybill_no = town.waybill(someone)
        path = f"/v1/waybills/{waybill_no}"

        def who_sees() -> list[bool]:
            actors = (town.station, town.courier, other_station, other_courier)
            return [actor.get(path).status_code == 200 for actor in actors]

        assert who_sees() == [False] * 4
        town.event(waybill_no, "accepted")
        town.event(waybill_no, "at_station", station=town.station_slug)
        assert who_sees() == [True, False, False, False]
        town.event(waybill_no, "out_for_delivery", courier=town.courier.name)
        assert who_sees() == [False, True, False, False]
        town.event(waybill_no, "out_for_delivery", courier=other_courier.name)
        assert who_sees() == [False, False, False, True]

    def test_unknown_and_foreign_are_not_told_apart(
        self, town: Town, elsewhere: Town, someone: Tokens
    ) -> None:
        waybill_no = town.waybill(someone)
        stranger = new_town(town.world)
        outsiders = (elsewhere.merchant, elsewhere.carrier, elsewhere.station, elsewhere.courier)
        paths = (waybill_no, "SF-UNKNOWN-1", "a%00b", "%ff", "x" * 500)
        for outsider in (*outsiders, stranger.platform, town.courier, town.station):
            answers = [outsider.get(f"/v1/waybills/{path}") for path in paths]
            assert {answer.status_code for answer in answers} == {404}
            bodies = [{**answer.get_json(), "request_id": ""} for answer in answers]
            assert all(body == bodies[0] for body in bodies)

    def test_an_erased_value_shows_as_stars(self, town: Town) -> None:
        tokens = town.tokenize(canaries.person())
        waybill_no = town.waybill(tokens)
        town.merchant.delete(f"/v1/tokens/{tokens.name}")
        assert view(town.merchant, waybill_no)["recipient"]["name"] == "***"

    def test_looking_at_masks_is_no_event_but_being_refused_is(
        self, town: Town, elsewhere: Town, someone: Tokens, auditor: Actor
    ) -> None:
        waybill_no = town.waybill(someone)
        view(town.merchant, waybill_no)
        view(town.carrier, waybill_no)
        elsewhere.carrier.get(f"/v1/waybills/{waybill_no}")
        events = auditor.get(f"/v1/audit/events?waybill={waybill_no}").get_json()["items"]
        assert [(event["action"], event["outcome"]) for event in events] == [
            ("waybill.read", "deny"),
            ("waybill.create", "allow"),
        ]


class TestListsOfAMerchant:
    @pytest.fixture(scope="class")
    def shop(self, world: World) -> Town:
        return new_town(world)

    def test_filters_alone_and_together(self, world: World, clock: TurnedClock) -> None:
        shop = new_town(world)
        tokens = shop.tokenize(canaries.person())
        old = [shop.waybill(tokens, order=f"o-{at % 2}") for at in range(4)]
        clock.advance(hours=2)
        since = quote((clock() - timedelta(minutes=5)).isoformat())
        new = [shop.waybill(tokens, order=f"o-{at % 2}") for at in range(4)]
        for waybill_no in (old[0], new[1]):
            assert shop.event(waybill_no, "accepted").status_code == 201
        newest_first = [*reversed(new), *reversed(old)]
        assert numbers(shop.merchant) == newest_first
        assert numbers(shop.merchant, "order=o-1") == [new[3], new[1], old[3], old[1]]
        assert numbers(shop.merchant, "state=accepted") == [new[1], old[0]]
        # `since` is about the last change, not about when it was made.
        assert numbers(shop.merchant, f"since={since}") == [*reversed(new), old[0]]
        assert numbers(shop.merchant, f"since={since}&state=accepted&order=o-1") == [new[1]]
        assert numbers(shop.merchant, "state=delivered") == []
        assert numbers(shop.platform, f"merchant={shop.merchant_slug}&order=o-1&limit=1") == numbers(
            shop.merchant, "order=o-1"
        )

    @pytest.mark.parametrize(
        "query",
        ["state=lost", "since=yesterday", "since=2026-01-01T00:00:00", "order=a%20b", "limit=0", "limit=501",
         "cursor=1", "cursor=" + "0" * 26, "courier=wang", "carrier=x", "state=created&state=accepted"],
    )  # fmt: skip
    def test_a_list_of_another_shape_is_refused(self, town: Town, query: str) -> None:
        assert town.merchant.get(f"/v1/waybills?{query}").status_code == 422

    def test_another_merchants_list_is_not_found(self, town: Town, elsewhere: Town) -> None:
        for path in (
            f"merchant={town.merchant_slug}",
            f"platform={town.platform_slug}&merchant={town.merchant_slug}",
        ):
            assert elsewhere.merchant.get(f"/v1/waybills?{path}").status_code == 404
        assert town.platform.get("/v1/waybills").get_json()["code"] == "merchant_required"

    def test_pages_lose_nothing_while_parcels_are_made(self, world: World) -> None:
        shop = new_town(world)
        tokens = shop.tokenize(canaries.person())
        there = {shop.waybill(tokens) for _ in range(30)}
        done = threading.Event()

        def make() -> None:
            while not done.is_set():
                shop.waybill(tokens)

        maker = threading.Thread(target=make)
        maker.start()
        try:
            of_merchant, of_carrier = numbers(shop.merchant, "limit=7"), numbers(shop.carrier, "limit=7")
        finally:
            done.set()
            maker.join()
        for seen in (of_merchant, of_carrier):
            assert len(seen) == len(set(seen))
            assert there <= set(seen)


class TestListsOfThoseWhoCarry:
    def test_each_sees_its_own_over_all_merchants(self, world: World, clock: TurnedClock) -> None:
        one = new_town(world)
        two, three = new_town(world, platform_slug=one.platform_slug), new_town(world)
        made = []
        for shop in (one, two, three, one):
            tokens = shop.tokenize(canaries.person())
            body = {"network": "jd", "carrier": one.carrier_slug, "recipient": tokens.as_recipient()}
            made.append(shop.merchant.post("/v1/waybills", body).get_json()["waybill_no"])
        other = world.actor("courier", carrier=one.carrier_slug)
        clock.advance(hours=1)
        since = quote((clock() - timedelta(minutes=5)).isoformat())
        for waybill_no in made:
            one.event(waybill_no, "accepted")
        one.event(made[0], "out_for_delivery", courier=one.courier.name)
        one.event(made[1], "at_station", station=one.station_slug)
        one.event(made[2], "out_for_delivery", courier=other.name)
        assert numbers(one.carrier) == made[::-1]
        assert numbers(one.carrier, "limit=1") == made[::-1]
        assert numbers(one.carrier, "state=out_for_delivery") == [made[2], made[0]]
        assert numbers(one.carrier, f"since={since}&state=accepted") == [made[3]]
        assert numbers(one.courier, "courier=me") == numbers(one.courier) == [made[0]]
        assert numbers(other, "courier=me&state=out_for_delivery") == [made[2]]
        assert numbers(one.station) == [made[1]]
        one.event(made[0], "delivered")
        assert numbers(one.courier, "courier=me&state=out_for_delivery") == []
        assert numbers(one.courier, "courier=me&state=delivered") == [made[0]]
        assert numbers(two.carrier) == []
        shown = one.carrier.get("/v1/waybills").get_json()["items"]
        assert not any(item.keys() & TENANTS_FIELDS for item in shown)

    def test_what_a_carrier_does_not_hear_it_may_not_filter_by(self, world: World) -> None:
        """Whether a merchant's order has a parcel here is the merchant's to know."""
        one = new_town(world)
        one.waybill(order="o-1")
        for actor in (one.carrier, one.courier, one.station):
            answer = actor.get("/v1/waybills?order=o-1")
            assert answer.status_code == 422
            assert answer.get_json()["code"] == "validation_failed"

    def test_courier_me_is_for_couriers(self, town: Town) -> None:
        for actor in (town.carrier, town.station, town.merchant):
            assert actor.get("/v1/waybills?courier=me").status_code == 422

    @pytest.mark.parametrize("role", ["auditor", "operator", "telecom"])
    def test_nobody_else_lists(self, world: World, role: str) -> None:
        assert world.actor(role).get("/v1/waybills").status_code == 403

    def test_a_carriers_question_has_its_index(self, world: World) -> None:
        """As the planner sees it with parcels enough: one carrier of ten, each with a hundred couriers and stations."""
        with world.admin() as conn, conn.transaction(force_rollback=True):
            conn.execute(
                """
                insert into waybill (tenant_id, id, waybill_no, network, carrier, courier, station, state,
                                     recipient_name, recipient_phone, recipient_address, receipt_code, created_at,
                                     updated_at)
                select gen_random_uuid(), gen_random_uuid(), n::text, 'n', 'c' || n % 10, 'x' || n / 10 % 100,
                       'x' || n / 10 % 100,
                       (array['created', 'in_transit', 'at_station', 'out_for_delivery', 'delivered'])[n / 7 % 5 + 1],
                       gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n::text, now(), now()
                from generate_series(1, 20000) as n
                """
            )
            conn.execute("analyze waybill")
            for query, index in INDEXED.items():
                plan = conn.execute(
                    f"explain (costs off) select tenant_id, id from waybill where {query} order by id desc limit 101"
                ).fetchall()
                used = {word for row in plan for word in row["QUERY PLAN"].split()}
                assert index in used, (query, plan)

    def test_a_list_by_order_finds_it_by_index_first_or_merged(self, world: World, town: Town) -> None:
        """As the planner sees it with parcels enough: every fifth has a further order."""
        tenant_id = Tenant(town.platform_slug, town.merchant_slug).id
        with Explaining.connect(world.instance.endpoints.admin_dsn, row_factory=dict_row) as conn:
            assert isinstance(conn, Explaining)
            conn.execute(
                """
                with made as (
                  insert into waybill (tenant_id, id, waybill_no, network, carrier, order_ref, state, recipient_name,
                                       recipient_phone, recipient_address, receipt_code, created_at, updated_at)
                  select %s, gen_random_uuid(), 'P' || n, 'n', 'c', 'O' || n, 'created', gen_random_uuid(),
                         gen_random_uuid(), gen_random_uuid(), 'P' || n, now(), now()
                  from generate_series(1, 20000) as n returning tenant_id, id, waybill_no)
                insert into merged_order (tenant_id, waybill_id, place, order_ref)
                select tenant_id, id, 1, 'M' || waybill_no from made where waybill_no like '%%5'
                """,
                (tenant_id,),
            )
            conn.execute("analyze waybill, merged_order")
            conn.execute("set local role vault_gateway_app")
            conn.execute("select set_config('app.tenant', %s, true)", (str(tenant_id),))
            conn.table = "merged_order"
            list_of_tenant(conn, tenant_id, state=None, since=None, order="O-1", before=None, limit=101)
            conn.table = ""
            conn.rollback()
        inner = nodes(conn.plan[0]["Plan"])
        assert [node["Node Type"] for node in inner if node["Node Type"] == "Seq Scan"] == []
        used = {node["Index Name"] for node in inner if "Index Name" in node}
        # By which of two the ids that were found lead to their rows is the planner's to say.
        assert used - {"waybill_pkey", "waybill_id"} == {
            "waybill_order",
            "merged_order_ref",
            "merged_order_pkey",
        }
