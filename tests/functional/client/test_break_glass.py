"""Break-glass through the SDK."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.functional.breakglass.steps import AGREED, WHY
from tests.functional.client.conftest import ClientOf
from tests.responders import Desk
from tests.world import Town, World
from vault_gateway.client import ApiError


def test_two_responders_open_what_one_asked_for(world: World, town: Town, client_of: ClientOf) -> None:
    desk = Desk(world)
    mei, lan = (client_of(desk.responder()).break_glass for _ in range(2))
    someone = canaries.person()
    tokens = town.tokenize(someone)
    waybill_no = town.waybill(tokens)

    requested = mei.request(WHY, waybill_no=waybill_no)
    assert (requested.state, requested.waybill_no, requested.reason) == ("requested", waybill_no, WHY)
    with pytest.raises(ValueError, match="not approved"):
        mei.open(requested)
    with pytest.raises(ApiError, match="own_request"):
        mei.approve(requested.break_glass_id, AGREED)
    approved = lan.approve(requested.break_glass_id, AGREED)
    assert approved.approval is not None
    assert approved.approval.reason == AGREED
    assert mei.get(requested.break_glass_id) == approved

    revealed = mei.open(approved)
    assert revealed.fields["name"] == someone.name
    assert revealed.acknowledged
    reveal = lan.get(requested.break_glass_id).reveal
    assert reveal is not None
    assert (reveal.state, reveal.released) == ("delivered", 1)

    one = mei.request(WHY, token=tokens.phone)
    opened = mei.open(lan.approve(one.break_glass_id, AGREED))
    assert opened.fields == {"phone": someone.e164}
    auditor = client_of(world.actor("auditor", platform=town.platform_slug))
    assert [each.break_glass_id for each in auditor.break_glass.list()] == [
        one.break_glass_id,
        requested.break_glass_id,
    ]
    grant = client_of(world.actor("operator")).reveals.get(opened.reveal_id)
    assert (grant.waybill_no, grant.token, grant.purpose) == (None, tokens.phone, "break_glass")
