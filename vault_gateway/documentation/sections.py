"""The prose of the page: what this is, a section for each role, and the ids that stand in paths."""

from __future__ import annotations

from typing import Any

from vault_gateway.documentation.operations import ANYONE
from vault_gateway.documentation.shapes import PHONE

INTRODUCTION = """\
Platforms put in what a buyer typed; merchants and carriers work with **tokens** and **masks**; the right courier, at
the last mile, opens the values **once**. Find your role below: each section holds all that its developer needs.

**Keys.** Send `Authorization: Bearer KEY`. What the key may do is decided by readable policies; what you may not
see does not exist for you (`404 not_found`), whether it is unknown, somebody else's, expired or erased.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`, and never repeat what you sent:
[all codes](/docs/errors). **Batches** answer item by item in order: 201 all well, 207 some, 422 none.

**Repeating.** Send an `Idempotency-Key` with what creates something: after a lost answer, the same key and body
get the same answer. `429` and `503` say in `Retry-After` when to come back.

**Lists** answer `{items, next?}`; pass `next` as `cursor`. **Times** are RFC 3339 in UTC. **Answers grow**: ignore
fields that you do not know.
"""

TAGS = {
    "platform": "**平台** · A marketplace: tokenises what a buyer typed at checkout, filed under the merchant.",
    "merchant": "**商家** · A shop: orders in tokens, masked views, search, merge, waybills. Never a value in clear.",
    "carrier": "**快递公司** · An express company: moves its parcels, names its couriers, calls reveals back.",
    "station": "**网点 / 驿站** · Holds and sorts parcels: sees the address down to the street while sorting.",
    "courier": "**快递员** · Has a parcel that is out for delivery: opens what the purpose needs, once, and confirms.",
    "telecom": "**通信服务商** · Owns relay numbers: asks where a call or message goes, reports what became of it.",
    "auditor": "**审计** · Reads who looked at what, when and why, and takes the record along.",
    "responder": "**应急** · In an emergency opens one recipient's data, once another responder has approved it.",
    "operator": "**运维** · Keeps the service, mostly from the command line. Never sees a person's data.",
    ANYONE: "**无需密钥** · The recipient's page, health, metrics and this documentation.",
}

PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "token": {
        "description": "`ph_`, `ad_` or `nm_` and 26 characters.",
        "schema": {"type": "string"},
        "example": PHONE,
    },
    "order": {
        "description": "The order's name, as given.",
        "schema": {"type": "string"},
        "example": "SO-1024",
    },
    "waybill_no": {
        "description": "The waybill's number.",
        "schema": {"type": "string"},
        "example": "DYT20261111000042",
    },
    "carrier": {
        "description": "The carrier's own name.",
        "schema": {"type": "string"},
        "example": "example-express",
    },
    "code": {
        "description": "`rc_` and 26 characters: `receipt` of a waybill.",
        "schema": {"type": "string"},
        "example": "rc_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "extension": {
        "description": "`pdf`, `png` or `zpl`.",
        "schema": {"type": "string"},
        "example": "pdf",
    },
    "handle": {"description": "The courier's name.", "schema": {"type": "string"}, "example": "rider-7"},
    "station": {"description": "The station's name.", "schema": {"type": "string"}, "example": "west-lake"},
    "notice": {
        "description": "`nt_` and 26 characters.",
        "schema": {"type": "string"},
        "example": "nt_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "reveal": {
        "description": "`rv_` and 26 characters.",
        "schema": {"type": "string"},
        "example": "rv_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "webhook": {
        "description": "`wh_` and 26 characters.",
        "schema": {"type": "string"},
        "example": "wh_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "break_glass": {
        "description": "`bg_` and 26 characters.",
        "schema": {"type": "string"},
        "example": "bg_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "binding": {
        "description": "`rb_` and 26 characters.",
        "schema": {"type": "string"},
        "example": "rb_01m74sxx00fdtt5ycrhzdsasqc",
    },
    "event": {
        "description": "The event's id, a UUID.",
        "schema": {"type": "string"},
        "example": "01a1c99e-f400-72bf-8221-c4ef8e3478c9",
    },
    "version": {"description": "Version of the page.", "schema": {"type": "string"}, "example": "1"},
    "name": {"description": "Name of the file.", "schema": {"type": "string"}, "example": "docs.css"},
}
