"""`--policies`, of the commands that read policies and no installation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vault_gateway.settings.model import PREFIX


def policies_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`what` the command reads in the folder."""
    return click.option(
        "--policies",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help=f"The folder that holds {what}. Without it {PREFIX}POLICIES, or the policies that ship.",
    )
