"""Most people are not root, and these tests often are: so once as `nobody`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.embedded.installation import Up

NOBODY = 65534
# `env` in between: the rights of root end at the first exec after setpriv.
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's folder, which is closed to others."""
    path = Path(subprocess.check_output(["mktemp", "--directory"], text=True).strip())
    os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def python(home: Path) -> list[str]:
    """A Python with our packages that `nobody` can run: root's own, and this checkout, may lie in a closed folder."""
    ours, packages = Path(__file__).parents[3], Path(sysconfig.get_path("purelib"))
    if not _runs_as_nobody(["ls", str(ours), str(packages)]):
        for folder in (ours / "vault_gateway", ours / "policies", packages):
            shutil.copytree(folder, home / folder.name, copy_function=_link_or_copy)
        ours, packages = home, home / packages.name
    for found in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [f"PYTHONPATH={ours}:{packages}", found]
        if _runs_as_nobody([*command, "-c", "import vault_gateway.app"]):
            return [*AS_NOBODY, *command]
    pytest.fail("no Python here that another user can run, or it lacks a package of ours")


def _runs_as_nobody(command: list[str]) -> bool:
    return subprocess.run([*AS_NOBODY, *command], capture_output=True, check=False).returncode == 0


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.skipif(os.getuid() != 0, reason="this whole run is not root's")
def test_up_works_as_another_user_than_root(begin: Callable[..., Up], python: list[str], home: Path) -> None:
    data = home / "data"
    up = begin(data, command=[*python, "-m", "vault_gateway"], env={"HOME": str(home)}).wait_ready()
    assert {path.stat().st_uid for path in data.iterdir()} == {NOBODY}
    assert up.stop()[0] == 0
