"""The tokens room, described."""

from __future__ import annotations

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY, OF_VALUES
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import (
    ADDRESS,
    MASKED,
    NAME,
    PHONE,
    RECIPIENT,
    TIME,
)
from vault_gateway.documentation.token_shapes import (
    LookupAnswerSchema,
    MatchAnswerSchema,
    TokenizeAnswerSchema,
    TokenPageSchema,
    TokenViewSchema,
)
from vault_gateway.shapes import TenantSchema
from vault_gateway.tokens.schemas import (
    LookupSchema,
    MatchSchema,
    OrderSchema,
    SearchSchema,
    TokenizeSchema,
)

_OWNERS = ("platform", "merchant")
_GROUND = ("forbidden", "not_found", "merchant_required", "validation_failed")
_REGION = {"country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区"}

_TOKENIZED = [
    {"ref": "buyer-name", "token": NAME, "kind": "name", "masked": MASKED["name"]},
    {"ref": "buyer-phone", "token": PHONE, "kind": "phone", "masked": MASKED["phone"]},
]
_REFUSED = {"ref": "buyer-address", "error": {"code": "value_empty", "detail": "The value is empty."}}
_VIEW = {
    "token": ADDRESS,
    "kind": "address",
    "masked": MASKED["address"],
    "origin": "merchant",
    "created_at": TIME,
    "order": "SO-1024",
    "region": _REGION,
}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/tokens",
        name="create_tokens",
        roles=_OWNERS,
        summary="Tokenise names, phones and addresses",
        text="Give what a buyer typed, keep what comes back: a token and a mask for each. Every item gets a fresh"
        " token, also for an equal value; equality shows only through search and match. Up to 10,000 items;"
        " an item that is refused carries its own error and does not stop the others.",
        bodies=(TokenizeSchema,),
        body_examples={
            "order": {
                "order": "SO-1024",
                "items": [
                    {"kind": "name", "value": "张三", "ref": "buyer-name"},
                    {"kind": "phone", "value": "+1 202-555-0123", "ref": "buyer-phone"},
                    {
                        "kind": "address",
                        "value": {**_REGION, "detail": "示例路1号101室"},
                        "ref": "buyer-address",
                    },
                ],
            }
        },
        idempotent=True,
        answers={
            201: Answer(
                "All items have tokens.", (TokenizeAnswerSchema,), examples={"all": {"items": _TOKENIZED}}
            ),
            207: Answer(
                "Some items have tokens.",
                (TokenizeAnswerSchema,),
                examples={"some": {"items": [*_TOKENIZED, _REFUSED]}},
            ),
            422: Answer(
                "No item has a token.", (TokenizeAnswerSchema,), examples={"none": {"items": [_REFUSED]}}
            ),
        },
        codes=(*_GROUND, *OF_BODIES, *OF_IDEMPOTENCY),
    ),
    Operation(
        method="get",
        path="/v1/tokens/{token}",
        name="get_token",
        roles=_OWNERS,
        summary="Show a token's mask",
        text="What may be printed and shown: the mask, the order, and the region of an address.",
        query=TenantSchema,
        answers={200: Answer("The masked view.", (TokenViewSchema,), examples={"address": _VIEW})},
        codes=_GROUND,
    ),
    Operation(
        method="delete",
        path="/v1/tokens/{token}",
        name="erase_token",
        roles=_OWNERS,
        summary="Erase a value",
        text="Ciphertext, mask, index and region are gone at once. What the platform submitted, only the platform"
        " erases.",
        query=TenantSchema,
        answers={204: Answer("Erased.")},
        codes=_GROUND,
    ),
    Operation(
        method="post",
        path="/v1/tokens/lookup",
        name="look_up_tokens",
        roles=_OWNERS,
        summary="Show the masks of many tokens",
        text="Up to 10,000 tokens; answers in order, an `error` where there is nothing to see.",
        bodies=(LookupSchema,),
        body_examples={"two": {"tokens": [PHONE, ADDRESS]}},
        answers={
            200: Answer(
                "A view or an error for each.",
                (LookupAnswerSchema,),
                examples={
                    "mixed": {
                        "items": [
                            _VIEW,
                            {
                                "error": {
                                    "code": "not_found",
                                    "detail": "There is nothing here that you may see.",
                                }
                            },
                        ]
                    }
                },
            )
        },
        codes=(*_GROUND, *OF_BODIES),
    ),
    Operation(
        method="post",
        path="/v1/tokens/search",
        name="search_tokens",
        roles=_OWNERS,
        summary="Find tokens by a value or by a phone's last four digits",
        text="Finds tokens of your own merchant that you submitted yourself. Give `value` and its `kind`, or"
        " `last4` with `kind: phone`. Searches for a value that find nothing are counted: 200 a merchant and day,"
        " then `rate_limited` until midnight UTC.",
        bodies=(SearchSchema,),
        body_examples={"last4": {"kind": "phone", "last4": "1234"}},
        answers={200: Answer("Newest first.", (TokenPageSchema,), examples={"one": {"items": [_VIEW]}})},
        codes=(*_GROUND, *OF_BODIES, *OF_VALUES, "vault_unavailable"),
    ),
    Operation(
        method="post",
        path="/v1/tokens/match",
        name="match_tokens",
        roles=_OWNERS,
        summary="Which orders go to the same recipient?",
        text="Groups recipients whose name, phone and address are all equal, so that orders can share a parcel."
        " What a platform and what a merchant submitted never match each other.",
        bodies=(MatchSchema,),
        body_examples={"two": {"recipients": [RECIPIENT, RECIPIENT]}},
        answers={
            200: Answer(
                "Groups of positions.",
                (MatchAnswerSchema,),
                examples={"two": {"groups": [[0, 1]], "missing": []}},
            )
        },
        codes=(*_GROUND, *OF_BODIES),
    ),
    Operation(
        method="get",
        path="/v1/orders/{order}",
        name="get_order",
        roles=_OWNERS,
        summary="Show an order's tokens",
        text="All tokens that were made for this order.",
        query=OrderSchema,
        answers={
            200: Answer(
                "A page of the order's masked views.",
                (TokenPageSchema,),
                examples={"one": {"items": [_VIEW]}},
            )
        },
        codes=_GROUND,
    ),
)
