"""An order's life in one test; the rooms' own tests have the corners."""

from __future__ import annotations

from tests import canaries
from tests.world import Town


def test_a_parcel_reaches_its_recipient(town: Town) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    answer = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", "claim": True})
    assert answer.status_code == 201, answer.text
    fields = answer.get_json()["fields"]
    assert fields["name"] == someone.name
    assert fields["address"] == {"country": "CN", **someone.address}
