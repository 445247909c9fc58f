"""The client: one room of the gateway each as an attribute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from vault_gateway.client.audit import Audit
from vault_gateway.client.break_glass import BreakGlasses
from vault_gateway.client.figures import Figures
from vault_gateway.client.notices import Notices
from vault_gateway.client.relay import Relay
from vault_gateway.client.retry import RetryLaw
from vault_gateway.client.reveals import Reveals
from vault_gateway.client.tokens import Tokens
from vault_gateway.client.transport import Transport
from vault_gateway.client.waybills import Couriers, Routes, Waybills
from vault_gateway.client.webhooks import Webhooks


class Client:
    """A gateway seen with one key. Threads may share it; leaving its `with` block closes its connections.

    `key` is an API key or a JWT, or a function that gives the current one. `platform` and `merchant` name whose
    tokens and waybills are meant, where the key does not say it by itself. TLS with the system's authorities or
    `ca_file`; plain http for this machine alone unless `plain_http` is said. Each call ends within `deadline_s`
    seconds, its retries included; one try within `timeout_s`.
    """

    def __init__(
        self,
        url: str,
        key: str | Callable[[], str],
        *,
        platform: str | None = None,
        merchant: str | None = None,
        ca_file: Path | None = None,
        plain_http: bool = False,
        connections: int = 8,
        timeout_s: float = 20.0,
        deadline_s: float = 60.0,
    ) -> None:
        self._http = Transport(
            url,
            key,
            ca_file=ca_file,
            plain_http=plain_http,
            connections=connections,
            timeout_s=timeout_s,
            law=RetryLaw(deadline_s),
        )
        self._enter(platform, merchant)

    def for_merchant(self, merchant: str, *, platform: str | None = None) -> Client:
        """The same client, on the ground of one merchant: what a platform's calls name. Shares connections."""
        other = object.__new__(Client)
        other._http = self._http
        other._enter(platform, merchant)
        return other

    def _enter(self, platform: str | None, merchant: str | None) -> None:
        named = {"platform": platform, "merchant": merchant}
        tenant = {name: value for name, value in named.items() if value is not None}
        self.tokens = Tokens(self._http, tenant)
        self.waybills = Waybills(self._http, tenant)
        self.couriers = Couriers(self._http)
        self.routes = Routes(self._http)
        self.reveals = Reveals(self._http)
        self.break_glass = BreakGlasses(self._http, self.reveals)
        self.relay = Relay(self._http)
        self.figures = Figures(self._http, tenant)
        self.webhooks = Webhooks(self._http)
        self.notices = Notices(self._http)
        self.audit = Audit(self._http)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._http.url!r})"
