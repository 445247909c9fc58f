"""Reading a YAML file that a person wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class YamlFault(Exception):
    """The file is not there or no YAML; the message says why, in one line."""


def read_yaml(path: Path, loader: Any = yaml.SafeLoader) -> Any:
    """`loader` is a safe one: it makes nothing but plain values."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - a safe one
    # ValueError: bytes that are no text, or a day that no calendar has, such as 2026-02-30.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise YamlFault(f"cannot be read ({type(error).__name__}: {why})") from None
