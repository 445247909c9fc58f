"""Tokens as text: a prefix for the kind, and a UUIDv7."""

from __future__ import annotations

from uuid import UUID

from vault_gateway.ids import base32, parse_base32
from vault_gateway.model import Kind

PREFIXES = {Kind.PHONE: "ph_", Kind.ADDRESS: "ad_", Kind.NAME: "nm_"}
_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}


def token_text(kind: Kind, token_id: UUID) -> str:
    return PREFIXES[kind] + base32(token_id)


def parse_token(text: object) -> tuple[Kind, UUID] | None:
    """Kind and id of a token in its one canonical form; None for anything else."""
    if not isinstance(text, str):
        return None
    kind, token_id = _KINDS.get(text[:3]), parse_base32(text[3:])
    return None if kind is None or token_id is None else (kind, token_id)
