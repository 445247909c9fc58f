"""What tests of the relay do again and again."""

from __future__ import annotations

from tests.functional.relay.conftest import Line
from tests.world import Actor, World


def contact(line: Line) -> tuple[int, str | None]:
    answer = line.town.courier.post("/v1/reveals", {"waybill_no": line.waybill_no, "purpose": "contact"})
    return answer.status_code, answer.get_json().get("code")


def fail(line: Line, caller: str, call_id: str) -> None:
    assert line.call(caller, line.extension, call_id=call_id).get_json()["action"] == "connect"
    assert line.record(call_id, "failed", reason="busy").status_code == 200


def bind_pair(who: Actor, waybill_no: str) -> tuple[int, dict[str, str]]:
    answer = who.post("/v1/relay/bindings", {"waybill_no": waybill_no, "mode": "axb"})
    return answer.status_code, answer.get_json()


def recorded(world: World, call_id: str) -> dict[str, str | None]:
    """Type and reason of each record."""
    with world.admin() as conn:
        rows = conn.execute("select type, reason from relay_call_event where call_id = %s", (call_id,))
        return {row["type"]: row["reason"] for row in rows}
