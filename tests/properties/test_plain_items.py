"""Items of bulk bodies that are taken as they are: only such as the schema takes, and as it takes them."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from vault_gateway.shapes import PlainNested
from vault_gateway.waybills.schemas import ManyWaybillsSchema, OrderSchema

_TOKENS = {
    name: f"{prefix}_" + "0" * 26 for name, prefix in (("name", "nm"), ("phone", "ph"), ("address", "ad"))
}
_GOOD = {"network": "douyin", "carrier": "swift", "recipient": _TOKENS}
_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["douyin", "A-1", "SF0123456789012", "", "a\n", "ph_" + "0" * 26, "ｄouyin"]),
    st.sampled_from([True, False, 1, 0, 1.0, None, [], {}]),
    st.just(_TOKENS),
    st.dictionaries(st.sampled_from([*_TOKENS, "order"]), st.sampled_from([*_TOKENS.values(), "x", 1, None])),
)
_NAMES = ["network", "carrier", "order", "recipient", "sender", "waybill_no", "branch", "relay", "colour"]


@given(
    changes=st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4),
    left_out=st.sets(st.sampled_from(_NAMES), max_size=1),
)
@example(changes={"branch": "main", "waybill_no": "SF0123456789012"}, left_out=set())
@example(changes={"relay": 1}, left_out=set())
@example(changes={"sender": {**_TOKENS, "name": 1}}, left_out=set())
def test_an_item_is_read_as_its_schema_alone_would_read_it(
    changes: dict[str, Any], left_out: set[str]
) -> None:
    item = {name: value for name, value in {**_GOOD, **changes}.items() if name not in left_out}
    assert _as_only_item(item) == _read(OrderSchema(), item)


def _read(schema: Schema, body: Any) -> tuple[str, Any]:
    try:
        return "taken", schema.load(body)
    except ValidationError as fault:
        return "refused", fault.messages


def _as_only_item(item: Any) -> tuple[str, Any]:
    [read] = ManyWaybillsSchema().load({"items": [item]})["items"]
    return ("refused", read.messages) if isinstance(read, ValidationError) else ("taken", read)


def test_an_order_as_merchants_send_it_is_taken_as_it_is() -> None:
    items = ManyWaybillsSchema().fields["items"]
    assert isinstance(items, fields.List)
    assert isinstance(items.inner, PlainNested)
    order = {**_GOOD, "order": "A-1", "sender": _TOKENS, "relay": True, "waybill_no": "SF0123456789012"}
    assert ManyWaybillsSchema().load({"items": [order]})["items"][0] is order
