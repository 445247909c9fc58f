"""`POST /v1/tokens`: statuses, order, each item's own answer, every usual form of a value."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import canaries
from tests.functional.tokens.steps import tokenize
from tests.world import Actor, Town

TOKEN = re.compile(r"(ph|ad|nm)_[0-9a-hjkmnp-tv-z]{26}")


def test_all_well_is_201_in_order_with_refs(town: Town) -> None:
    people = [canaries.person() for _ in range(40)]
    items = [
        {**item, "ref": f"{n}-{item['kind']}"}
        for n, someone in enumerate(people)
        for item in canaries.items_of(someone)
    ]
    made = tokenize(town.merchant, *items)
    assert [one["ref"] for one in made] == [item["ref"] for item in items]
    assert [one["kind"] for one in made] == [item["kind"] for item in items]
    assert all(one.keys() == {"ref", "token", "kind", "masked"} for one in made)
    for one, someone in zip(made[1::3], people, strict=True):
        assert one["masked"] == f"1******{someone.phone[-4:]}"


def test_some_well_is_207_and_each_bad_item_says_why(town: Town) -> None:
    someone = canaries.person()
    bad: list[tuple[Any, str]] = [
        ({"kind": "phone", "value": "12345", "ref": "b"}, "phone_invalid"),
        ({"kind": "phone", "value": f"{someone.phone}-801", "ref": "b"}, "phone_extension"),
        ({"kind": "phone", "value": "1" * 65, "ref": "b"}, "value_too_long"),
        ({"kind": "phone", "value": 13912345678, "ref": "b"}, "value_invalid_type"),
        ({"kind": "phone", "value": someone.phone, "region": "cn", "ref": "b"}, "region_invalid"),
        ({"kind": "phone", "value": someone.phone, "region": ["CN"], "ref": "b"}, "region_invalid"),
        ({"kind": "phone", "value": "139****1234", "ref": "b"}, "value_masked"),
        ({"kind": "name", "value": "", "ref": "b"}, "value_empty"),
        ({"kind": "name", "value": "n" * 129, "ref": "b"}, "value_too_long"),
        ({"kind": "name", "value": "张\x00三", "ref": "b"}, "value_bad_characters"),
        ({"kind": "name", "value": "张\x1b[31m", "ref": "b"}, "value_bad_characters"),
        ({"kind": "name", "value": None, "ref": "b"}, "value_invalid_type"),
        ({"kind": "name", "value": someone.phone, "ref": "b"}, "name_invalid"),
        ({"kind": "address", "value": {**someone.address, "detail": "x" * 1025}, "ref": "b"}, "value_too_long"),
        ({"kind": "address", "value": {**someone.address, "floor": "3"}, "ref": "b"}, "address_unknown_field"),
        ({"kind": "address", "value": {"province": "浙江省"}, "ref": "b"}, "address_incomplete"),
        ({"kind": "address", "value": {**someone.address, "city": someone.phone}, "ref": "b"},
         "address_region_invalid"),
        ({"kind": "address", "value": {"text": "somewhere"}, "ref": "b"}, "address_unparsed"),
        ({"kind": "address", "value": [], "ref": "b"}, "value_invalid_type"),
        ({"kind": "address", "value": {**someone.address, "postcode": "?"}, "ref": "b"}, "address_postcode_invalid"),
        ({"kind": "PHONE", "value": someone.phone, "ref": "b"}, "item_invalid"),
        ({"kind": ["phone"], "value": someone.phone, "ref": "b"}, "item_invalid"),
        ({"kind": "phone", "ref": "b"}, "item_invalid"),
        ({"kind": "phone", "value": someone.phone, "ref": "b", "note": 1}, "item_invalid"),
    ]  # fmt: skip
    good = {"kind": "phone", "value": someone.phone, "ref": "good"}
    made = tokenize(town.merchant, *[item for pair in bad for item in (pair[0], good)], status=207)
    for (item, code), refused, taken in zip(bad, made[::2], made[1::2], strict=True):
        assert refused.keys() == {"ref", "error"}, (item, refused)
        assert (refused["ref"], refused["error"]["code"]) == ("b", code), item
        assert TOKEN.fullmatch(taken["token"])
    assert not list(canaries.leaks(repr([one["error"] for one in made[::2]]).encode()))


def test_none_well_is_422_and_makes_nothing(town: Town) -> None:
    made = tokenize(
        town.merchant, {"kind": "phone", "value": "1"}, "text", None, [], 7, status=422, order="none-1"
    )
    assert [one["error"]["code"] for one in made] == ["phone_invalid", *["item_invalid"] * 4]
    assert town.merchant.get("/v1/orders/none-1").status_code == 404


@pytest.mark.parametrize("ref", [5, ["x"], {"a": 1}, "x" * 129, "a\nb", "\u202e", True])
def test_a_ref_is_printable_text(town: Town, ref: object) -> None:
    item = {"kind": "phone", "value": canaries.phone(), "ref": ref}
    [made] = tokenize(town.merchant, item, status=422)
    assert made == {"error": {"code": "ref_invalid", "detail": made["error"]["detail"]}}


def test_the_same_value_gets_a_fresh_token_each_time(town: Town) -> None:
    item = {"kind": "phone", "value": canaries.phone()}
    first = tokenize(town.merchant, *[item] * 20) + tokenize(town.merchant, item)
    assert len({one["token"] for one in first}) == 21


@pytest.mark.parametrize(
    "written",
    ["{}", " {} ", "+86{}", "0086{}", "+86 {}", "86-{}", "(+86){}", "tel:+86{}", "\u202a{}\u202c"],
)
def test_a_phone_is_one_however_it_is_written(town: Town, written: str) -> None:
    phone = canaries.phone()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in phone)
    spaced, dashed = f"{phone[:3]} {phone[3:7]} {phone[7:]}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
    forms = [written.format(way) for way in (phone, wide, spaced, dashed)]
    made = tokenize(town.merchant, *[{"kind": "phone", "value": form} for form in forms])
    found = town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": phone}).get_json()["items"]
    assert {one["token"] for one in found} == {one["token"] for one in made}
    assert {one["masked"] for one in found} == {f"1******{phone[-4:]}"}


def test_landlines_and_foreign_numbers_hide_six_digits_too(town: Town) -> None:
    numbers = [("010-6234 5678", "CN"), ("020 7946 0958", "GB"), ("+14155552671", "CN"), ("0612345678", "NL")]
    made = tokenize(town.merchant, *[{"kind": "phone", "value": v, "region": r} for v, r in numbers])
    masks = [one["masked"] for one in made]
    assert masks == ["******5678", "+44 ******0958", "+1 ******2671", "+31 ******678"]


def test_every_form_of_an_address_shows_its_region_alone(town: Town) -> None:
    someone = canaries.person()
    line = "浙江省杭州市西湖区" + someone.detail
    forms = [
        someone.address,
        {"country": "CN", **someone.address, "postcode": "310000"},
        {"text": line},
        line,
    ]
    forms.append({**someone.address, "township": "北山街道"})
    made = tokenize(town.merchant, *[{"kind": "address", "value": form} for form in forms])
    assert [one["masked"] for one in made] == ["浙江省杭州市西湖区****"] * 4 + [
        "浙江省杭州市西湖区北山街道****"
    ]
    view = town.merchant.get(f"/v1/tokens/{made[4]['token']}").get_json()
    assert view["region"] == {
        "country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区", "township": "北山街道",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "masked"),
    [("欧阳娜娜", "欧**"), ("Mary Ann O'Neill", "M**"), ("Ерофей", "Е**"), ("محمد علي", "م**"), ("ㄅ", "**")],
)
def test_a_name_of_any_script_shows_its_first_character_at_most(
    town: Town, written: str, masked: str
) -> None:
    [made] = tokenize(town.merchant, {"kind": "name", "value": written})
    assert made["masked"] == masked


def test_a_platform_names_the_merchant_and_nobody_works_elsewhere(town: Town, elsewhere: Town) -> None:
    item = {"kind": "phone", "value": canaries.phone()}
    assert town.platform.post("/v1/tokens", {"items": [item]}).get_json()["code"] == "merchant_required"
    tokenize(town.platform, item, merchant=town.merchant_slug)
    foreign = {"items": [item], "merchant": elsewhere.merchant_slug}
    assert town.merchant.post("/v1/tokens", foreign).get_json()["code"] == "not_found"
    for role in (town.carrier, town.courier, town.station):
        answer = role.post("/v1/tokens", {"items": [item]})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def test_a_request_is_one_event_that_its_tokens_name(town: Town, auditor: Actor) -> None:
    made = tokenize(town.merchant, *canaries.items_of(canaries.person()), order="audited-1")
    [event] = auditor.get("/v1/audit/events?action=token.create&order=audited-1").get_json()["items"]
    assert event["detail"]["count"] == 3
    with town.world.admin() as conn:
        rows = conn.execute("select id, event_id from token where order_ref = 'audited-1'").fetchall()
    assert len(rows) == len(made)
    assert {str(row["event_id"]) for row in rows} == {event["id"]}
