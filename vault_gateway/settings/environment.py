"""Settings of the environment and of a TOML file, and the environment of settings."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from environs import EnvError, FileAwareEnv

from vault_gateway.keys import Credential
from vault_gateway.settings.model import IDENTITIES, PREFIX, Settings, SettingsError
from vault_gateway.settings.policies import default_policies

T = TypeVar("T")

# In lower case, as a TOML file has them.
_NAMES = {one.name for one in fields(Settings) if one.name != "identities"} | {
    f"{identity}_{half}" for identity in IDENTITIES for half in ("role_id", "secret_id")
}
# Whom to call outside, for issuers' keys and for webhooks.
_OF_CALLING_OUTSIDE = ("jwks_internal_hosts", "jwks_ca", "webhook_internal_hosts", "webhook_ca")


def from_environment(toml: Path | None = None) -> Settings:
    """Settings of `VAULT_GATEWAY_*`, or of a TOML file with the same names in lower case where the environment
    has none: the one given, else that of `VAULT_GATEWAY_CONFIG`. Every name may end in `_FILE` and then names a
    file that holds the value."""
    drop_empty()
    if toml is None and (named := os.environ.get(f"{PREFIX}CONFIG")):
        toml = Path(named)
    with _in_environment({} if toml is None else _toml_values(toml)):
        try:
            return _read(FileAwareEnv(prefix=PREFIX, strip_whitespace=True))
        except (EnvError, ValueError) as error:
            raise SettingsError(f"settings: {error}") from None


@contextmanager
def _in_environment(values: Mapping[str, str]) -> Iterator[None]:
    """What the environment has not, for as long as it is read: left there, it would win over the next file, and
    children would inherit the secrets in it."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def drop_empty() -> None:
    """`NAME=` in a compose file or a unit means that it is not set."""
    for name in [n for n, value in os.environ.items() if n.startswith(PREFIX) and not value.strip()]:
        del os.environ[name]


def _read(env: FileAwareEnv) -> Settings:
    values: dict[str, Any] = {
        "identities": {name: credential for name in IDENTITIES if (credential := _credential(env, name))},
        "policies": env.path("POLICIES", default_policies()),
    }
    for one in fields(Settings):
        if one.name not in values:
            values[one.name] = _value(env, one.name, one.default)
    return Settings(**values)


def _value(env: FileAwareEnv, name: str, default: object) -> Any:
    """As the type of the field says."""
    readers: Mapping[Any, Callable[..., Any]] = {
        str: env.str,
        str | None: env.str,
        int: env.int,
        bool: env.bool,
        Path | None: env.path,
        tuple[str, ...]: lambda *of: tuple(env.list(*of)),
    }
    read = readers[get_type_hints(Settings)[name]]
    if default is MISSING:
        return needed(name.upper(), read(name.upper(), None))
    return read(name.upper(), default)


def needed(name: str, value: T | None) -> T:
    """SettingsError where there is none."""
    if value is None:
        raise SettingsError(f"{PREFIX}{name} is not set")
    return value


def with_outside_of_environment(settings: Settings) -> Settings:
    """The settings of an embedded instance, with what the environment says of calling outside: its gateway hears that
    from there too."""
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    return replace(
        settings, **{name: _value(env, name, getattr(settings, name)) for name in _OF_CALLING_OUTSIDE}
    )


def redis_of_environment() -> str | None:
    """The Redis that an embedded instance does not have to start."""
    drop_empty()
    return FileAwareEnv(prefix=PREFIX, strip_whitespace=True).str("REDIS_URL", None)


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that `from_environment` makes the same settings of, for a gateway in another process."""
    values = {
        one.name: ",".join(value) if isinstance(value, tuple) else str(value)
        for one in fields(settings)
        if one.name != "identities" and (value := getattr(settings, one.name)) is not None
    }
    for name, credential in settings.identities.items():
        values[f"{name}_role_id"] = credential.role_id
        values[f"{name}_secret_id"] = credential.secret_id
    return {PREFIX + name.upper(): value for name, value in values.items()}


def _credential(env: FileAwareEnv, identity: str) -> Credential | None:
    """An AppRole's two halves, both or none: a process that lacks a duty holds no identity for it."""
    name = identity.upper()
    role_id, secret_id = env.str(f"{name}_ROLE_ID", None), env.str(f"{name}_SECRET_ID", None)
    if (role_id is None) != (secret_id is None):
        raise SettingsError(f"{PREFIX}{name}_ROLE_ID and {PREFIX}{name}_SECRET_ID go together")
    return Credential(role_id, secret_id) if role_id is not None and secret_id is not None else None


def _toml_values(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    for name in table:
        if name.removesuffix("_file") not in _NAMES:
            raise SettingsError(f"{path}: there is no setting {name}")
    return {PREFIX + name.upper(): str(value) for name, value in table.items()}
