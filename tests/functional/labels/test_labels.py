"""Labels over HTTP: who prints them, what stands on them, and that no key is needed for it."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from tests import canaries
from tests.functional.waybills.orders import order
from tests.pool import add_numbers, retire_numbers
from tests.unit.labels.reading import codes_on, picture_in, printed, words_of
from tests.world import Actor, Town, TurnedClock, World, unique
from vault_gateway.embedded.processes import free_port

PUBLIC = "https://vault.example.com"


def label(actor: Actor, waybill_no: str, form: str = "pdf") -> TestResponse:
    return actor.get(f"/v1/waybills/{waybill_no}/label.{form}")


def receipt_of(town: Town, waybill_no: str) -> str:
    return str(town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["receipt"])


@pytest.fixture(scope="module")
def waybill_no(town: Town) -> str:
    return town.waybill(sender=town.tokenize(canaries.person()).as_recipient())


def test_every_form_and_size_says_the_number_and_the_receipt(town: Town, waybill_no: str) -> None:
    scanned = {"Code 128": waybill_no, "QR Code": f"/receipt/{receipt_of(town, waybill_no)}"}
    for size, width in (("76x130", 76), ("100x180", 100)):
        pdf = label(town.merchant, waybill_no, f"pdf?size={size}")
        assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
        assert pdf.headers["Cache-Control"] == "no-store"
        assert codes_on(printed(pdf.data, 203)) == scanned
        for dpi in (203, 300):
            png = label(town.merchant, waybill_no, f"png?size={size}&dpi={dpi}")
            zpl = label(town.merchant, waybill_no, f"zpl?size={size}&dpi={dpi}")
            assert (png.mimetype, zpl.mimetype) == ("image/png", "application/zpl")
            picture = Image.open(io.BytesIO(png.data))
            assert picture.width == round(width * dpi / 25.4)
            assert codes_on(picture) == codes_on(picture_in(zpl.text)) == scanned


def test_masks_stand_on_it_and_nothing_behind_them(town: Town) -> None:
    to, of = canaries.person(), canaries.person()
    number = town.waybill(town.tokenize(to), sender=town.tokenize(of).as_recipient())
    [words] = words_of(label(town.merchant, number).data)
    for person in (to, of):
        assert f"1******{person.phone[-4:]}" in words
        assert f"{person.name[0]}**" in words
        assert not [secret for secret in (person.name, person.phone, person.detail) if secret in words]
    assert "浙江省杭州市西湖区" in words
    assert {town.carrier_slug, "Douyin"} <= set(words.split())


def test_the_day_on_it_is_one_of_the_platforms_time_zone(town: Town, clock: TurnedClock) -> None:
    now = datetime.now(UTC)
    evening = (now + timedelta(days=1)).replace(hour=17, minute=0)
    clock.advance(seconds=(evening - now).total_seconds())
    [words] = words_of(label(town.merchant, town.waybill()).data)
    assert str(evening.date() + timedelta(days=1)) in words.split()
    assert str(evening.date()) not in words


def test_a_relay_number_with_its_extension_is_on_the_label(world: World, town: Town) -> None:
    telecom = unique("telecom")
    add_numbers(world, telecom, 1, "extension", region="杭州市")
    number = town.waybill(relay=True)
    relay = town.merchant.get(f"/v1/waybills/{number}").get_json()["relay"]
    [words] = words_of(label(town.merchant, number).data)
    assert f"{relay['number'].removeprefix('+86')} 转 {relay['extension']}" in words
    retire_numbers(world, telecom)


def test_a_node_whose_vault_is_gone_prints_labels(world: World, town: Town, waybill_no: str) -> None:
    node = world.gateway(vault_addr=f"http://127.0.0.1:{free_port()}", public_url=f"{PUBLIC}/")
    merchant = Actor(node, town.merchant.key, town.merchant.name)
    items = {"items": canaries.items_of(canaries.person())}
    assert merchant.post("/v1/tokens", items).status_code == 503

    for form in ("pdf", "png", "zpl"):
        assert label(merchant, waybill_no, form).status_code == 200
    pdf = label(merchant, waybill_no).data
    link = codes_on(printed(pdf, 203))["QR Code"]
    assert link == f"{PUBLIC}/receipt/{receipt_of(town, waybill_no)}"
    assert merchant.post("/v1/waybills/labels", {"waybill_nos": [waybill_no]}).status_code == 200


def test_whoever_ships_or_carries_the_parcel_prints_it_and_nobody_else(
    world: World, town: Town, elsewhere: Town, auditor: Actor
) -> None:
    number = town.out_for_delivery()
    for actor in (town.merchant, town.platform, town.carrier):
        assert label(actor, number).status_code == 200
    for actor in (elsewhere.merchant, elsewhere.carrier, town.station, auditor, world.actor("operator")):
        assert label(actor, number).status_code == 404
    # It sees the parcel, so it hears that this is not its to do.
    assert label(town.courier, number).status_code == 403
    assert label(town.merchant, "DYT0000000000000000").status_code == 404


def test_printing_and_refusals_are_in_the_access_log(town: Town, elsewhere: Town, auditor: Actor) -> None:
    number = town.waybill()
    assert label(town.carrier, number).status_code == 200
    assert label(elsewhere.carrier, number).status_code == 404
    events = auditor.get(f"/v1/audit/events?waybill={number}&action=waybill.label").get_json()["items"]
    assert [(event["actor"], event["outcome"]) for event in events] == [
        (f"key:{elsewhere.carrier.name}", "deny"),
        (f"key:{town.carrier.name}", "allow"),
    ]


def test_a_parcel_whose_way_is_over_has_no_label(town: Town) -> None:
    number = town.waybill()
    assert town.merchant.post(f"/v1/waybills/{number}/cancel").status_code == 200
    answer = label(town.merchant, number)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize(
    "form", ["pdf?dpi=203", "png?dpi=72", "png?size=a4", "zpl?dpi=203&dpi=300", "pdf?colour=red"]
)
def test_what_no_printer_asks_for_is_refused(town: Town, waybill_no: str, form: str) -> None:
    answer = label(town.merchant, waybill_no, form)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")


def test_another_form_is_not_there(town: Town, waybill_no: str) -> None:
    assert label(town.merchant, waybill_no, "gif").status_code == 404


class TestBatch:
    def test_a_page_for_each_number_in_order_over_tenants_for_their_carrier(
        self, world: World, town: Town, elsewhere: Town
    ) -> None:
        own = [town.waybill() for _ in range(3)]
        foreign_order = order(town, elsewhere.tokenize(canaries.person()))
        foreign = elsewhere.merchant.post("/v1/waybills", foreign_order).get_json()["waybill_no"]
        numbers = [own[2], foreign, own[0], own[1]]

        answer = town.carrier.post("/v1/waybills/labels", {"waybill_nos": numbers, "size": "100x180"})

        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        pages = [codes_on(printed(answer.data, 203, at))["Code 128"] for at in range(4)]
        assert pages == numbers

    def test_one_that_cannot_be_printed_is_pointed_at_and_none_is_printed(
        self, town: Town, elsewhere: Town, auditor: Actor
    ) -> None:
        good, foreign, cancelled = town.waybill(), elsewhere.waybill(), town.waybill()
        town.merchant.post(f"/v1/waybills/{cancelled}/cancel")
        body = {"waybill_nos": [good, foreign, "NOBODYHASTHIS", cancelled], "format": "pdf"}

        answer = town.merchant.post("/v1/waybills/labels", body)

        assert answer.status_code == 422
        problem = answer.get_json()
        assert [error["pointer"] for error in problem["errors"]] == [
            "/waybill_nos/1",
            "/waybill_nos/2",
            "/waybill_nos/3",
        ]
        # Foreign and unknown look the same.
        assert problem["errors"][0]["detail"] == problem["errors"][1]["detail"]
        logged = {
            number: [
                event["outcome"]
                for event in auditor.get(
                    f"/v1/audit/events?waybill={number}&action=waybill.label"
                ).get_json()["items"]
            ]
            for number in (good, foreign, cancelled)
        }
        assert logged == {good: [], foreign: ["deny"], cancelled: ["deny"]}

    @pytest.mark.parametrize("change", [{"waybill_nos": []}, {"waybill_nos": ["X"] * 201}, {"format": "zpl"}])
    def test_empty_too_many_and_other_forms_are_refused(
        self, town: Town, waybill_no: str, change: dict[str, object]
    ) -> None:
        body = {"waybill_nos": [waybill_no], **change}
        assert town.merchant.post("/v1/waybills/labels", body).status_code == 422
