"""A page walks an index in its order, whatever is asked: no sort of a whole log, no scan of a table."""

from __future__ import annotations

import re

import pytest
from psycopg.rows import dict_row

from tests.functional.audit.conftest import load, tenant_of
from tests.plans import Explaining, nodes
from tests.world import Town, World
from vault_gateway.audit.event import Event
from vault_gateway.audit.store import questions as store
from vault_gateway.audit.store.questions import Question, Scope


@pytest.fixture(scope="module")
def filled(world: World, town: Town) -> str:
    """A log of some size, with statistics of its own, and the week that it is in: of a handful of rows any index is as
    good, and of a partition without any."""
    now = world.clock()
    told = (
        Event("test.filler", waybill=f"W{n}", orders=orders, token=f"ph_{n}", carrier="c", station="s")
        for n in range(3000)
        for orders in ((f"O{n}",), (f"O{n}", f"P{n}"))
    )
    load(world, tenant_of(town), [(now, event) for event in told])
    with world.admin() as conn:
        conn.execute("analyze audit_event, audit_token, audit_order")
    return f"{now:%Gw%V}"


@pytest.mark.parametrize(
    ("filters", "of_log", "of_tenant"),
    [
        ({}, "log_id", "pkey"),
        ({"role": "courier"}, "log_id", "pkey"),
        ({"purpose": "sort"}, "log_id", "pkey"),
        ({"actor": "key:a"}, "log_actor_id", "pkey"),
        ({"action": "reveal.claim"}, "log_action_id", "pkey"),
        ({"carrier": "c"}, "log_carrier_id", "pkey"),
        ({"station": "s"}, "log_station_id", "pkey"),
        ({"outcome": "deny"}, "log_outcome_id", "pkey"),
        ({"waybill": "w"}, "waybill_id", "waybill_id"),
        ({"token": "t"}, "audit_token_pkey", "audit_token_pkey"),
        ({"token": "t", "actor": "key:a"}, "audit_token_pkey", "audit_token_pkey"),
        ({"orders": "o"}, "audit_order_pkey", "audit_order_pkey"),
        ({"orders": "o", "role": "courier"}, "audit_order_pkey", "audit_order_pkey"),
        ({"order": "o"}, "order_ref_id", "order_ref_id"),
        ({"order": "o", "actor": "key:a", "role": "courier"}, "order_ref_id", "order_ref_id"),
    ],
)
@pytest.mark.parametrize("of", ["all", "log", "tenant"])
def test_a_question_walks_its_index(
    world: World, town: Town, filled: str, filters: dict[str, str], of_log: str, of_tenant: str, of: str
) -> None:
    logs = {"all": ("-", "carrier", town.platform_slug), "log": (town.platform_slug,), "tenant": ()}[of]
    tenant = tenant_of(town).id if of == "tenant" else None
    scope, asked = Scope(logs, tenant), Question(filters)
    with Explaining.connect(world.settings.database_url, row_factory=dict_row) as conn:
        assert isinstance(conn, Explaining)
        conn.table = "audit_event"
        with conn.transaction():
            store.enter_scope(conn, log=None if of == "all" else town.platform_slug, tenant_id=tenant)
            conn.plan = ()
            for ask in (
                lambda: store.find_edge(conn, scope, asked, 100),
                lambda: store.find_events(conn, scope, asked, 100, 1000),
            ):
                conn.plan = ()
                ask()
                if not conn.plan:
                    continue
                inner = nodes(conn.plan[0]["Plan"])
                assert not [node for node in inner if node["Node Type"] in ("Seq Scan", "Bitmap Heap Scan")]
                # One sort puts the logs' pages together; none is below.
                assert sum(node["Node Type"] == "Sort" for node in inner) <= 1
                names = [node["Index Name"] for node in inner if "Index Name" in node]
                walked = {
                    re.sub(rf"^audit_event_{filled}_|_{filled}|_idx$", "", name)
                    for name in names
                    if filled in name
                }
                if {"token", "orders"} & filters.keys():
                    # Each event is then fetched by its key.
                    walked.discard("pkey")
                assert walked == {of_tenant if of == "tenant" else of_log}
