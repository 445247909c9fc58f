"""What every command has in common: an example that is true, exit codes, JSON where it prints data."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vault_gateway.cli.root import root

# Commands named so print a list or a state.
CONTEXT = click.Context(root)
PRINTING = {"list", "status", "plan", "check", "explain", "tokenize"}


def members(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, name)
        assert command is not None
        yield name, command


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in members(group):
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def command_at(path: tuple[str, ...]) -> click.Command:
    found: click.Command = root
    for name in path:
        assert isinstance(found, click.Group)
        found = dict(members(found))[name]
    return found


ALL = list(commands(root))
every_command = pytest.mark.parametrize("path", ALL, ids=" ".join)


def test_the_walk_finds_the_commands() -> None:
    assert {("up",), ("serve",), ("demo",), ("tokenize",), ("client", "add"), ("client", "list")} <= set(ALL)


@every_command
def test_help_says_what_it_does_and_shows_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*path, "--help"])
    assert result.exit_code == 0
    assert command_at(path).help
    assert "Example: " in result.stdout


@every_command
def test_the_example_is_of_this_command_and_names_its_options(path: tuple[str, ...]) -> None:
    command = command_at(path)
    assert command.epilog
    words = shlex.split(command.epilog.removeprefix("Example: "))
    while "=" in words[0]:
        words.pop(0)
    assert words[: 1 + len(path)] == ["vault-gateway", *path]
    given = {word.partition("=")[0] for word in words if word.startswith("-")}
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert given <= {name for option in options for name in option.opts}
    needed = [option for option in options if option.required]
    assert all(given & set(option.opts) for option in needed), [option.name for option in needed]


@every_command
def test_an_unknown_option_is_wrong_usage(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*path, "--no-such-option"])
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr
    assert result.stdout == ""


@every_command
def test_what_prints_data_prints_json_too(path: tuple[str, ...]) -> None:
    names = {name for parameter in command_at(path).params for name in parameter.opts}
    if path[-1] in PRINTING:
        assert "--json" in names


@pytest.mark.parametrize("path", [(), *sorted({path[:1] for path in ALL if len(path) > 1})], ids=" ".join)
def test_a_group_lists_its_commands_with_a_line_each(path: tuple[str, ...]) -> None:
    # As wide as click writes on a terminal of 80 columns.
    result = CliRunner().invoke(root, [*path, "--help"], terminal_width=78)
    assert result.exit_code == 0
    group = command_at(path)
    assert isinstance(group, click.Group)
    for name, command in members(group):
        [line] = [row for row in result.stdout.splitlines() if re.match(rf"  {name}  +[A-Z].+", row)]
        # Cut off lines help nobody.
        assert not line.endswith("...")
        assert command.help


def test_help_waits_for_nothing_that_only_a_command_needs() -> None:
    asks = (
        "import sys; from vault_gateway.cli.root import root;"
        " root(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert not {"flask", "hvac", "psycopg", "vault_gateway.app"} & set(answer.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("encoding", "shown"), [("latin-1", "\\u676d\\u5dde\\u5e02"), ("gbk", "杭州市")])
def test_a_terminal_of_another_character_set_ends_no_command(encoding: str, shown: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "vault_gateway", "relay", "pool", "add", "--help"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert shown in answer.stdout.decode(encoding)


def test_what_is_no_text_is_told_in_one_line(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    numbers.write_bytes(b"+8613800138000\n\xff\xfe\n")
    command = [sys.executable, "-m", "vault_gateway", "relay", "pool", "add", "--telecom", "voice"]
    ended = subprocess.run([*command, "--file", numbers], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "vault-gateway: an argument or a file is not text in UTF-8\n"


@pytest.mark.parametrize("host", ["", "a\udcff"], ids=["empty", "bytes"])
def test_an_empty_host_is_not_every_address(tmp_path: Path, host: str) -> None:
    result = CliRunner().invoke(root, ["up", "--data", str(tmp_path / "data"), "--host", host])
    assert (result.exit_code, "--host is no name" in result.stderr) == (2, True)
