"""A gateway does not start with policies that fail, and says in one line which."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.serving import start_server
from tests.world import Town, World
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.environment import to_environment
from vault_gateway.settings.policies import default_policies


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "access/station.cedar",
            "context.purpose ==",
            "context.purposes ==",
            "station.cedar does not fit the schema",
        ),
        ("access/station.cedar", '"sort"', '"deliver"', "north reveal.issue at-north"),
        ("access/cases.yaml", "deliver_by: 1000", "deliver_by: !!binary aGk=", "cases.yaml"),
        ("purposes.yaml", "states: [at_station]", "states: [in_transit]", "purposes.yaml"),
        ("quotas.yaml", "courier: 60/minute", "courier: sixty", "is a rate such as 60/minute"),
        ("networks/cainiao.yaml", "modulus: 11", "modulus: 1", "cainiao.yaml"),
        ("masking.yaml", "hide_at_least: 6", "hide_at_least: 5", "masking.yaml"),
    ],
    ids=["schema", "case", "bytes", "purposes", "quotas", "networks", "masks"],
)
def test_a_gateway_does_not_start_with_a_set_that_fails(
    world: World, town: Town, tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(default_policies(), policies)
    path = policies / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    settings = replace(world.settings, port=free_port(), policies=policies)
    log = tmp_path / "start.log"

    process = start_server(to_environment(settings), log)

    assert process.wait(30) == 1
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if line]
    assert line.startswith("vault-gateway: ")
    assert told in line
