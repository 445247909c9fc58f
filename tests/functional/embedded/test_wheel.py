"""What people install: a wheel has every file that the checkout has, and works far from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.embedded.installation import Up

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: building leaves things behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("vault_gateway", "policies"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(out),
        str(source),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return next(out.glob("*.whl"))


def test_a_wheel_has_every_file_of_the_package_and_the_policies(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(base))
        for base, folder in ((ROOT, "vault_gateway"), (ROOT, "policies"))
        for path in (base / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        inside = {name.replace("vault_gateway/policies/", "policies/") for name in archive.namelist()}
    assert wanted - inside == set()


def test_an_installed_wheel_serves(
    begin: Callable[..., Up], wheel: Path, folder: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    env = {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    where = "import vault_gateway.settings.policies as s; print(s.default_policies())"
    found = subprocess.check_output([sys.executable, "-c", where], env=env, cwd="/", text=True).strip()
    assert found == str(site / "vault_gateway" / "policies")
    up = begin(folder, env=env).wait_ready()
    assert up.stop()[0] == 0
