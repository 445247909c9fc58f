"""Phones as people write them, to E.164 (ITU-T E.164), by Google's phone number metadata."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from vault_gateway.tokens.text import ValueRefused, require_some, require_text

LONGEST = 64

# What the library itself holds to be a Chinese mobile number. Nearly all phones are one, and asking the pattern
# alone is several times faster than the whole parser; a property test holds the two against each other.
_CN_MOBILE = re.compile(PhoneMetadata.metadata_for_region("CN").mobile.national_number_pattern)
_CN_MOBILE_WRITTEN = re.compile(r"(?:\+86|0086)?[ -]?(1[0-9]{2})[ -]?([0-9]{4})[ -]?([0-9]{4})")
# Somebody to ask for behind the number: `ext 12`, `x12`, `#12`, `;ext=12`, and the Chinese for the same.
_EXTENSION = re.compile(r"(?:ext|x|#|,|;|转|轉|分机|分機)", re.IGNORECASE)
# `18400913965-7576`: a whole mobile number, and something behind it.
_MOBILE_WITH_TAIL = re.compile(r"(?:\+?86|0086)?\D{0,2}1[3-9]\d{9}\s*[-~*_/]\s*\d{1,6}")


def e164(value: object, region: str = "CN") -> str:
    """`+8613800001234` of any usual way to write it; a national number is one of `region` (ISO 3166).

    Refused as `phone_extension` with an extension, `phone_invalid` where no such number can exist.
    """
    text = require_text(value, LONGEST)
    if region == "CN" and (plain := _CN_MOBILE_WRITTEN.fullmatch(text)):
        national = plain[1] + plain[2] + plain[3]
        if _CN_MOBILE.fullmatch(national):
            return "+86" + national
    return _parsed(text, region)


def _parsed(text: str, region: str) -> str:
    text = require_some(unicodedata.normalize("NFKC", text).strip())
    if text[:4].lower() == "tel:":
        text = text[4:]
    if _EXTENSION.search(text) or _MOBILE_WITH_TAIL.fullmatch(text):
        raise ValueRefused("phone_extension", "A phone with an extension cannot be taken; send the number alone.")
    # 00 is how most of the world dials what is written as +.
    text = "+" + text[2:] if text.startswith("00") else text
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        raise _invalid() from None
    if not phonenumbers.is_valid_number(number):
        raise _invalid()
    if number.extension:
        raise ValueRefused("phone_extension", "A phone with an extension cannot be taken; send the number alone.")
    formatted: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return formatted


def _invalid() -> ValueRefused:
    return ValueRefused("phone_invalid", "This is not a phone number that can exist.")


def split_country(number: str) -> tuple[str, str]:
    """Calling code and national number of an E.164 number: `+8613800001234` is `86` and `13800001234`."""
    if number.startswith("+86"):
        return "86", number[3:]
    parsed = phonenumbers.parse(number)
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)
