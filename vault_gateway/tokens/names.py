"""Names in any script."""

from __future__ import annotations

from vault_gateway.tokens.text import ValueRefused, require_some, require_text, tidy

LONGEST = 128


def normal_name(value: object) -> str:
    """NFC, widths folded, white space collapsed. A name has a letter, and no five digits: a phone number in
    the wrong field must not be shown by a name's mask."""
    name = require_some(tidy(require_text(value, LONGEST)))
    if not any(character.isalpha() for character in name):
        raise ValueRefused("name_invalid", "A name has at least one letter.")
    if sum(character.isdigit() for character in name) >= 5:
        raise ValueRefused("name_invalid", "A name does not have so many digits.")
    return name
