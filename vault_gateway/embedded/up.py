"""`vault-gateway up`: the engines, the gateway as one more child, and an eye on all of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import urllib3

from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import write_secret_json
from vault_gateway.embedded.instance import Instance
from vault_gateway.embedded.processes import die_with_parent
from vault_gateway.settings import to_environment

_READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 15.0


class Stopped(Exception):
    """SIGTERM or SIGINT arrived."""


def up(data: Path, host: str, port: int, *, say: Callable[[str], None]) -> None:
    """Runs until a signal; raises EngineError in one clear line when something is in the way or ends."""
    with _signals_as_exception():
        _require_free(host, port)
        with Instance(data) as instance:
            gateway = _start_gateway(instance, host, port)
            try:
                _wait_until_ready(instance, gateway, host, port)
                say(f"ready http://{_bracketed(host)}:{port}")
                _watch(instance, gateway)
            except Stopped:
                pass
            finally:
                _stop(gateway)


@contextmanager
def running(data: Path, *, host: str = "127.0.0.1", port: int) -> Iterator[tuple[Instance, str]]:
    """The same for a demo, a benchmark or a test: yields the instance and the gateway's URL, then stops."""
    _require_free(host, port)
    with Instance(data) as instance:
        gateway = _start_gateway(instance, host, port)
        try:
            _wait_until_ready(instance, gateway, host, port)
            yield instance, f"http://{_bracketed(host)}:{port}"
        finally:
            _stop(gateway)


def _start_gateway(instance: Instance, host: str, port: int) -> subprocess.Popen[bytes]:
    """`serve` in a process of its own, with its secrets in a file that only this user reads."""
    settings = instance.settings(host=host, port=port)
    config = instance.engines.data / "secrets" / "serve.json"
    write_secret_json(config, to_environment(settings))
    log = (instance.engines.data / "logs" / "gateway.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "vault_gateway", "serve", "--environment", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def read_environment(config: Path) -> None:
    """Takes settings from the file that `up` wrote for its child; what is set already stays."""
    for name, value in json.loads(config.read_text(encoding="utf-8")).items():
        os.environ.setdefault(name, value)


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EngineError(
                f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port or --host."
            ) from None


def _wait_until_ready(instance: Instance, gateway: subprocess.Popen[bytes], host: str, port: int) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    url = f"http://{_bracketed(_reachable(host))}:{port}/readyz"
    while time.monotonic() < deadline:
        _require_running(instance, gateway)
        try:
            if urllib3.request("GET", url, timeout=2.0, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    raise EngineError(f"the gateway is not ready after {_READY_WITHIN_S:.0f} s: see {_log(instance)}")


def _watch(instance: Instance, gateway: subprocess.Popen[bytes]) -> None:
    while True:
        _require_running(instance, gateway)
        time.sleep(0.25)


def _require_running(instance: Instance, gateway: subprocess.Popen[bytes]) -> None:
    if gateway.poll() is not None:
        raise EngineError(f"the gateway ended with status {gateway.returncode}: see {_log(instance)}")
    if (ended := instance.engines.poll()) is not None:
        raise EngineError(ended)


def _stop(gateway: subprocess.Popen[bytes]) -> None:
    if gateway.poll() is None:
        gateway.terminate()
    try:
        gateway.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        gateway.kill()
        gateway.wait()


@contextmanager
def _signals_as_exception() -> Iterator[None]:
    """SIGTERM and SIGINT unwind the stack, so that everything started is stopped in order. Once: a second
    Ctrl-C while stopping is not to leave half of it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop), signal.signal(signal.SIGINT, stop)
    try:
        yield
    except Stopped:
        pass
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _log(instance: Instance) -> Path:
    return instance.engines.data / "logs" / "gateway.log"
