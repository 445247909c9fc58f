"""Settings: read once, frozen, refused at start when missing or unsafe."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from urllib.parse import urlsplit

from environs import EnvError, FileAwareEnv

from vault_gateway.forwarded import parse_networks
from vault_gateway.keys import Credential

PREFIX = "VAULT_GATEWAY_"
# Revoked tokens are remembered for as long as this.
LONGEST_JWT_LIFE_S = 7 * 86_400
# What a node does. Only `reveal` and `relay` need Vault identities that decrypt.
ALL_DUTIES = ("tokenize", "reveal", "relay", "audit")
IDENTITIES = ("tokenizer", "revealer", "relay", "operator", "signer")
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_REDIS_SCHEMES = ("redis", "rediss", "redis+unix", "redis+cluster")


class SettingsError(Exception):
    """The program must not start; the message names the setting and says what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything a gateway process needs to know. `repr` shows no secret."""

    database_url: str = field(repr=False)
    vault_addr: str
    identities: Mapping[str, Credential] = field(repr=False)
    policies: Path
    duties: tuple[str, ...] = ALL_DUTIES
    admin_database_url: str | None = field(default=None, repr=False)
    vault_ca: Path | None = None
    vault_batch_items: int = 240
    redis_url: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    threads: int = 8
    database_connections: int = 16
    max_body_bytes: int = 8 * 1024 * 1024
    client_rate: str = "12000/minute"
    failed_logins: str = "60/minute"
    missed_searches_a_day: int = 200
    reveal_ttl_s: int = 60
    # How long a break-glass request waits for its approval, and the grant for being opened; and how often a
    # responder takes part on one day, asking or approving.
    break_glass_ttl_s: int = 900
    break_glass_a_day: int = 5
    unrecorded_routes: int = 200
    log_json: bool = True
    # Where recipients find this gateway, for the receipt links on labels: https://vault.example.com
    public_url: str = ""
    # Networks of the proxies in front, whose X-Forwarded-For counts: `10.0.0.0/8, 2001:db8::/32`.
    trusted_proxies: str = ""
    # Issuers' keys: hosts whose addresses may be inside, and a further authority for their certificates.
    jwks_internal_hosts: str = ""
    jwks_ca: Path | None = None
    jwt_life_s: int = 86_400
    # Threads that send parcel events to merchants and platforms, on a node that tokenizes; 0 leaves it to others.
    webhook_senders: int = 2
    webhook_internal_hosts: str = ""
    webhook_ca: Path | None = None
    # How often a node that tokenizes folds together what was counted, in seconds; 0 leaves it to others.
    fold_every_s: int = 10
    # Who carries notices: `webhook`, one of one's own, or `twilio`, a service in its shape; nobody where it is not
    # set. And an authority for its certificate where the system knows none.
    notice_provider: str | None = None
    notice_webhook_url: str | None = None
    notice_webhook_secret: str | None = field(default=None, repr=False)
    notice_ca: Path | None = None
    # Twilio, for notices (API_URL, FROM) and for the calls of relay numbers (TELECOM: the client that owns them; URL:
    # where Twilio finds this gateway, PUBLIC_URL where it is not set).
    twilio_api_url: str | None = None
    twilio_account_sid: str | None = None
    twilio_from: str | None = field(default=None, repr=False)
    twilio_auth_token: str | None = field(default=None, repr=False)
    twilio_telecom: str | None = None
    twilio_url: str | None = None

    def __post_init__(self) -> None:
        _require_safe_vault(self.vault_addr)
        if unknown := [duty for duty in self.duties if duty not in ALL_DUTIES]:
            raise SettingsError(f"{PREFIX}DUTIES: {unknown[0]!r} is none of {', '.join(ALL_DUTIES)}")
        if not self.duties:
            raise SettingsError(f"{PREFIX}DUTIES names no duty")
        if self.workers > 1 and self.redis_url is None:
            raise SettingsError(
                f"{PREFIX}WORKERS is {self.workers} but {PREFIX}REDIS_URL is not set: rate limits would be counted"
                " in each worker apart. Set a Redis, or run one worker with more threads."
            )
        if self.redis_url is not None and urlsplit(self.redis_url).scheme not in _REDIS_SCHEMES:
            raise SettingsError(f"{PREFIX}REDIS_URL is one of {', '.join(_REDIS_SCHEMES)}://...")
        _require_ranges(self)
        _require_short_public_url(self.public_url)
        _require_whole_provider(self)
        _require_whole_twilio(self)
        try:
            parse_networks(self.trusted_proxies)
        except ValueError:
            raise SettingsError(f"{PREFIX}TRUSTED_PROXIES is a list of networks: 10.0.0.0/8, ::1") from None
        if not (self.policies / "access").is_dir():
            raise SettingsError(f"{PREFIX}POLICIES: there is no folder {self.policies / 'access'}")


def _require_ranges(settings: Settings) -> None:
    if not 1 <= settings.threads <= 256 or not 1 <= settings.workers <= 256:
        raise SettingsError(f"{PREFIX}THREADS and {PREFIX}WORKERS are 1 to 256")
    if not 5 <= settings.reveal_ttl_s <= 600:
        raise SettingsError(f"{PREFIX}REVEAL_TTL_S is 5 to 600 seconds")
    if not 60 <= settings.break_glass_ttl_s <= 3600:
        raise SettingsError(f"{PREFIX}BREAK_GLASS_TTL_S is 60 to 3600 seconds")
    if settings.break_glass_a_day < 1:
        raise SettingsError(f"{PREFIX}BREAK_GLASS_A_DAY is at least 1")
    if not 60 <= settings.jwt_life_s <= LONGEST_JWT_LIFE_S:
        raise SettingsError(f"{PREFIX}JWT_LIFE_S is 60 to {LONGEST_JWT_LIFE_S} seconds")
    if not 0 <= settings.fold_every_s <= 3600:
        raise SettingsError(f"{PREFIX}FOLD_EVERY_S is 0 to 3600 seconds")
    if not 0 <= settings.webhook_senders <= 64:
        raise SettingsError(f"{PREFIX}WEBHOOK_SENDERS is 0 to 64")


def _require_whole_provider(settings: Settings) -> None:
    """What belongs together is there together; a person's phone and message travel by https."""
    _require_together(settings, "notice_webhook_url", "notice_webhook_secret")
    needed = {None: None, "webhook": "notice_webhook_url", "twilio": "twilio_api_url"}
    if settings.notice_provider not in needed:
        raise SettingsError(f"{PREFIX}NOTICE_PROVIDER is webhook or twilio")
    setting = needed[settings.notice_provider]
    if setting is not None and getattr(settings, setting) is None:
        raise SettingsError(f"{PREFIX}{setting.upper()} is not set: the provider of notices needs it")
    for name in ("notice_webhook_url", "twilio_api_url"):
        _require_https(name, getattr(settings, name) or "https://-")
    if settings.notice_webhook_secret is not None and len(settings.notice_webhook_secret) < 16:
        raise SettingsError(f"{PREFIX}NOTICE_WEBHOOK_SECRET is at least 16 characters")


def _require_whole_twilio(settings: Settings) -> None:
    """Notices and calls share the account."""
    account = ("twilio_account_sid", "twilio_auth_token")
    if settings.twilio_api_url is not None:
        _require_together(settings, "twilio_api_url", *account, "twilio_from")
    if settings.twilio_telecom is not None:
        _require_together(settings, "twilio_telecom", *account)
        name = "public_url" if settings.twilio_url is None else "twilio_url"
        _require_https(name, getattr(settings, name))
    elif settings.twilio_api_url is None and any(
        getattr(settings, name) is not None for name in (*account, "twilio_from", "twilio_url")
    ):
        raise SettingsError(
            f"{PREFIX}TWILIO_TELECOM (for calls) or {PREFIX}TWILIO_API_URL (for notices) is not set"
        )


def _require_https(name: str, text: str) -> None:
    url = urlsplit(text)
    on_this_machine = url.scheme == "http" and url.hostname in _THIS_MACHINE
    if not url.hostname or url.query or url.fragment or (url.scheme != "https" and not on_this_machine):
        raise SettingsError(f"{PREFIX}{name.upper()} must be https beyond this machine: phones travel in it")


def _require_together(settings: Settings, *names: str) -> None:
    given = [name for name in names if getattr(settings, name) is not None]
    if given and (missing := [name for name in names if name not in given]):
        raise SettingsError(f"{PREFIX}{given[0].upper()} is set but {PREFIX}{missing[0].upper()} is not")


def _require_safe_vault(addr: str) -> None:
    url = urlsplit(addr)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SettingsError(f"{PREFIX}VAULT_ADDR is not an http(s) address")
    if url.scheme == "http" and url.hostname not in _THIS_MACHINE:
        raise SettingsError(f"{PREFIX}VAULT_ADDR must be https beyond this machine: values travel in it")


def _require_short_public_url(url: str) -> None:
    """It goes into a QR code, which a label has little room for."""
    if url and not (url.startswith(("https://", "http://")) and url.isascii() and len(url) <= 100):
        raise SettingsError(f"{PREFIX}PUBLIC_URL is an http(s) address of at most 100 characters")


def default_policies() -> Path:
    """The shipped `policies/` folder: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


def policies_folder() -> Path:
    """The folder that `VAULT_GATEWAY_POLICIES` names, or the shipped one: also for an embedded instance, which
    makes all of its other settings itself."""
    named = os.environ.get(f"{PREFIX}POLICIES")
    return Path(named) if named else default_policies()


def from_environment(toml: Path | None = None) -> Settings:
    """Settings of `VAULT_GATEWAY_*`, or of a TOML file with the same names in lower case where the environment
    has none: the one given, else that of `VAULT_GATEWAY_CONFIG`. Every name may end in `_FILE` and then names a
    file that holds the value."""
    _drop_empty()
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


@dataclass(frozen=True)
class VaultAdmin:
    """How `provision` reaches a Vault: as somebody who may set up engines, policies and identities."""

    addr: str
    token: str = field(repr=False)
    ca: Path | None
    policies: Path


def vault_admin_from_environment() -> VaultAdmin:
    """`VAULT_GATEWAY_VAULT_ADDR`, `_VAULT_CA`, `_POLICIES`, and `_VAULT_ADMIN_TOKEN` or `_VAULT_ADMIN_TOKEN_FILE`."""
    _drop_empty()
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    try:
        admin = VaultAdmin(
            env.str("VAULT_ADDR"),
            env.str("VAULT_ADMIN_TOKEN"),
            env.path("VAULT_CA", None),
            env.path("POLICIES", default_policies()),
        )
    except (EnvError, ValueError) as error:
        raise SettingsError(f"settings: {error}") from None
    _require_safe_vault(admin.addr)
    return admin


def _drop_empty() -> None:
    """`NAME=` in a compose file or a unit means that it is not set."""
    for name in [n for n, value in os.environ.items() if n.startswith(PREFIX) and not value.strip()]:
        del os.environ[name]


def _read(env: FileAwareEnv) -> Settings:
    return Settings(
        database_url=env.str("DATABASE_URL"),
        admin_database_url=env.str("ADMIN_DATABASE_URL", None),
        vault_addr=env.str("VAULT_ADDR"),
        vault_ca=env.path("VAULT_CA", None),
        identities={name: credential for name in IDENTITIES if (credential := _credential(env, name))},
        vault_batch_items=env.int("VAULT_BATCH_ITEMS", 240),
        redis_url=env.str("REDIS_URL", None),
        policies=env.path("POLICIES", policies_folder()),
        duties=tuple(env.list("DUTIES", list(ALL_DUTIES))),
        host=env.str("HOST", "127.0.0.1"),
        port=env.int("PORT", 8080),
        workers=env.int("WORKERS", 1),
        threads=env.int("THREADS", 8),
        database_connections=env.int("DATABASE_CONNECTIONS", 16),
        max_body_bytes=env.int("MAX_BODY_BYTES", 8 * 1024 * 1024),
        client_rate=env.str("CLIENT_RATE", "12000/minute"),
        failed_logins=env.str("FAILED_LOGINS", "60/minute"),
        missed_searches_a_day=env.int("MISSED_SEARCHES_A_DAY", 200),
        reveal_ttl_s=env.int("REVEAL_TTL_S", 60),
        break_glass_ttl_s=env.int("BREAK_GLASS_TTL_S", 900),
        break_glass_a_day=env.int("BREAK_GLASS_A_DAY", 5),
        unrecorded_routes=env.int("UNRECORDED_ROUTES", 200),
        log_json=env.bool("LOG_JSON", True),
        public_url=env.str("PUBLIC_URL", ""),
        trusted_proxies=env.str("TRUSTED_PROXIES", ""),
        jwks_internal_hosts=env.str("JWKS_INTERNAL_HOSTS", ""),
        jwks_ca=env.path("JWKS_CA", None),
        jwt_life_s=env.int("JWT_LIFE_S", 86_400),
        webhook_senders=env.int("WEBHOOK_SENDERS", 2),
        webhook_internal_hosts=env.str("WEBHOOK_INTERNAL_HOSTS", ""),
        webhook_ca=env.path("WEBHOOK_CA", None),
        fold_every_s=env.int("FOLD_EVERY_S", 10),
        notice_provider=env.str("NOTICE_PROVIDER", None),
        notice_webhook_url=env.str("NOTICE_WEBHOOK_URL", None),
        notice_webhook_secret=env.str("NOTICE_WEBHOOK_SECRET", None),
        notice_ca=env.path("NOTICE_CA", None),
        twilio_api_url=env.str("TWILIO_API_URL", None),
        twilio_account_sid=env.str("TWILIO_ACCOUNT_SID", None),
        twilio_from=env.str("TWILIO_FROM", None),
        twilio_auth_token=env.str("TWILIO_AUTH_TOKEN", None),
        twilio_telecom=env.str("TWILIO_TELECOM", None),
        twilio_url=env.str("TWILIO_URL", None),
    )


def with_outside_of_environment(settings: Settings) -> Settings:
    """The settings of an embedded instance, with what the environment says of calling outside, for issuers' keys and
    for webhooks: `up` hears it from there too."""
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    return replace(
        settings,
        jwks_internal_hosts=env.str("JWKS_INTERNAL_HOSTS", settings.jwks_internal_hosts),
        jwks_ca=env.path("JWKS_CA", settings.jwks_ca),
        webhook_internal_hosts=env.str("WEBHOOK_INTERNAL_HOSTS", settings.webhook_internal_hosts),
        webhook_ca=env.path("WEBHOOK_CA", settings.webhook_ca),
    )


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that `from_environment` makes the same settings of, for a gateway in another process."""
    values = {
        field.name: ",".join(value) if isinstance(value, tuple) else str(value)
        for field in fields(settings)
        if field.name != "identities" and (value := getattr(settings, field.name)) is not None
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
    return {PREFIX + name.upper(): str(value) for name, value in table.items()}
