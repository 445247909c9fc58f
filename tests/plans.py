"""How PostgreSQL would carry out what a store asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from vault_gateway.database import Row


class Explaining(psycopg.Connection[Row]):
    """Keeps the plan of a statement that speaks of `table`, and answers it with nothing."""

    table = ""
    plan: Sequence[Mapping[str, Any]] = ()

    def execute(self, query: Any, params: Any = None, **more: Any) -> psycopg.Cursor[Row]:
        if not self.table or self.table not in query:
            return super().execute(query, params, **more)
        explained = super().execute(f"explain (format json) {query}", params, **more)
        found = explained.fetchone()
        assert found is not None
        self.plan = found["QUERY PLAN"]
        return super().execute("select null::uuid as id where false")


def nodes(plan: Any) -> list[Mapping[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
