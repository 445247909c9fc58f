"""Ciphertexts that somebody with the database puts where they do not belong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests import canaries
from tests.world import Actor, Tokens, Town, World
from vault_gateway.model import Tenant
from vault_gateway.tokens.ids import parse_token


def tenant_id(town: Town) -> UUID:
    return Tenant(town.platform_slug, town.merchant_slug).id


def id_of(token: str) -> UUID:
    parsed = parse_token(token)
    assert parsed is not None
    return parsed[1]


# Tokens of which a test of this run has changed the ciphertext or the kind by hand.
OVERWRITTEN: list[UUID] = []


def overwrite(world: World, target: str, source: str) -> None:
    """Puts one row's ciphertext into another, as somebody with the database in hands would."""
    OVERWRITTEN.append(id_of(target))
    with world.admin() as conn:
        changed = conn.execute(
            "update token set (key_version, ciphertext) = (select key_version, ciphertext from token where id = %s)"
            " where id = %s",
            (id_of(source), id_of(target)),
        )
    assert changed.rowcount == 1


def assert_does_not_open(town: Town, tokens: Tokens, auditor: Actor, *secrets: str) -> None:
    waybill_no = town.out_for_delivery(tokens)
    claim: dict[str, Any] = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    answer = town.courier.post("/v1/reveals", claim)
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal"), answer.text
    assert not list(canaries.leaks(answer.data, secrets))
    events = auditor.get(f"/v1/audit/events?waybill={waybill_no}&action=reveal.claim").get_json()["items"]
    assert [(event["outcome"], event.get("reason")) for event in events] == [
        ("error", "does_not_open"),
        ("allow", None),
    ]
    assert not auditor.get(f"/v1/audit/events?waybill={waybill_no}&action=reveal.release").get_json()["items"]
