"""A gateway in a process of its own, on a policy folder of its own that a test changes."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import urllib3

from tests.policies import policies_with
from tests.serving import start_server
from tests.waiting import eventually
from tests.world import Town, World
from vault_gateway.access.snapshot import PREFIX
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.environment import to_environment

FREEZE = """
@id("frozen")
@says("Nobody searches at {merchant} today.")
forbid (principal, action == Action::"token.search", resource is Tenant)
when {{ resource.merchant == "{merchant}" }};
"""


@dataclass
class Served:
    """A gateway as production runs it, on a policy folder of its own."""

    url: str
    policies: Path
    temporary: Path
    process: subprocess.Popen[bytes]
    log: Path
    town: Town
    seen: int = 0

    def search(self, pool: urllib3.PoolManager | None = None) -> int:
        """The status of a merchant's search, which the policies decide."""
        return self._post("/v1/tokens/search", {"kind": "phone", "last4": "0000"}, pool).status

    def ask(self, path: str, body: Any) -> Any:
        return orjson.loads(self._post(path, body).data)

    def _post(
        self, path: str, body: Any, pool: urllib3.PoolManager | None = None
    ) -> urllib3.BaseHTTPResponse:
        return (pool or urllib3).request(
            "POST",
            f"{self.url}{path}",
            body=orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {self.town.merchant.key}",
                "Content-Type": "application/json",
                # A connection that is kept would be waited for when the gateway stops.
                **({} if pool else {"Connection": "close"}),
            },
            retries=False,
            timeout=10.0,
        )

    def freeze(self) -> None:
        """A valid set that decides this town's searches otherwise, and no case."""
        text = FREEZE.format(merchant=self.town.merchant_slug)
        (self.policies / "access" / "freeze.cedar").write_text(text, encoding="utf-8")

    def thaw(self) -> None:
        (self.policies / "access" / "freeze.cedar").unlink()

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def said(self) -> str:
        """What was logged since the last `forget`."""
        return self.log.read_bytes()[self.seen :].decode()

    def logged(self, text: str) -> int:
        return self.said().count(text)

    def forget(self) -> None:
        self.seen = self.log.stat().st_size

    def restore(self) -> None:
        """The policies that ship, in use, with room for many searches."""
        shutil.rmtree(self.policies)
        policies_with(self.policies)
        self.forget()
        self.hang_up()
        self.wait_until_logged('"policies replaced"', 1)
        self.forget()

    def wait_until_logged(self, text: str, times: int) -> None:
        eventually(lambda: self.logged(text) == times)

    def copies(self) -> list[Path]:
        """Of the policies, that it keeps for itself."""
        return list(self.temporary.glob(f"{PREFIX}*"))

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return [int(pid) for pid in children.split()]


def start(world: World, town: Town, tmp_path: Path, **changed: Any) -> Served:
    policies = policies_with(tmp_path / "policies")
    port = free_port()
    settings = replace(world.settings, host="127.0.0.1", port=port, policies=policies, **changed)
    log = world.instance.engines.data / "logs" / f"reload-{port}.log"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = start_server({**to_environment(settings), "TMPDIR": str(temporary)}, log)
    return Served(f"http://127.0.0.1:{port}", policies, temporary, process, log, town)
