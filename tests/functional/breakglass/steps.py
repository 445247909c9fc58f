"""What tests of break-glass do again and again."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from werkzeug.test import TestResponse

from tests.functional.reveals.steps import claim, opened
from tests.world import Actor, World

WHY = "The parcel leaks and smells of gas"
AGREED = "Called the depot, it is true"


def ask(person: Actor, waybill_no: str | None = None, **more: Any) -> TestResponse:
    body = {"reason": WHY, **more}
    return person.post("/v1/break-glass", body if waybill_no is None else {"waybill_no": waybill_no, **body})


def asked(person: Actor, waybill_no: str | None = None, **more: Any) -> str:
    """The id of a request just made."""
    answer = ask(person, waybill_no, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["break_glass_id"])


def approve(person: Actor, request: str, reason: str = AGREED) -> TestResponse:
    return person.post(f"/v1/break-glass/{request}/approve", {"reason": reason})


def approved(person: Actor, request: str) -> str:
    """The id of the reveal that an approval just made."""
    answer = approve(person, request)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["reveal"]["reveal_id"])


def look(person: Actor, request: str) -> dict[str, Any]:
    answer = person.get(f"/v1/break-glass/{request}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def opened_by(person: Actor, reveal: str) -> dict[str, Any]:
    """What is inside: `fields` and `ack_code`."""
    key = X25519PrivateKey.generate()
    return opened(claim(person, reveal, key), key)


def events(world: World, **where: str) -> list[dict[str, Any]]:
    """Bodies of audit events of break-glasses whose fields have these values, oldest first, past every wall."""
    with world.admin() as conn:
        rows = conn.execute("select body from audit_event where action like 'breakglass.%%' order by id")
        bodies = [row["body"] for row in rows]
    return [body for body in bodies if all(body.get(name) == value for name, value in where.items())]


def outline(world: World, **where: str) -> list[tuple[str, str, str | None]]:
    """Action, outcome and reason of those events."""
    return [(body["action"], body["outcome"], body.get("reason")) for body in events(world, **where)]
