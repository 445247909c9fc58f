"""Everything that a gateway process needs to know: frozen, and refused at once where it is unsafe."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from limits import parse

from vault_gateway.errors import OperatingError
from vault_gateway.forwarded import parse_networks
from vault_gateway.keys import Credential

PREFIX = "VAULT_GATEWAY_"
# Revoked tokens are remembered for as long as this.
LONGEST_JWT_LIFE_S = 7 * 86_400
# What a node does. Only `reveal` and `relay` need Vault identities that decrypt.
ALL_DUTIES = ("tokenize", "reveal", "relay", "audit", "console")
IDENTITIES = ("tokenizer", "revealer", "relay", "operator", "signer")
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_REDIS_SCHEMES = ("redis", "rediss", "redis+unix", "redis+cluster")
_RANGES = {
    "vault_batch_items": (1, 10_000),
    "port": (1, 65_535),
    "workers": (1, 256),
    "threads": (1, 256),
    "database_connections": (1, 1024),
    "max_body_bytes": (1, 2**30),
    "missed_searches_a_day": (0, 1_000_000),
    "reveal_ttl_s": (5, 600),
    "break_glass_ttl_s": (60, 3600),
    "break_glass_a_day": (1, 1000),
    "unrecorded_routes": (1, 1_000_000),
    "jwt_life_s": (60, LONGEST_JWT_LIFE_S),
    "webhook_senders": (0, 64),
    "fold_every_s": (0, 3600),
}


class SettingsError(OperatingError):
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
    operator_database_url: str | None = field(default=None, repr=False)
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
        require_safe_vault(self.vault_addr)
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
        _require_rate("client_rate", self.client_rate)
        _require_rate("failed_logins", self.failed_logins)
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
    for name, (least, most) in _RANGES.items():
        if not least <= getattr(settings, name) <= most:
            raise SettingsError(f"{PREFIX}{name.upper()} is {least:,} to {most:,}")


def _require_rate(name: str, text: str) -> None:
    try:
        if parse(text).amount < 1:
            raise ValueError
    except ValueError:
        raise SettingsError(f"{PREFIX}{name.upper()} is a number a time, such as 600/minute") from None


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
    _require_usable_secret(settings.notice_webhook_secret)


def _require_usable_secret(secret: str | None) -> None:
    if secret is None:
        return
    if len(secret) < 16:
        raise SettingsError(f"{PREFIX}NOTICE_WEBHOOK_SECRET is at least 16 characters")
    if secret.startswith("whsec_"):
        try:
            b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise SettingsError(f"{PREFIX}NOTICE_WEBHOOK_SECRET: behind whsec_ stands base64") from None


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


def require_safe_vault(addr: str) -> None:
    url = urlsplit(addr)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SettingsError(f"{PREFIX}VAULT_ADDR is not an http(s) address")
    if url.scheme == "http" and url.hostname not in _THIS_MACHINE:
        raise SettingsError(f"{PREFIX}VAULT_ADDR must be https beyond this machine: values travel in it")


def _require_short_public_url(url: str) -> None:
    """It goes into a QR code, which a label has little room for."""
    if url and not (url.startswith(("https://", "http://")) and url.isascii() and len(url) <= 100):
        raise SettingsError(f"{PREFIX}PUBLIC_URL is an http(s) address of at most 100 characters")
