"""After OpenBao's first start: initialises it, provisions it and brings the database up to date.

    initialise.py OPERATOR GATEWAY [OWNER]

OPERATOR gets `openbao.json` (root token and recovery keys) and `operator.toml`; GATEWAY gets `gateway.toml`, for
OWNER (a uid). Where things are comes from VAULT_GATEWAY_*. Done again it changes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import urllib3

_WITHIN_S = 60.0


def main(operator: Path, gateway: Path, owner: int | None) -> None:
    kept = operator / "openbao.json"
    if not kept.exists():
        answer = _initialised()
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(answer), encoding="utf-8")
    token = str(json.loads(kept.read_text(encoding="utf-8"))["root_token"])
    _wait_for(200)
    duties = [f"--identity={name}" for name in ("tokenizer", "revealer", "relay", "signer")]
    _run("provision", "--out", str(gateway / "gateway.toml"), *duties, token=token)
    commands = [f"--identity={name}" for name in ("operator", "tokenizer")]
    _run("provision", "--out", str(operator / "operator.toml"), *commands, token=token)
    if owner is not None:
        os.chown(gateway / "gateway.toml", owner, owner)
    _run("migrate", "--login", token=token)


def _run(*arguments: str, token: str) -> None:
    env = {**os.environ, "VAULT_GATEWAY_VAULT_ADMIN_TOKEN": token}
    subprocess.run([sys.executable, "-m", "vault_gateway", *arguments], env=env, check=True)


def _initialised() -> Any:
    _wait_for(501)
    shares = {"recovery_shares": 3, "recovery_threshold": 2}
    answer = _ask("POST", "sys/init", shares)
    if answer.status != 200:
        sys.exit(f"OpenBao was not initialised (status {answer.status})")
    return answer.json()


def _wait_for(status: int) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        try:
            if _ask("GET", "sys/health").status == status:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.2)
    sys.exit(f"OpenBao does not answer {status} at sys/health within {_WITHIN_S:.0f} s")


def _ask(method: str, path: str, body: Any = None) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(ca_certs=os.environ["VAULT_GATEWAY_VAULT_CA"]) as pool:
        addr = os.environ["VAULT_GATEWAY_VAULT_ADDR"]
        return pool.request(method, f"{addr}/v1/{path}", json=body, retries=False, timeout=10)


if __name__ == "__main__":
    for_operator, for_gateway, *uid = sys.argv[1:]
    main(Path(for_operator), Path(for_gateway), int(uid[0]) if uid else None)
