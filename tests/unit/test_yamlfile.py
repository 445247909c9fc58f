"""YAML as people write it, without its surprises."""

from __future__ import annotations

from pathlib import Path

import pytest

from vault_gateway.yamlfile import YamlFault, read_yaml


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rules.yaml"


def test_only_true_and_false_are_truths(path: Path) -> None:
    path.write_text("[on, off, yes, no, NO, y, true, True, false, tea]", encoding="utf-8")
    assert read_yaml(path) == ["on", "off", "yes", "no", "NO", "y", True, True, False, "tea"]


def test_a_name_that_is_given_twice_is_refused_and_not_the_first_one_lost(path: Path) -> None:
    path.write_text("phone: {shown: 2}\nname: {}\nphone: {shown: 11}\n", encoding="utf-8")
    with pytest.raises(YamlFault, match="a name is given twice"):
        read_yaml(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2_000,
        "day: 2026-02-30",
        "day: 2026-02-03 04:05:06",
        "a: [",
        "!!python/name:os.system {}",
        "!!binary aGk=",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!!pairs [a: 1]",
        "9223372036854775808",
        "\x00",
    ],
)
def test_what_cannot_be_read_is_a_fault(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(YamlFault, match="cannot be read"):
        read_yaml(path)


def test_what_is_no_text_or_not_there_is_a_fault(path: Path) -> None:
    with pytest.raises(YamlFault, match=r"cannot be read \(No such file or directory\)$"):
        read_yaml(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(YamlFault, match="UnicodeDecodeError"):
        read_yaml(path)
