"""`vault-gateway up`: the engines, the gateway as one more child, and an eye on all of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType

import urllib3

from vault_gateway.embedded import hangup, privileges, processes, programs
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import write_secret_json
from vault_gateway.embedded.instance import Instance
from vault_gateway.embedded.processes import Child
from vault_gateway.settings.environment import redis_of_environment, to_environment
from vault_gateway.settings.model import PREFIX, Settings

_READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 15.0
_MOST_WORKERS = 4
_SAYS = "vault-gateway: "


class Stopped(BaseException):
    """SIGTERM or SIGINT arrived. Like KeyboardInterrupt no `except Exception` may swallow it."""


def default_workers() -> int:
    """A process for each core, up to four: the engines want some of them too. One where there is no Redis, in which
    several count together; a setting that names what is no Redis is told (EngineError)."""
    return min(os.cpu_count() or 1, _MOST_WORKERS) if _has_redis() else 1


def _has_redis() -> bool:
    try:
        return redis_of_environment() is not None or bool(programs.redis())
    except EngineError:
        if os.environ.get(programs.REDIS_SETTING):
            raise
        return False


def up(data: Path, host: str, port: int, *, workers: int, say: Callable[[str], None]) -> None:
    """Runs until a signal; raises EngineError in one clear line when something is in the way or ends."""
    with (
        _signals_as_exception(),
        _gateway(data, host, port, workers) as (instance, gateway),
        # Before it is said that we are ready: whoever reads that may send a SIGHUP at once.
        hangup.passed_on(gateway.process, gone=Stopped),
    ):
        say(f"ready http://{_bracketed(host)}:{port}")
        _watch(instance, gateway)


@contextmanager
def running(data: Path, *, port: int, workers: int | None = None) -> Iterator[tuple[Instance, str]]:
    """The same on this machine alone, for a demo or a benchmark: yields the instance and the gateway's URL."""
    with _gateway(data, "127.0.0.1", port, workers or default_workers()) as (instance, _):
        yield instance, f"http://127.0.0.1:{port}"


@contextmanager
def _gateway(data: Path, host: str, port: int, workers: int) -> Iterator[tuple[Instance, Child]]:
    """One that is ready, on engines of its own; both are stopped behind it."""
    _require_free(host, port)
    with Instance(data, workers=workers) as instance:
        gateway = _start_gateway(instance, host, port)
        try:
            _wait_until_ready(instance, gateway, host, port)
            yield instance, gateway
        finally:
            _stop(gateway)


def _start_gateway(instance: Instance, host: str, port: int) -> Child:
    """`serve` in a process of its own, with its secrets in a file that only this user reads."""
    config = instance.engines.data / "secrets" / "serve.json"
    write_secret_json(config, _told(instance.settings(host=host, port=port)))
    command = [sys.executable, "-m", "vault_gateway", "serve", "--environment", str(config)]
    prefixed, preexec = privileges.as_ourselves(command, signal.SIGTERM)
    return processes.start("the gateway", prefixed, _log(instance), preexec=preexec, env=os.environ)


def _told(settings: Settings) -> dict[str, str]:
    """What the instance decides: where its engines are and as whom to use them, without what only an operator
    needs. What has its default is left to the environment."""
    identities = {name: c for name, c in settings.identities.items() if name != "operator"}
    told = to_environment(replace(settings, identities=identities, admin_database_url=None))
    here = {PREFIX + "HOST", PREFIX + "PORT", PREFIX + "DUTIES", PREFIX + "WORKERS"}
    default = {PREFIX + field.name.upper(): str(field.default) for field in fields(settings)}
    return {name: value for name, value in told.items() if name in here or value != default.get(name)}


def read_environment(config: Path) -> None:
    """Takes settings from the file that `up` wrote for its child. They win: settings of another installation
    that happen to be in the environment must not mix with this one's."""
    for name, value in json.loads(config.read_text(encoding="utf-8")).items():
        os.environ.pop(f"{name}_FILE", None)
        os.environ[name] = value


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


def _wait_until_ready(instance: Instance, gateway: Child, host: str, port: int) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    url = f"http://{_bracketed(_reachable(host))}:{port}/readyz"
    while time.monotonic() < deadline:
        _require_running(instance, gateway)
        try:
            # A connection kept alive would be waited for when the gateway stops.
            close = {"Connection": "close"}
            if urllib3.request("GET", url, headers=close, timeout=2.0, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    raise EngineError(f"the gateway is not ready after {_READY_WITHIN_S:.0f} s: see {_log(instance)}")


def _watch(instance: Instance, gateway: Child) -> None:
    while True:
        _require_running(instance, gateway)
        time.sleep(0.25)


def _require_running(instance: Instance, gateway: Child) -> None:
    if (how := gateway.ended()) is not None:
        raise EngineError(f"the gateway {how}{_its_reason(gateway)} (see {gateway.log})")
    if (ended := instance.engines.poll()) is not None:
        raise EngineError(ended)


def _its_reason(gateway: Child) -> str:
    """What it said for a person, if it did."""
    said = [line for line in gateway.last_lines(50).split(" | ") if line.startswith(_SAYS)]
    return f": {said[-1].removeprefix(_SAYS)}" if said else ""


def _stop(gateway: Child) -> None:
    gateway.stop((signal.SIGTERM, _STOP_WITHIN_S))
    gateway.end_group()


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
