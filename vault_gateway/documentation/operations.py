"""How an operation is described. `document.py` turns these into OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

JSON = "application/json"
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"

# Who calls an operation is also the section of the page that it stands in.
ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer other than a problem: nothing, one of `shapes` in JSON, text of other `media` types, or as
    the caller asks either."""

    text: str
    shapes: tuple[type[Schema], ...] = ()
    media: tuple[str, ...] = (JSON,)
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    `name` is the endpoint's name in Flask and the operationId. `codes` are the problems beyond those that every
    caller with a key may meet; their statuses come from the table of codes. `roles` are those whose developers
    need it, in the order of importance.
    """

    method: str
    path: str
    name: str
    roles: tuple[str, ...]
    summary: str
    text: str
    answers: Mapping[int, Answer]
    codes: tuple[str, ...] = ()
    query: type[Schema] | None = None
    bodies: tuple[type[Schema], ...] = ()
    body_examples: Mapping[str, Any] = field(default_factory=dict)
    # A body that is not JSON: its media type and an example.
    text_body: tuple[str, str] | None = None
    idempotent: bool = False
    # Twilio's: a form, signed. Its schema and an example.
    form: tuple[type[Schema], Mapping[str, Any]] | None = None

    @property
    def secured(self) -> bool:
        """By a key, that is."""
        return self.roles != (ANYONE,) and self.form is None
