"""The copy that serves: whole, turned in one step, and never to anything that was found bad."""

from __future__ import annotations

import copy
import shutil
import tempfile
from pathlib import Path

import pytest

from vault_gateway.access import PolicyError
from vault_gateway.access.snapshot import PREFIX, Snapshot


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    (folder / "access").mkdir(parents=True)
    (folder / "access" / "one.cedar").write_text("one", encoding="utf-8")
    (folder / "purposes.yaml").write_text("purposes", encoding="utf-8")
    (folder / "quotas.yaml").write_text("quotas", encoding="utf-8")
    return folder


def refuse_two(folder: Path) -> list[str]:
    """A new list each time: whether it was loaded again can be seen."""
    if policy(folder) == "two":
        raise PolicyError("two is bad")
    return [policy(folder)]


def policy(folder: Path) -> str:
    return (folder / "access" / "one.cedar").read_text(encoding="utf-8")


def test_it_stays_while_the_origin_is_edited_and_turns_when_it_is_renewed(origin: Path) -> None:
    snapshot = Snapshot(origin, refuse_two)
    (origin / "access" / "one.cedar").write_text("three", encoding="utf-8")
    (origin / "access" / "more.cedar").write_text("more", encoding="utf-8")
    (origin / "quotas.yaml").write_text("other quotas", encoding="utf-8")
    (origin / "purposes.yaml").write_text("other purposes", encoding="utf-8")
    assert policy(snapshot.folder) == "one"

    snapshot.renew()

    assert policy(snapshot.folder) == "three"
    assert (snapshot.folder / "access" / "more.cedar").exists()
    assert (snapshot.folder / "quotas.yaml").read_text(encoding="utf-8") == "other quotas"
    assert (snapshot.folder / "purposes.yaml").read_text(encoding="utf-8") == "other purposes"


def test_what_is_found_bad_changes_nothing_and_leaves_nothing(origin: Path, temporary: Path) -> None:
    snapshot = Snapshot(origin, refuse_two)
    before = sorted(temporary.rglob("*"))
    (origin / "access" / "one.cedar").write_text("two", encoding="utf-8")

    with pytest.raises(PolicyError):
        snapshot.renew()
    shutil.rmtree(origin / "access")
    with pytest.raises(OSError, match="access"):
        snapshot.renew()

    assert policy(snapshot.folder) == "one"
    assert sorted(temporary.rglob("*")) == before


def test_who_reads_a_resolved_copy_reads_one_copy(origin: Path) -> None:
    snapshot = Snapshot(origin, refuse_two)
    copy = snapshot.folder.resolve()
    (origin / "access" / "one.cedar").write_text("three", encoding="utf-8")

    snapshot.renew()

    assert snapshot.folder.resolve() != copy
    assert not copy.exists(), "a late reader fails rather than mixes"


def test_it_is_loaded_once_for_all_processes_until_it_turns(origin: Path) -> None:
    snapshot = Snapshot(origin, refuse_two)
    first = snapshot.current()
    # What a worker has of it after the fork.
    forked = copy.copy(snapshot)
    assert forked.current() is first

    (origin / "access" / "one.cedar").write_text("three", encoding="utf-8")
    snapshot.renew()

    assert forked.current() == ["three"] == snapshot.current()
    assert snapshot.current() is snapshot.current(), "loaded when it was found good, and not again"


def test_it_is_private_and_gone_when_closed(origin: Path, temporary: Path) -> None:
    snapshot = Snapshot(origin, refuse_two)
    (home,) = temporary.iterdir()
    assert home.name.startswith(PREFIX)
    assert home.stat().st_mode & 0o077 == 0

    snapshot.close()

    assert list(temporary.iterdir()) == []


def test_a_bad_origin_is_refused_and_leaves_nothing(origin: Path, temporary: Path) -> None:
    (origin / "access" / "one.cedar").write_text("two", encoding="utf-8")

    with pytest.raises(PolicyError):
        Snapshot(origin, refuse_two)

    assert list(temporary.iterdir()) == []
