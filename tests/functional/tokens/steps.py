"""What tests of tokens do again and again."""

from __future__ import annotations

from typing import Any

from tests.world import Actor


def tokenize(by: Actor, *items: Any, status: int = 201, **more: Any) -> list[dict[str, Any]]:
    answer = by.post("/v1/tokens", {"items": list(items), **more})
    assert answer.status_code == status, answer.text
    made: list[dict[str, Any]] = answer.get_json()["items"]
    return made


def search(by: Actor, **body: Any) -> list[dict[str, Any]]:
    answer = by.post("/v1/tokens/search", body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def match(by: Actor, *recipients: dict[str, str], **more: Any) -> dict[str, Any]:
    answer = by.post("/v1/tokens/match", {"recipients": list(recipients), **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def all_pages(by: Actor, path: str, **body: Any) -> list[list[dict[str, Any]]]:
    """Every page of a POST list."""
    pages, cursor = [], None
    while True:
        answer = by.post(path, body if cursor is None else {**body, "cursor": cursor}).get_json()
        pages.append(answer["items"])
        cursor = answer.get("next")
        if cursor is None:
            return pages


def candidates_for(phone: str) -> list[str]:
    """Every number with the last four digits of `phone` and its first three, the right one in the middle."""
    return [f"{phone[:3]}{(int(phone[3:7]) + n) % 10_000:04d}{phone[-4:]}" for n in range(-5000, 5000)]
