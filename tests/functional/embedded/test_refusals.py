"""What is in the way is said in one line, with exit status 1 and nothing left running."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.embedded.installation import COMMAND, Up, copy, processes_with, run
from vault_gateway.embedded import folder as data_folder
from vault_gateway.embedded.engines import Engines
from vault_gateway.embedded.errors import EngineError

Begin = Callable[..., Up]


def refusal(begin: Begin, data: Path, **more: object) -> str:
    """The one line."""
    status, out, err = begin(data, **more).ended()
    assert (status, out) == (1, ""), (status, out, err)
    assert err.startswith("vault-gateway: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert processes_with(data) == []
    return err


@pytest.mark.parametrize("name", ["data", "d" * 120], ids=["socket inside", "socket elsewhere"])
def test_a_folder_in_use_and_its_holder_goes_on(
    begin: Begin, bootstrapped: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    copy(bootstrapped, folder)
    up = begin(folder).wait_ready()
    status, out, err = begin(folder).ended()
    assert (status, out) == (1, "")
    assert f"{folder} is in use by process {up.process.pid}" in err
    # The refused one has touched nothing: commands still find the running instance.
    run("client", "list", "--data", str(folder))
    assert up.process.poll() is None


def test_a_port_that_is_taken(begin: Begin, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in refusal(begin, tmp_path / "data", port=port)
    assert not (tmp_path / "data").exists()


def test_somebody_elses_folder(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("of great value")
    assert "holds other things (thesis.odt)" in refusal(begin, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


@pytest.mark.parametrize(
    "setting", ["VAULT_GATEWAY_BAO_BINARY", "VAULT_GATEWAY_POSTGRES_BIN", "VAULT_GATEWAY_REDIS_BINARY"]
)
def test_a_missing_program(begin: Begin, tmp_path: Path, setting: str) -> None:
    for options in (["--workers", "2"], []):
        said = refusal(begin, tmp_path / "data", options=options, env={setting: "/nowhere"})
        assert f"{setting} names /nowhere" in said


def test_nowhere_to_write(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write to" in refusal(begin, tmp_path / "file" / "data")


@pytest.mark.parametrize(
    "lost",
    [
        "secrets/unseal.key",
        "secrets/openbao.json",
        "secrets/postgres.json",
        "secrets/gateway.json",
        "postgres",
    ],
)
def test_a_part_that_was_lost_is_named_and_nothing_made_in_its_place(
    begin: Begin, folder: Path, lost: str
) -> None:
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert f"{path} is missing" in refusal(begin, folder)
    assert not path.exists()


def test_a_damaged_secret(begin: Begin, folder: Path) -> None:
    (folder / "secrets" / "postgres.json").write_text("{")
    assert "postgres.json is damaged: restore it" in refusal(begin, folder)


def test_a_cluster_of_another_version(begin: Begin, folder: Path) -> None:
    (folder / "postgres" / "PG_VERSION").write_text("15\n")
    assert "was made by PostgreSQL 15" in refusal(begin, folder)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A file system of 64 MB, and what to run a command by that sees it: a mount of the command's own, or, in a
    container that may mount nothing, the small one that it has for shared memory."""
    mount = tmp_path / "disk"
    mount.mkdir()
    own = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    own += ["sh", "-c", 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"', str(mount)]
    shared = Path("/dev/shm")
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode == 0:
        yield mount / "data", own
    elif shared.is_dir() and data_folder.free_bytes(shared) < data_folder.LEAST_FREE_BYTES:
        data = shared / f"vault-gateway-{os.getpid()}"
        yield data, []
        shutil.rmtree(data, ignore_errors=True)
    else:
        pytest.fail("needs a small file system: let tests mount one (CAP_SYS_ADMIN or user namespaces)")


def test_a_full_disk(begin: Begin, full_disk: tuple[Path, list[str]]) -> None:
    data, seen_by = full_disk
    assert "MB free, and 200 MB are needed" in refusal(begin, data, command=[*seen_by, *COMMAND])


def test_a_disk_that_is_nearly_full_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    engines = Engines(tmp_path / "data", free_bytes=lambda _: data_folder.LEAST_FREE_BYTES - 1)
    with pytest.raises(EngineError, match="199 MB free, and 200 MB are needed"):
        engines.start()
    assert not (tmp_path / "data" / "openbao").exists()


def test_a_disk_that_has_filled_up_since(folder: Path) -> None:
    engines = Engines(folder, free_bytes=lambda _: data_folder.LEAST_FREE_BYTES - 1)
    with pytest.raises(EngineError, match="199 MB free, and 200 MB are needed"):
        engines.start()
    assert processes_with(folder) == []


def test_a_client_command_on_a_folder_that_is_none(tmp_path: Path) -> None:
    _, err = run("client", "list", "--data", str(tmp_path / "data"), expected=1)
    assert "there is no instance in" in err
    assert not (tmp_path / "data").exists()
