"""Up to 20 at once, each with its own outcome; one round trip; repeated requests."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.reveals.steps import CLAIM_ANSWER, claim, outline, public, state, told
from tests.world import Actor, Town, World, unique
from vault_gateway.reveals.seal import unseal


def ask_many(actor: Actor, items: list[dict[str, Any]], key: str | None = None, **more: Any) -> Any:
    headers = None if key is None else {"Idempotency-Key": key}
    return actor.post("/v1/reveals", {"items": items, **more}, headers=headers)


def deliver(waybill_no: str, **more: Any) -> dict[str, Any]:
    return {"waybill_no": waybill_no, "purpose": "deliver", **more}


def test_each_item_has_its_own_outcome_in_order(world: World, town: Town) -> None:
    someone = canaries.person()
    good = town.out_for_delivery(town.tokenize(someone))
    early = town.waybill()
    items = [
        deliver(good),
        deliver(early),
        deliver(good),
        {"waybill_no": good, "purpose": "contact"},
        deliver(good, fields=["phone"]),
    ]
    answer = ask_many(town.courier, items, claim=True)
    assert answer.status_code == 207
    got = answer.get_json()["items"]
    assert got[0].keys() == got[3].keys() == CLAIM_ANSWER | {"fields", "ack_code"}
    assert got[0]["fields"]["name"] == someone.name
    assert got[3]["fields"] == {"phone": someone.e164}
    # The third is another reveal of the same parcel: the first was spent at once.
    assert got[2]["reveal_id"] != got[0]["reveal_id"]
    assert [item["error"]["code"] for item in (got[1], got[4])] == ["not_found", "field_not_allowed"]
    assert got[1].keys() == {"error"}
    assert ("reveal.issue", "deny", "not_permitted") in outline(world, waybill=early)


def test_a_misshapen_item_fails_alone(town: Town) -> None:
    good = town.out_for_delivery()
    items: list[Any] = [deliver("Xu Misplaced"), deliver(good), None, deliver(good, fields=["email"])]
    answer = ask_many(town.courier, items)
    assert answer.status_code == 207
    got = answer.get_json()["items"]
    assert [item.get("error", {}).get("code") for item in got] == [
        "validation_failed", None, "validation_failed", "validation_failed",
    ]  # fmt: skip
    assert got[0]["error"]["detail"] == "/waybill_no: 1 to 64 visible ASCII characters."
    assert got[1]["waybill_no"] == good
    assert "Misplaced" not in answer.text


def test_201_where_all_went_well_and_422_where_none_did(town: Town) -> None:
    waybills = [town.out_for_delivery() for _ in range(3)]
    answer = ask_many(town.courier, [deliver(waybill_no) for waybill_no in waybills])
    assert answer.status_code == 201
    assert [item["waybill_no"] for item in answer.get_json()["items"]] == waybills
    answer = ask_many(town.courier, [deliver(waybill_no) for waybill_no in waybills])
    assert answer.status_code == 422
    assert [item["error"]["code"] for item in answer.get_json()["items"]] == ["reveal_live"] * 3


def test_20_are_taken_and_21_are_not(town: Town) -> None:
    waybill_no = town.out_for_delivery()
    assert told(ask_many(town.courier, [deliver(waybill_no)] * 21)) == (422, "validation_failed")
    assert told(ask_many(town.courier, [])) == (422, "validation_failed")
    waybills = [town.out_for_delivery() for _ in range(20)]
    assert ask_many(town.courier, [deliver(no) for no in waybills], claim=True).status_code == 201


def test_an_item_carries_no_claim_of_its_own(town: Town) -> None:
    answer = ask_many(town.courier, [deliver(town.out_for_delivery(), claim=True)])
    assert answer.status_code == 422
    assert [item["error"]["code"] for item in answer.get_json()["items"]] == ["validation_failed"]


def test_a_repeated_issue_names_the_same_grant(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()
    headers = {"Idempotency-Key": unique("k")}
    first = town.courier.post("/v1/reveals", deliver(waybill_no), headers=headers)
    again = town.courier.post("/v1/reveals", deliver(waybill_no), headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.get_json() == again.get_json()
    assert len(outline(world, waybill=waybill_no)) == 1
    other = town.courier.post("/v1/reveals", deliver(town.out_for_delivery()), headers=headers)
    assert told(other) == (422, "idempotency_key_reused")


def test_a_key_is_its_principals_own(town: Town) -> None:
    other = town.world.actor("courier", carrier=town.carrier_slug)
    waybill_no = town.out_for_delivery()
    headers = {"Idempotency-Key": unique("k")}
    assert town.courier.post("/v1/reveals", deliver(waybill_no), headers=headers).status_code == 201
    assert told(other.post("/v1/reveals", deliver(waybill_no), headers=headers)) == (404, "not_found")


def test_a_repeated_unsealed_claim_is_spent_and_nothing_of_it_is_stored(world: World, town: Town) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    headers = {"Idempotency-Key": unique("k")}
    body = deliver(waybill_no, claim=True)
    first = town.courier.post("/v1/reveals", body, headers=headers)
    assert first.get_json()["fields"]["name"] == someone.name
    assert told(town.courier.post("/v1/reveals", body, headers=headers)) == (409, "reveal_spent")
    assert state(town.courier, first.get_json()["reveal_id"]) == ("claimed", 1)
    with world.admin() as conn:
        rows = conn.execute(
            "select answer from idempotency where key = %s", (f"{headers['Idempotency-Key']} 0",)
        )
        kept = [row["answer"] for row in rows]
    assert kept in ([], [first.get_json()["reveal_id"]])
    dump = world.dump()
    assert first.get_json()["ack_code"].encode() not in dump
    assert not list(canaries.leaks(dump, [someone.name, someone.detail]))


def test_a_repeated_sealed_claim_is_delivered_anew(town: Town) -> None:
    key = X25519PrivateKey.generate()
    headers = {"Idempotency-Key": unique("k")}
    body = deliver(town.out_for_delivery(), claim=True, public_key=public(key))
    answers = [town.courier.post("/v1/reveals", body, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 4 + [409]
    opened = [answer.get_json() for answer in answers[:4]]
    assert len({one["reveal_id"] for one in opened}) == 1
    assert len({one["sealed"]["enc"] for one in opened}) == 4
    insides = [unseal(key, one["reveal_id"], one["sealed"]) for one in opened]
    assert all(inside["fields"] == insides[0]["fields"] for inside in insides)


def test_a_repeated_batch_repeats_each_item_for_itself(town: Town) -> None:
    key = X25519PrivateKey.generate()
    early = town.waybill()
    sealed = deliver(town.out_for_delivery(), public_key=public(key))
    items = [sealed, deliver(town.out_for_delivery()), deliver(early)]
    request = unique("k")
    first = ask_many(town.courier, items, request, claim=True)
    assert first.status_code == 207
    town.event(early, "accepted")
    town.event(early, "out_for_delivery", courier=town.courier.name)
    again = ask_many(town.courier, items, request, claim=True)
    one, two, three = again.get_json()["items"]
    assert one["reveal_id"] == first.get_json()["items"][0]["reveal_id"]
    assert one["sealed"] != first.get_json()["items"][0]["sealed"]
    assert two == {"error": {"code": "reveal_spent", "detail": two["error"]["detail"]}}
    # What was refused left nothing behind, so it is tried again.
    assert three["fields"].keys() == {"name", "address"}


def test_a_batch_repeated_after_a_crash_continues_where_it_was(town: Town) -> None:
    """The first items were carried out, the answer was lost: a plain repetition makes no second grant."""
    waybills = [town.out_for_delivery() for _ in range(3)]
    request = unique("k")
    items = [deliver(waybill_no) for waybill_no in waybills]
    first = ask_many(town.courier, items, request).get_json()["items"]
    again = ask_many(town.courier, items, request).get_json()["items"]
    assert [one["reveal_id"] for one in again] == [one["reveal_id"] for one in first]
    assert claim(town.courier, first[0]["reveal_id"]).status_code == 200
