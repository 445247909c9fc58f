"""Widths, colours, and the rule that nothing is said that was not checked."""

from __future__ import annotations

import io
import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.client import ApiError
from vault_gateway.demo.screen import Screen, cells, fitted, may_colour
from vault_gateway.demo.telling import NotAsTold, Telling


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("赵**", 4), ("ａ", 2), ("e\u0301", 1), ("김샘플", 6), ("…", 1)]
)
def test_a_wide_character_takes_two_cells(text: str, width: int) -> None:
    assert cells(text) == width


@given(st.text("ab赵、ａé ", max_size=30), st.integers(1, 40))
def test_a_cell_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    shown = fitted(text, width)
    assert cells(shown) == width
    if cells(text) <= width:
        assert shown.rstrip() == text.rstrip()
    else:
        assert "…" in shown


def test_a_pipe_and_no_color_get_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert not may_colour(io.StringIO())
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        assert may_colour(terminal)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not may_colour(terminal)
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setenv("TERM", "dumb")
        assert not may_colour(terminal)
    os.close(master)


def test_styles_are_closed() -> None:
    out = io.StringIO()
    Screen(out, colour=True).line("well", "bold", "green")
    assert out.getvalue() == "\x1b[1;32mwell\x1b[0m\n"


def test_a_claim_that_does_not_hold_is_not_said() -> None:
    out = io.StringIO()
    telling = Telling(Screen(out))
    telling.done(True, "water is wet")
    with pytest.raises(NotAsTold, match="the moon is near"):
        telling.done(False, "the moon is near")
    assert out.getvalue() == "  ✓ water is wet\n"
    assert telling.checks == 1


def refuse_with(code: str, status: int) -> object:
    raise ApiError(code, status, "No.")


def test_a_refusal_is_told_only_as_it_happened() -> None:
    out = io.StringIO()
    telling = Telling(Screen(out))
    telling.refused("wu", "opens it", lambda: refuse_with("not_found", 404), "not_found", 404, "nothing here")
    with pytest.raises(NotAsTold):
        telling.refused("wu", "opens it", lambda: refuse_with("forbidden", 403), "not_found", 404, "nothing")
    with pytest.raises(NotAsTold, match="is refused"):
        telling.refused("wu", "opens it", lambda: None, "not_found", 404, "nothing here")
    assert out.getvalue().count("\n") == 1
