"""Every `code` of a problem or of a batch item, with what it means and what the caller can do about it.

A test finds each code that the source uses and compares it with this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`status` is that of the problem; in a batch the same code stands in the item instead."""

    code: str
    status: int
    meaning: str


# What a caller with a key may meet anywhere.
OF_EVERY_CALLER = (
    "unauthenticated",
    "rate_limited",
    "internal",
    "database_unavailable",
    "identity_provider_unavailable",
    "redis_unavailable",
)
OF_BODIES = ("bad_request", "invalid_json", "body_too_large", "unsupported_media_type", "validation_failed")
OF_IDEMPOTENCY = (
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "request_in_flight",
    "vault_unavailable",
)

_GENERAL = (
    Code("bad_request", 400, "The request cannot be understood."),
    Code("invalid_json", 400, "The body is not a JSON object in UTF-8, or is nested more than 16 deep."),
    Code(
        "unauthenticated",
        401,
        "No key or JWT, or one that is unknown, expired or revoked. `Authorization: Bearer KEY`.",
    ),
    Code(
        "forbidden",
        403,
        "Your role may not do this here. You may see what you asked about, so the answer says so.",
    ),
    Code("not_found", 404, "Unknown, somebody else's, expired or erased: they look the same on purpose."),
    Code(
        "method_not_allowed", 405, "The address is right and the method is not; `Allow` names those that are."
    ),
    Code(
        "body_too_large", 413, "The body is larger than this server takes (8 MiB where nothing else is set)."
    ),
    Code(
        "unsupported_media_type",
        415,
        "Send the body as `application/json`, a table of routes as `text/csv`, and neither compressed.",
    ),
    Code(
        "validation_failed",
        422,
        "A field is missing, unknown or malformed. `errors`, of an item in a batch its `detail`, points at each and"
        " never repeats a value.",
    ),
    Code("merchant_required", 422, "A platform names the `merchant` that it works for."),
    Code("rate_limited", 429, "Too many calls. Wait for as many seconds as `Retry-After` says."),
    Code("http_error", 500, "The request cannot be answered; the status says why."),
    Code("internal", 500, "Something failed on the server. Report the `request_id`."),
    Code("database_unavailable", 503, "The database does not answer. Nothing was written: try again."),
    Code("vault_unavailable", 503, "The key store does not answer. Nothing was written: try again."),
    Code("identity_provider_unavailable", 503, "The keys of the JWT's issuer cannot be had now. Try again."),
    Code(
        "redis_unavailable",
        503,
        "The counters cannot be asked, so nothing is disclosed. Try again shortly.",
    ),
)

_IDEMPOTENCY = (
    Code("request_in_flight", 409, "The same request is being carried out. Ask again in a second."),
    Code("idempotency_key_invalid", 422, "An Idempotency-Key is 1 to 128 visible ASCII characters."),
    Code("idempotency_key_reused", 422, "This Idempotency-Key came with another body within 24 hours."),
)

_VALUES = (
    Code("item_invalid", 422, "An item is an object with `kind` and `value`, and maybe `ref` and `region`."),
    Code("ref_invalid", 422, "`ref` is a string of at most 128 printable characters."),
    Code("region_invalid", 422, "`region` is an ISO 3166 code of two upper-case letters."),
    Code(
        "value_invalid_type", 422, "The value, or a part of it, is not of the JSON type that its kind takes."
    ),
    Code("value_empty", 422, "Nothing is left of the value after trimming."),
    Code("value_too_long", 422, "Longest: phone 64, name 128, address 1,024 characters."),
    Code("value_bad_characters", 422, "The value holds control or other invisible characters."),
    Code("value_masked", 422, "The value is masked already. Send the original, or keep its token."),
    Code("phone_invalid", 422, "No phone has this number."),
    Code(
        "phone_extension",
        422,
        "A phone with an extension cannot be taken, but for a virtual number: `18400000965-7576`.",
    ),
    Code(
        "name_invalid",
        422,
        "A name begins with a character of its own, has a letter, and is no phone number.",
    ),
    Code("address_unknown_field", 422, "An address is either `text` or its parts, with no other field."),
    Code("address_country_invalid", 422, "`country` is an ISO 3166 code of two upper-case letters."),
    Code("address_incomplete", 422, "A part of the address that its country needs is missing."),
    Code(
        "address_region_invalid", 422, "A level of the region is not the name of one. The rest is `detail`."
    ),
    Code("address_postcode_invalid", 422, "This is not a postcode."),
    Code("address_unparsed", 422, "The text cannot be told apart into region and detail. Send the parts."),
)

_WAYBILLS = (
    Code("illegal_transition", 409, "The parcel is not in a state in which this can happen."),
    Code("network_unknown", 422, "There is no such waybill network."),
    Code("carrier_unknown", 422, "There is no such carrier."),
    Code(
        "carrier_not_served",
        422,
        "The network does not serve this carrier. A carrier whose name no network's file has is served by all.",
    ),
    Code("token_unknown", 422, "Name, phone or address is not a token of that kind of this merchant."),
    Code(
        "waybill_no_unusable",
        422,
        "The number is in use, or a rule of its network or of the platform refuses it: `detail` names the rule.",
    ),
    Code(
        "segment_exhausted",
        422,
        "No number is left in the segments that were granted for this network, carrier and branch. Ask the operator.",
    ),
    Code("event_in_future", 422, "`at` is more than five minutes ahead."),
    Code("courier_required", 422, "`out_for_delivery` names the `courier`."),
    Code("courier_unknown", 422, "The carrier has no such courier."),
    Code("deliver_by_invalid", 422, "`deliver_by` is within the next 14 days."),
    Code("station_required", 422, "`at_station` names the `station`."),
    Code("station_unknown", 422, "The carrier has no such station."),
    Code("mode_not_allowed", 422, "Couriers get a pair (`axb`) and no `extension`."),
    Code(
        "phone_not_registered",
        422,
        "A pair needs the courier's phone, registered by the carrier, or the merchant's service number.",
    ),
    Code("bindings_used_up", 409, "The parcel has had twenty relay numbers, and each of them rests."),
    Code(
        "template_unknown", 422, "There is no such template in this installation's `policies/notices.yaml`."
    ),
    Code("notices_off", 409, "This installation has no provider for notices."),
    Code("notices_used_up", 409, "The parcel has had ten notices."),
    Code(
        "expires_at_invalid",
        422,
        "`expires_at` is within the next 60 days, and within 60 days of when the number was given.",
    ),
    Code(
        "signature_invalid", 403, "Not signed by the account of Twilio that is set here, or of another one."
    ),
    Code("relay_pool_exhausted", 503, "No relay number is free now; the parcel goes without one."),
)

_WEBHOOKS = (
    Code(
        "webhook_url_refused",
        422,
        "A webhook's URL is `https://HOST[:PORT]/PATH`, without user and fragment.",
    ),
    Code("webhook_limit", 422, "There are ten webhooks already: remove one."),
)

_FIGURES = (
    Code("too_many_lines", 422, "The answer would be too long: narrow the question, or ask `by` less."),
)

_REVEALS = (
    Code(
        "field_not_allowed", 403, "The purpose does not need a field that was asked for. Nothing is trimmed."
    ),
    Code("not_out_for_delivery", 403, "The parcel is not out for delivery."),
    Code("delivery_window_over", 403, "The parcel's delivery window (`deliver_by`) is over."),
    Code("not_at_station", 403, "The parcel is not at the station."),
    Code(
        "contact_closed",
        403,
        "The parcel has a relay number: call that. The phone is shown after two calls that failed.",
    ),
    Code("courier_suspended", 403, "You are suspended and reveal nothing until your carrier lifts that."),
    Code("reveal_live", 409, "A grant for this parcel and purpose can still be opened: claim that one."),
    Code("reveal_spent", 409, "The grant was opened, or can no longer be. Told to its grantee only."),
    Code("reveal_closed", 409, "The grant is over: acknowledged, revoked or expired."),
    Code("ack_code_wrong", 422, "This is not the `ack_code` that came with the values."),
    Code(
        "reveal_limit",
        429,
        "This recipient's data was revealed as often as it may be in its life: `Retry-After` is a day, and"
        " waiting does not help.",
    ),
    Code("own_request", 403, "What a responder asked for, another one approves."),
    Code("break_glass_closed", 409, "This break-glass request was approved before."),
    Code("public_key_required", 422, "A break-glass reveal opens sealed alone: send a `public_key`."),
    Code("break_glass_limit", 429, "You took part in break-glasses as often as one may on a day (UTC)."),
    Code("courier_quota", 429, "You revealed as much as a courier may in a day."),
    Code(
        "merchant_quota",
        429,
        "As much as may be was revealed of this merchant's recipients for this purpose today. What turned out not to be"
        " disclosed counts as room again within half a minute.",
    ),
    Code("too_slow", 503, "Opening took over two seconds, so nothing was sent. Ask again."),
)

_COURIERS = (
    Code("courier_not_suspended", 409, "The courier is not suspended: there is nothing to lift."),
    Code("carrier_required", 422, "An operator names the courier's `carrier`."),
)

SECTIONS: tuple[tuple[str, tuple[Code, ...]], ...] = (
    ("Any request", _GENERAL),
    ("Repeating a request", _IDEMPOTENCY),
    ("Values: names, phones, addresses", _VALUES),
    ("Waybills and their events", _WAYBILLS),
    ("Webhooks", _WEBHOOKS),
    ("Usage", _FIGURES),
    ("Reveals", _REVEALS),
    ("Couriers", _COURIERS),
)

CODES = {code.code: code for _, section in SECTIONS for code in section}

# What a value can be refused for when it is tokenised, searched or registered.
OF_VALUES = tuple(
    code.code for code in _VALUES if code.code not in ("item_invalid", "ref_invalid", "region_invalid")
)
OF_ITEMS = tuple(code.code for code in _VALUES)


def by_status(names: Iterable[str]) -> dict[int, list[Code]]:
    """The codes under the status that each comes with, in the order of the table."""
    wanted = set(names)
    unknown = wanted - CODES.keys()
    if unknown:
        raise LookupError(f"not in the table of codes: {', '.join(sorted(unknown))}")
    found: dict[int, list[Code]] = {}
    for code in CODES.values():
        if code.code in wanted:
            found.setdefault(code.status, []).append(code)
    return dict(sorted(found.items()))
