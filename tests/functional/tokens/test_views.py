"""Looking at tokens: by token, by order, by value, by last digits; matching them; erasing them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests import canaries
from tests.functional.tokens.steps import match, search, tokenize
from tests.world import Actor, Town

UNKNOWN = "ph_06awmb9dyx7h3nv3m5zs8bcn1g"


def test_a_token_shows_its_mask_and_never_its_value(town: Town) -> None:
    someone = canaries.person()
    tokens = town.tokenize(someone)
    for token in (tokens.name, tokens.phone, tokens.address):
        answer = town.merchant.get(f"/v1/tokens/{token}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        view = answer.get_json()
        assert (view["token"], view["origin"]) == (token, "merchant")
        assert not list(canaries.leaks(answer.data))


@pytest.mark.parametrize(
    "token",
    [
        UNKNOWN,
        UNKNOWN.upper(),
        "ph_",
        "x",
        "13912345678",
        "%00",
        "%ff%fe",
        "nm_" + UNKNOWN[3:],
        "ph_" + "z" * 26,
    ],
)
def test_what_is_no_token_here_is_not_found(town: Town, token: str) -> None:
    answers = [town.merchant.get(f"/v1/tokens/{token}"), town.merchant.delete(f"/v1/tokens/{token}")]
    assert [(a.status_code, a.get_json()["code"]) for a in answers] == [(404, "not_found")] * 2


def test_a_foreign_token_looks_like_none(town: Town, elsewhere: Town) -> None:
    token = elsewhere.tokenize(canaries.person()).phone
    unknown, foreign = (town.merchant.get(f"/v1/tokens/{one}").get_json() for one in (UNKNOWN, token))
    assert {**unknown, "request_id": ""} == {**foreign, "request_id": ""}
    unknown, foreign = (town.merchant.delete(f"/v1/tokens/{one}").get_json() for one in (UNKNOWN, token))
    assert {**unknown, "request_id": ""} == {**foreign, "request_id": ""}
    [one, two] = town.merchant.post("/v1/tokens/lookup", {"tokens": [UNKNOWN, token]}).get_json()["items"]
    assert one == two
    assert town.merchant.get(f"/v1/tokens/{token}?merchant={elsewhere.merchant_slug}").status_code == 404
    assert elsewhere.merchant.get(f"/v1/tokens/{token}").status_code == 200


def test_a_token_under_another_kinds_prefix_is_not_found(town: Town) -> None:
    token = town.tokenize(canaries.person()).phone
    assert town.merchant.get("/v1/tokens/nm_" + token[3:]).status_code == 404
    assert town.merchant.delete("/v1/tokens/nm_" + token[3:]).status_code == 404
    assert town.merchant.get(f"/v1/tokens/{token}").status_code == 200


def test_many_are_looked_up_in_order_with_an_error_where_there_is_none(town: Town) -> None:
    made = [one["token"] for one in tokenize(town.merchant, *canaries.items_of(canaries.person()) * 50)]
    wanted = [token for real in made for token in (real, UNKNOWN)]
    items = town.merchant.post("/v1/tokens/lookup", {"tokens": wanted}).get_json()["items"]
    assert [item["token"] for item in items[::2]] == made
    assert {item["error"]["code"] for item in items[1::2]} == {"not_found"}


def test_an_order_has_its_tokens_as_they_were_submitted(town: Town) -> None:
    first = tokenize(
        town.platform, *canaries.items_of(canaries.person()), order="D-1", merchant=town.merchant_slug
    )
    second = tokenize(town.merchant, *canaries.items_of(canaries.person()) * 3, order="D-1")
    answer = town.merchant.get("/v1/orders/D-1").get_json()
    assert [item["token"] for item in answer["items"]] == [one["token"] for one in first + second]
    assert {item["order"] for item in answer["items"]} == {"D-1"}
    page = town.merchant.get("/v1/orders/D-1?limit=7").get_json()
    rest = town.merchant.get(f"/v1/orders/D-1?limit=7&cursor={page['next']}").get_json()
    assert page["items"] + rest["items"] == answer["items"]
    assert "next" not in rest


@pytest.mark.parametrize("order", ["none", "%00", "%ff", "a%20b", "x" * 65, "13912345678"])
def test_an_unknown_order_is_not_found(town: Town, order: str) -> None:
    answer = town.merchant.get(f"/v1/orders/{order}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_a_foreign_order_is_not_found(town: Town, elsewhere: Town) -> None:
    tokenize(elsewhere.merchant, *canaries.items_of(canaries.person()), order="D-2")
    assert town.merchant.get("/v1/orders/D-2").status_code == 404
    assert town.merchant.get(f"/v1/orders/D-2?merchant={elsewhere.merchant_slug}").status_code == 404


def test_a_value_finds_its_tokens_of_the_callers_own_origin(town: Town, elsewhere: Town) -> None:
    someone = canaries.person()
    mine, platforms = town.tokenize(someone), town.tokenize(someone, by=town.platform)
    elsewhere.tokenize(someone)
    values = {"name": someone.name, "phone": someone.phone, "address": someone.address}
    for kind, value in values.items():
        assert [one["token"] for one in search(town.merchant, kind=kind, value=value)] == [
            getattr(mine, kind)
        ]
        found = search(town.platform, kind=kind, value=value, merchant=town.merchant_slug)
        assert [one["token"] for one in found] == [getattr(platforms, kind)]


def test_a_bad_value_is_refused_by_its_code(town: Town) -> None:
    answer = town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": "139****1234"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "value_masked")


def test_pages_are_newest_first_and_stable_under_inserts(town: Town) -> None:
    phone = canaries.phone()
    item = {"kind": "phone", "value": phone}
    made = [tokenize(town.merchant, item)[0]["token"] for _ in range(7)]
    for by in ({"value": phone}, {"last4": phone[-4:]}):
        body = {"kind": "phone", "limit": 3, **by}
        first = town.merchant.post("/v1/tokens/search", body).get_json()
        newer = tokenize(town.merchant, item)[0]["token"]
        second = town.merchant.post("/v1/tokens/search", {**body, "cursor": first["next"]}).get_json()
        third = town.merchant.post("/v1/tokens/search", {**body, "cursor": second["next"]}).get_json()
        seen = [one["token"] for answer in (first, second, third) for one in answer["items"]]
        assert seen == made[::-1]
        assert "next" not in third
        made.append(newer)


def test_last_digits_find_what_the_mask_shows_of_either_origin(town: Town) -> None:
    someone = canaries.person()
    tokens = {town.tokenize(someone).phone, town.tokenize(someone, by=town.platform).phone}
    assert tokens <= {one["token"] for one in search(town.merchant, kind="phone", last4=someone.phone[-4:])}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "phone"},
        {"kind": "phone", "value": "1", "last4": "1234"},
        {"kind": "name", "last4": "1234"},
        {"kind": "phone", "last4": "12345"},
        {"kind": "phone", "last4": "１２３４"},
        {"kind": "phone", "last4": 1234},
        {"kind": "other", "value": "1"},
        {"kind": "phone", "last4": "1234", "limit": 0},
        {"kind": "phone", "last4": "1234", "limit": 501},
        {"kind": "phone", "last4": "1234", "limit": "10"},
        {"kind": "phone", "last4": "1234", "limit": 1.5},
        {"kind": "phone", "last4": "1234", "cursor": "x"},
    ],
)
def test_a_search_of_another_shape_is_refused(town: Town, body: dict[str, Any]) -> None:
    answer = town.merchant.post("/v1/tokens/search", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")


def test_the_same_recipient_is_matched_in_other_words(town: Town) -> None:
    one, other = canaries.person(), canaries.person()
    again = replace(one, phone=f"+86 {one.phone[:3]}-{one.phone[3:]}", name=f" {one.name} ")
    people = [one, other, again, replace(other, phone=one.phone), other]
    groups = match(town.merchant, *[town.tokenize(p).as_recipient() for p in people])
    assert groups == {"groups": [[0, 2], [1, 4], [3]], "missing": []}


def test_origins_never_match(town: Town) -> None:
    someone = canaries.person()
    recipients = [
        town.tokenize(someone).as_recipient(),
        town.tokenize(someone, by=town.platform).as_recipient(),
    ]
    for by, more in ((town.merchant, {}), (town.platform, {"merchant": town.merchant_slug})):
        assert match(by, *recipients, **more)["groups"] == [[0], [1]]
    mixed = {**recipients[0], "phone": recipients[1]["phone"]}
    assert match(town.merchant, recipients[0], mixed, recipients[1])["groups"] == [[0], [1], [2]]


def test_a_token_in_the_place_of_another_kind_matches_nothing(town: Town, elsewhere: Town) -> None:
    tokens = town.tokenize(canaries.person())
    twisted = {"name": tokens.phone, "phone": tokens.name, "address": tokens.address}
    foreign = elsewhere.tokenize(canaries.person()).as_recipient()
    answer = match(town.merchant, twisted, twisted, foreign, tokens.as_recipient())
    assert answer == {"groups": [[3]], "missing": [0, 1, 2]}


def test_an_erased_token_is_gone_everywhere_at_once(town: Town, auditor: Actor) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(tokens := town.tokenize(someone))
    before = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).get_json()
    for token in (tokens.name, tokens.phone, tokens.address):
        assert town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
        assert town.merchant.delete(f"/v1/tokens/{token}").status_code == 404
        assert town.merchant.get(f"/v1/tokens/{token}").status_code == 404
        events = auditor.get(f"/v1/audit/events?action=token.erase&token={token}").get_json()["items"]
        assert [event["outcome"] for event in events] == ["allow"]
    with town.world.admin() as conn:
        rows = conn.execute(
            "select kind, erased_at, to_jsonb(token) - array['tenant_id', 'id', 'kind', 'origin', 'order_ref',"
            " 'event_id', 'created_at', 'erased_at'] as kept from token where tenant_id ="
            " (select tenant_id from tenant where merchant = %s) and erased_at is not null",
            (town.merchant_slug,),
        ).fetchall()
    assert {row["kind"] for row in rows} == {"name", "phone", "address"}
    assert all(value is None for row in rows for value in row["kept"].values())
    assert search(town.merchant, kind="phone", value=someone.phone) == []
    assert search(town.merchant, kind="phone", last4=someone.phone[-4:]) == []
    assert match(town.merchant, tokens.as_recipient()) == {"groups": [], "missing": [0]}
    [looked_up] = town.merchant.post("/v1/tokens/lookup", {"tokens": [tokens.phone]}).get_json()["items"]
    assert looked_up["error"]["code"] == "not_found"
    claim = town.courier.post(f"/v1/reveals/{before['reveal_id']}/claim", {})
    assert claim.status_code == 404, claim.text
    assert (
        town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).status_code == 404
    )


def test_of_many_who_erase_at_once_one_did(town: Town, auditor: Actor) -> None:
    token = town.tokenize(canaries.person()).phone
    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(lambda _: town.merchant.delete(f"/v1/tokens/{token}").status_code, range(16))
        )
    assert sorted(statuses) == [204] + [404] * 15
    events = auditor.get(f"/v1/audit/events?action=token.erase&token={token}").get_json()["items"]
    assert [event["outcome"] for event in events] == ["allow"]


def test_a_merchant_cannot_erase_what_its_platform_submitted(town: Town, auditor: Actor) -> None:
    token = town.tokenize(canaries.person(), by=town.platform).address
    answer = town.merchant.delete(f"/v1/tokens/{token}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    [event] = auditor.get(f"/v1/audit/events?action=token.erase&token={token}").get_json()["items"]
    assert event["outcome"] == "deny"
    assert town.merchant.get(f"/v1/tokens/{token}").status_code == 200
    assert town.platform.delete(f"/v1/tokens/{token}?merchant={town.merchant_slug}").status_code == 204


def test_a_platform_may_erase_for_its_merchants(town: Town) -> None:
    token = town.tokenize(canaries.person()).phone
    assert town.platform.delete(f"/v1/tokens/{token}?merchant={town.merchant_slug}").status_code == 204
    assert town.merchant.get(f"/v1/tokens/{token}").status_code == 404
