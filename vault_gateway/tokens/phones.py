"""Phones as people write them, to E.164 (ITU-T E.164), by Google's phone number metadata.

A virtual number of another platform is one of its relay numbers with an extension. Peers give it out as
`18400913965-7576` or `$18400913965$#7576#`, and people write `转`, `ext.`, a comma or `#` between. It is kept as RFC
3966 writes it: `+8618400913965;ext=7576`. What makes it one is a Chinese mobile number, which has no extensions of
its own, and just four digits behind one of these signs; any other extension is a person's own and refused.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from vault_gateway.tokens.text import ValueRefused, require_some, require_text, tidy

LONGEST = 64


def _mobile_pattern(region: str) -> re.Pattern[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    assert metadata.mobile is not None
    return re.compile(str(metadata.mobile.national_number_pattern))


# What the library itself holds to be a Chinese mobile number. Nearly all phones are one, and asking the
# pattern alone is many times faster than the whole parser; a property test holds the two against each other.
_CN_MOBILE = _mobile_pattern("CN")
_CN_MOBILE_WRITTEN = re.compile(r"(?:\+86|0086|86)?[ -]?(1[0-9]{2})[ -]?([0-9]{4})[ -]?([0-9]{4})")

# Phone books wrap a number in left-to-right marks, to read well in Arabic text. They mean nothing here.
_LEFT_TO_RIGHT = dict.fromkeys([0x202A, 0x202C, 0x202D, 0x2066, 0x2068, 0x2069])
_DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−ー─~"}
# The library would dial letters and skip words. Here a phone is digits and what sets them apart.
_WRITTEN = re.compile(r"\(?\+?[0-9 ()./-]+")
_EXTENSION = re.compile(
    r"(?:ext(?:ension|n)?\.?|x|доб\.?|#|转|轉|分机|分機|内线)[ :.=]*[0-9]|[#转轉]|分机|分機"
)
# `18400913965-7576`, `010-62345678 801`: perhaps a whole number and something behind it.
_TAIL = re.compile(r"(?P<head>.*[0-9]\)?) ?(?P<by>[-,;/ ]) ?[0-9]{1,6}")

_VIRTUAL = re.compile(
    r"(?:tel:)?(?:(?:\+86|0086|86)[ -]?)?(1[0-9]{2})[ -]?([0-9]{4})[ -]?([0-9]{4})"
    r" ?(?:-|,|#|转|轉|分机|分機|;ext=|(?:ext(?:ension|n)?\.?|x)[ :.=]*) ?([0-9]{4})"
    r"|\$ ?(1[0-9]{2})([0-9]{4})([0-9]{4}) ?\$ ?# ?([0-9]{4}) ?#"
)
# A national number of digits that only sets them apart: nothing behind it to look for.
_PLAIN = re.compile(r"[0-9+ ]+")


def phone_value(value: object, region: str = "CN") -> str:
    """What is kept of a phone: E.164, or `+8618400913965;ext=7576` for a virtual number. Refuses as `e164` does."""
    text = require_text(value, LONGEST)
    if region == "CN":
        if mobile := _chinese_mobile(text):
            return mobile
        if not _PLAIN.fullmatch(text) and (virtual := _VIRTUAL.fullmatch(_folded(text))):
            *number, extension = (part for part in virtual.groups() if part is not None)
            if _CN_MOBILE.fullmatch("".join(number)):
                return f"+86{''.join(number)};ext={extension}"
    return parse_in_full(text, region)


def split_extension(phone: str) -> tuple[str, str | None]:
    """The number to dial and the extension to dial behind it, if there is one."""
    number, _, extension = phone.partition(";ext=")
    return number, extension or None


def e164(value: object, region: str = "CN") -> str:
    """`+8613800001234` of any usual way to write it; a national number is one of `region` (ISO 3166).

    Refused as `phone_extension` with an extension, `phone_invalid` where no such number can exist.
    """
    text = require_text(value, LONGEST)
    return (_chinese_mobile(text) if region == "CN" else None) or parse_in_full(text, region)


def _chinese_mobile(text: str) -> str | None:
    """Its E.164 where the text is plainly one."""
    written = _CN_MOBILE_WRITTEN.fullmatch(text)
    if written is None:
        return None
    national = "".join(written.groups())
    return "+86" + national if _CN_MOBILE.fullmatch(national) else None


def parse_in_full(text: str, region: str) -> str:
    """The long way, for every number that is not plainly a Chinese mobile."""
    text = _global_part(_folded(text))
    if _EXTENSION.search(text):
        raise _extension()
    number = _valid(text, region)
    if _has_tail(text, region, number):
        raise _extension()
    if number is None:
        raise ValueRefused("phone_invalid", "This is not a phone number that can exist.")
    return number


def split_country(number: str) -> tuple[str, str]:
    """Calling code and national number of an E.164 number: `+8613800001234` is `86` and `13800001234`."""
    if number.startswith("+86"):
        return "86", number[3:]
    parsed = phonenumbers.parse(number)
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)


def _folded(text: str) -> str:
    """Width, case, dashes and the digits of other scripts folded."""
    text = unicodedata.normalize("NFKC", tidy(text.translate(_LEFT_TO_RIGHT))).lower().translate(_DASHES)
    text = require_some(text.strip())
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)


def _global_part(text: str) -> str:
    """The number of a `tel:` URI (RFC 3966), with its context in front; any other text as it is."""
    if not text.startswith("tel:"):
        return text
    number, *parameters = text[4:].split(";")
    values = dict(parameter.partition("=")[::2] for parameter in parameters)
    if "ext" in values or "isub" in values:
        raise _extension()
    context = values.get("phone-context", "")
    return context + number if context.startswith("+") and not number.startswith("+") else number


def _valid(text: str, region: str) -> str | None:
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=True)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    if number.preferred_domestic_carrier_code and not _CN_MOBILE.fullmatch(str(number.national_number)):
        # `17951 139 1234 5678` chooses a carrier for a mobile call. But the library also takes the first digits of
        # `12000913965-7576` for such a choice, and what is left for somebody's number.
        return None
    formatted: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return formatted


def _has_tail(text: str, region: str, whole: str | None) -> bool:
    """Is a whole number followed by digits of another? In China also where all together could be one number:
    `0754-8812345-6`. Elsewhere a dash inside a valid number means nothing."""
    found = _TAIL.fullmatch(text)
    if found is None:
        return False
    head = _valid(found["head"], region)
    if head is None:
        return False
    return whole is None or (found["by"] == "-" and head.startswith("+86"))


def _extension() -> ValueRefused:
    return ValueRefused(
        "phone_extension", "A phone with an extension cannot be taken; send the number alone."
    )
