"""What documents say of commands and of questions to the access log is so. README's blocks are run by
tests/e2e/test_readme.py; here is what stands in its sentences."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from vault_gateway.audit.schemas import QuestionSchema
from vault_gateway.cli.root import root

ROOT = Path(__file__).parents[3]
DOCUMENTS = ("README.md", "SECURITY.md", "CHANGELOG.md", "docs/settings.md", "policies/access/README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_command_that_is_named_is_there_with_its_options(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`(?:VAULT_GATEWAY_\w+=\S+ )?vault-gateway ([^`]+)`", text)
    assert named
    for line in named:
        words = shlex.split(line)
        command: click.Command = root
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_readme_lists_the_filters_of_the_access_log() -> None:
    listed = re.search(
        r"^Filters: `([a-z ]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed is not None
    assert listed[1].split() == [field.data_key or name for name, field in QuestionSchema().fields.items()]
