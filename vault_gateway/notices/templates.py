"""`policies/notices.yaml`: the only sentences that a recipient can be sent."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.errors import PolicyFileError
from vault_gateway.model import SLUG
from vault_gateway.notices.parameters import TAKE, ParameterRefused, has_phone, spoken
from vault_gateway.yamlfile import YamlFault, read_yaml

LANGUAGES = ("zh", "en")
_LONGEST = 120


class TemplateError(PolicyFileError):
    """`notices.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Template:
    """`params` are types by name, `texts` sentences by language with `{name}` for each parameter."""

    name: str
    params: Mapping[str, str]
    texts: Mapping[str, str]

    def take(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The parameters as they are stored; marshmallow's ValidationError for a missing, unknown or wrong one."""
        faults: dict[str, list[str]] = {}
        taken: dict[str, Any] = {}
        for name, type_ in self.params.items():
            try:
                taken[name] = TAKE[type_](given[name])
            except KeyError:
                faults[name] = ["Missing data for required field."]
            except ParameterRefused as refusal:
                faults[name] = [refusal.detail]
        # One message for all unknown names: they are what the sender typed.
        if given.keys() - self.params.keys():
            faults["unknown"] = ["Unknown field."]
        if faults:
            raise ValidationError({"params": faults})
        return taken

    def text(self, language: str, params: Mapping[str, Any]) -> str:
        return self.texts[language].format_map(
            {name: spoken(value, language) for name, value in params.items()}
        )


class _TemplateSchema(Schema):
    params = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"\A[a-z]{1,20}\Z")),
        values=fields.String(validate=validate.OneOf(list(TAKE))),
        required=True,
    )
    zh = fields.String(required=True, validate=validate.Length(1, _LONGEST))
    en = fields.String(required=True, validate=validate.Length(1, _LONGEST))


def load_templates(path: Path) -> dict[str, Template]:
    """All templates by name, or TemplateError for a file that could send anything but what it shows."""
    try:
        data = read_yaml(path)
        if not isinstance(data, dict) or not data:
            raise TemplateError(f"{path}: holds no template")
        return {name: _template(path, name, _TemplateSchema().load(entry)) for name, entry in data.items()}
    except (YamlFault, ValidationError) as error:
        raise TemplateError(f"{path}: {error}") from None


def _template(path: Path, name: object, entry: dict[str, Any]) -> Template:
    if not isinstance(name, str) or not SLUG.fullmatch(name.replace("_", "-")):
        raise TemplateError(f"{path}: a template's name is 1 to 40 of a-z, 0-9 and _")
    for language in LANGUAGES:
        named = _placeholders(path, name, entry[language])
        if set(named) != set(entry["params"]) or len(named) != len(set(named)):
            raise TemplateError(
                f"{path}: {name}.{language} has to name each of its params once, and no other"
            )
        if has_phone(entry[language]):
            raise TemplateError(f"{path}: {name}.{language} holds a number as long as a phone's")
    return Template(name, entry["params"], {language: entry[language] for language in LANGUAGES})


def _placeholders(path: Path, name: str, text: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"{path}: {name}: {error}") from None
    # Neither `{code!r}` nor `{code:>100}` nor `{code.upper}`.
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise TemplateError(f"{path}: {name}: a placeholder is a bare name in braces")
    return [field for _, field, _, _ in parts if field is not None]
