"""Who is the same person at the same door, as far as blind indexes tell. Whoever asks learns this and no more."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from uuid import UUID

from vault_gateway.model import Kind

Person = tuple[bytes, ...]


def person_of(known: Mapping[UUID, tuple[Kind, bytes]], three: Sequence[UUID | None]) -> Person | None:
    """The blind indexes of three tokens, one of each kind in the order of `Kind`: equal for the same name, phone and
    address, never for what a platform and what a merchant submitted. None where one is not there."""
    indexes = tuple(
        known[token][1]
        for kind, token in zip(Kind, three, strict=True)
        if token is not None and token in known and known[token][0] is kind
    )
    return indexes if len(indexes) == len(Kind) else None


def groups_of(things: Sequence[Hashable | None]) -> list[list[int]]:
    """Positions of equal things, each group at its first; what is None is in no group."""
    groups: dict[Hashable, list[int]] = {}
    for position, thing in enumerate(things):
        if thing is not None:
            groups.setdefault(thing, []).append(position)
    return list(groups.values())
