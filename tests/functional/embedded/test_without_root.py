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
def python() -> list[str]:
    """A Python with our packages that `nobody` can run: root's own may lie in a closed folder."""
    packages = f"PYTHONPATH={Path(__file__).parents[3]}:{sysconfig.get_path('purelib')}"
    for found in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [*AS_NOBODY, packages, found]
        tried = subprocess.run([*command, "-c", "import vault_gateway"], capture_output=True, check=False)
        if tried.returncode == 0:
            return command
    pytest.fail("no Python here that another user can run, or it lacks a package of ours")


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's folder, which is closed to others."""
    path = Path(subprocess.check_output(["mktemp", "--directory"], text=True).strip())
    os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(os.getuid() != 0, reason="this whole run is not root's")
def test_up_works_as_another_user_than_root(begin: Callable[..., Up], python: list[str], home: Path) -> None:
    data = home / "data"
    up = begin(data, command=[*python, "-m", "vault_gateway"], env={"HOME": str(home)}).wait_ready()
    assert {path.stat().st_uid for path in data.iterdir()} == {NOBODY}
    assert up.stop()[0] == 0
