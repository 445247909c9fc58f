"""What tests of reveals do again and again, and what they read behind the gateway's back."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from werkzeug.test import TestResponse

from tests.world import Actor, World
from vault_gateway.ids import parse_prefixed
from vault_gateway.reveals.seal import unseal

CLAIM_ANSWER = {"reveal_id", "state", "expires_at"}


def ask(actor: Actor, waybill_no: str, purpose: str = "deliver", **more: Any) -> TestResponse:
    return actor.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": purpose, **more})


def issued(actor: Actor, waybill_no: str, purpose: str = "deliver", **more: Any) -> str:
    """The id of a grant just issued."""
    answer = ask(actor, waybill_no, purpose, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["reveal_id"])


def claim(actor: Actor, reveal: str, key: X25519PrivateKey | None = None) -> TestResponse:
    body = {} if key is None else {"public_key": public(key)}
    return actor.post(f"/v1/reveals/{reveal}/claim", body)


def ack(actor: Actor, reveal: str, code: str) -> TestResponse:
    return actor.post(f"/v1/reveals/{reveal}/ack", {"ack_code": code})


def public(key: X25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def opened(answer: TestResponse, key: X25519PrivateKey) -> dict[str, Any]:
    """What is inside a sealed answer: `fields` and `ack_code`."""
    assert answer.status_code in (200, 201), answer.text
    body = answer.get_json()
    assert body.keys() == CLAIM_ANSWER | {"sealed"}
    return unseal(key, body["reveal_id"], body["sealed"])


def state(actor: Actor, reveal: str) -> tuple[str, int]:
    body = actor.get(f"/v1/reveals/{reveal}").get_json()
    return body["state"], body["released"]


def told(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal, which never carries a value or an id."""
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.get_json()["code"]


def events(world: World, **where: str) -> list[dict[str, Any]]:
    """Bodies of audit events of reveals whose fields have these values, oldest first, past every wall."""
    with world.admin() as conn:
        rows = conn.execute(
            "select body from audit_event where body ->> 'action' like 'reveal.%%' order by body ->> 'time', id"
        ).fetchall()
    bodies = [row["body"] for row in rows]
    return [body for body in bodies if all(body.get(name) == value for name, value in where.items())]


def outline(world: World, **where: str) -> list[tuple[str, str, str | None]]:
    """Action, outcome and reason of those events."""
    return [(body["action"], body["outcome"], body.get("reason")) for body in events(world, **where)]


def row(world: World, reveal: str) -> dict[str, Any]:
    """The stored grant, found by its text."""
    with world.admin() as conn:
        found = conn.execute(
            "select * from reveal_grant where id = %s", (parse_prefixed("rv_", reveal),)
        ).fetchone()
    assert found is not None
    return found
