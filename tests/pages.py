"""Lists as a client reads them: page by page, to the end."""

from __future__ import annotations

from typing import Any

from tests.world import Actor


def every(who: Actor, path: str, query: str = "") -> list[dict[str, Any]]:
    """All items of a list: a short page is not its end."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = who.get(f"{path}?{query}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        items += page["items"]
        if "next" not in page:
            return items
        cursor = f"&cursor={page['next']}"


def all_events(auditor: Actor, query: str = "") -> list[dict[str, Any]]:
    """All events that a question finds."""
    return every(auditor, "/v1/audit/events", f"{query}&limit=1000")
