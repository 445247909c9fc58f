"""Names in any script."""

from __future__ import annotations

import re
import unicodedata

from vault_gateway.tokens.text import ValueRefused, require_some, require_text, tidy

LONGEST = 128
_DIGITS_OF_A_PHONE = 5

# Most names: Chinese, or Latin letters. Nothing to do for them.
_PLAIN = re.compile(r"[\u4e00-\u9fff]+(?:·[\u4e00-\u9fff]+)*|[A-Za-z]+(?:[ '-][A-Za-z]+)*")
_HAN = "[\u3007\u4e00-\u9fff]"
# The dot of Uyghur, Kazakh and Tibetan names has many look-alikes; identity cards print U+00B7.
_DOT = re.compile(f"(?<={_HAN}) ?[·•‧∙⋅・･.] ?(?={_HAN})")
# `张 三`: set apart to look even on a form, not two words.
_SPREAD = re.compile(f"(?<={_HAN}) (?={_HAN})")


def normal_name(value: object) -> str:
    """NFC, widths folded, white space collapsed, one kind of middle dot.

    Refused as `name_invalid` without any letter, or with five digits or more: a phone in the wrong field.
    """
    text = require_text(value, LONGEST)
    if _PLAIN.fullmatch(text):
        return text
    name = _SPREAD.sub("", _DOT.sub("·", require_some(tidy(text))))
    if not any(map(str.isalpha, name)) or unicodedata.category(name[0])[0] == "M":
        raise ValueRefused("name_invalid", "A name begins with a character of its own and has a letter.")
    if sum(map(str.isdigit, name)) >= _DIGITS_OF_A_PHONE:
        raise ValueRefused("name_invalid", "A name does not have so many digits.")
    return name
