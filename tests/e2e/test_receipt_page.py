"""The recipient's page in a real browser."""

from __future__ import annotations

from pathlib import Path

from tests.browser import Browse
from tests.world import Town, World


def test_the_page_is_drawn_in_its_style_and_nothing_is_said_on_the_console(
    world: World, town: Town, tmp_path: Path
) -> None:
    """A style that its policy refuses would be told there."""
    waybill_no = town.out_for_delivery()
    body = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    assert town.courier.post("/v1/reveals", body).status_code == 201
    code = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["receipt"]
    with world.served(duties=("audit", "console"), identities={}) as url:
        page, console = Browse(tmp_path)(f"{url}/receipt/{code}?lang=zh")
    assert console == []
    assert waybill_no in page
    assert "派件快递员" in page
