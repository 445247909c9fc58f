"""hvac over our pool: its paths and parameters, without its session, redirects and talkative exceptions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from hvac.adapters import Adapter

from vault_gateway.keys.server import Asks

_BODILESS = ("get", "list", "delete")


class PooledAdapter(Adapter):  # type: ignore[misc]  # hvac ships no types
    """Lets `hvac.api` classes speak through an `Asks`. Answers are parsed JSON, {} where Vault sends none.

    hvac's own adapters put the whole answer into the text of an exception, with a batch's other values in it;
    here every failure is a KeysUnavailable or a KeyFault.
    """

    def __init__(self, identity: Asks) -> None:
        super().__init__(base_uri="", session=_NoSession(), allow_redirects=False)
        self._identity = identity

    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        raise_exception: bool = True,
        **kwargs: Any,
    ) -> Any:
        if headers or not raise_exception or kwargs.get("wrap_ttl"):
            raise NotImplementedError("headers, wrapping and silent failures are not spoken here")
        path = url.removeprefix("/v1/")
        if params := kwargs.get("params"):
            path += "?" + urlencode(params)
        body = None if method.lower() in _BODILESS else orjson.dumps(kwargs.get("json") or {})
        return self._identity.ask(method.upper(), path, body)

    def get_login_token(self, response: Any) -> str:
        return str(response["auth"]["client_token"])


class _NoSession:
    """Stands where hvac would open a requests.Session of its own."""

    verify = True
    cert = None
    proxies = None

    def close(self) -> None:
        """Nothing is open."""
