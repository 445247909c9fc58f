"""`access explain`, as an operator runs it."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from tests.world import World
from vault_gateway.cli.root import root


def run(world: World, name: str, action: str, on: str, *more: str) -> Result:
    data = str(world.instance.engines.data)
    arguments = ["access", "explain", "--as", name, "--action", action, "--on", on, "--data", data, *more]
    return CliRunner().invoke(root, arguments)


def told(world: World, name: str, action: str, on: str, *more: str) -> dict[str, Any]:
    result = run(world, name, action, on, *more, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
