"""One request over HTTP: TLS, the key, JSON, and a request's identity over its tries."""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from vault_gateway.client.errors import ApiError, Unreachable
from vault_gateway.client.retry import Answer, Lost, RetryLaw

CONNECT_TIMEOUT_S = 5.0
_BLOCK = 1 << 16
_ONE_WORD = re.compile(r"[!-~]+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Transport:
    """Sends with one key to one gateway. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        key: str | Callable[[], str],
        *,
        ca_file: Path | None = None,
        plain_http: bool = False,
        connections: int = 8,
        timeout_s: float = 20.0,
        law: RetryLaw | None = None,
    ) -> None:
        self.url = _checked(url, plain_http=plain_http)
        self._key = key
        self._timeout_s = timeout_s
        self._law = law or RetryLaw(60.0)
        try:
            tls = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except ssl.SSLError:
            raise ValueError("there is no certificate in PEM in the file of those to trust") from None
        # No redirects: the key would go wherever an answer says.
        self._pool = urllib3.PoolManager(
            maxsize=connections, retries=False, ssl_context=tls if self.url.startswith("https:") else None
        )

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._call("GET", _with_query(path, query), repeatable=True).body

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A POST that makes nothing, or nothing more when it comes twice."""
        return self._call("POST", path, body, repeatable=True).body

    def create(
        self, path: str, body: Mapping[str, Any], *, key: str | None = None, repeatable: bool = True
    ) -> dict[str, Any]:
        """A POST that makes something, once however often it is sent: all its tries carry one Idempotency-Key."""
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(18)}
        return self._call("POST", path, body, headers, repeatable=repeatable).body

    def upload(self, path: str, content: bytes, media: str) -> dict[str, Any]:
        """Like `create`, with a body that is not JSON."""
        headers = {"Idempotency-Key": secrets.token_urlsafe(18), "Content-Type": media}
        return self._call("POST", path, content, headers, repeatable=True).body

    def once(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A POST that must not come twice: a lost answer is raised as Unreachable with `maybe_done`."""
        return self._call("POST", path, body, repeatable=False).body

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("PATCH", path, body, repeatable=True).body

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        """Where the answer to the first try was lost, a 404 to the second says that the first was carried out."""
        self._call("DELETE", _with_query(path, query), repeatable=True, gone_is_done=True)

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page as they are asked for."""
        asked = dict(query)
        while True:
            page = self.get(path, asked)
            yield from page["items"]
            if "next" not in page:
                return
            asked["cursor"] = page["next"]

    def stream(
        self, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Iterator[bytes]:
        """An answer of any length, block by block, in one try: what was given out cannot be taken back. With a `body`
        it is asked for by POST."""
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=self._timeout_s)
        response = None
        try:
            response = self._pool.request(
                "GET" if body is None else "POST",
                self.url + _with_query(path, query),
                body=None if body is None else orjson.dumps(body),
                headers=self._authorised({} if body is None else {"Content-Type": "application/json"}),
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            if response.status >= 300:
                raise _error(
                    Answer(response.status, _json_object(response.read()) or {}, _retry_after(response))
                )
            yield from response.stream(_BLOCK)
        except HTTPError:
            raise Unreachable("the answer of the gateway broke off", maybe_done=False) from None
        finally:
            if response is not None:
                response.close()

    def close(self) -> None:
        self._pool.clear()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool,
        gone_is_done: bool = False,
    ) -> Answer:
        # Written once: every try has the same bytes, as the Idempotency-Key demands.
        raw = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        sent = {"Content-Type": "application/json"} if raw is not None else {}
        sent.update(headers or {})
        answer = self._law.carry_out(
            lambda left: self._send(method, path, raw, sent, left), repeatable=repeatable
        )
        if answer.status == 404 and gone_is_done and answer.after_loss:
            return answer
        # A batch in which every item failed is a 422 with each item's own reason.
        if answer.status >= 300 and not (answer.status == 422 and "items" in answer.body):
            raise _error(answer)
        return answer

    def _send(
        self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str], left: float
    ) -> Answer:
        seconds = max(0.01, min(self._timeout_s, left))
        try:
            response = self._pool.request(
                method,
                self.url + path,
                body=raw,
                headers=self._authorised(headers),
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, seconds), read=seconds),
                redirect=False,
            )
        except SSLError as error:
            if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError):
                raise Lost("the gateway's certificate is not trusted", sent=False, hopeless=True) from None
            raise Lost("the connection to the gateway broke", sent=True) from None
        except (NewConnectionError, ConnectTimeoutError):
            raise Lost("the gateway cannot be reached", sent=False) from None
        except HTTPError:
            raise Lost("the answer of the gateway was lost", sent=True) from None
        body = _json_object(response.data)
        if body is None and response.status < 400:
            raise Lost("the answer of the gateway cannot be read", sent=True)
        return Answer(response.status, body or {}, _retry_after(response))

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        key = self._key if isinstance(self._key, str) else self._key()
        if not _ONE_WORD.fullmatch(key):
            # As of a file that was read with its end of line. Who sends it would quote it in an error.
            raise ValueError("the key is not one word of visible ASCII: is there a line's end behind it?")
        return {**headers, "Authorization": f"Bearer {key}", "Accept": "application/json"}


def _json_object(raw: bytes) -> dict[str, Any] | None:
    """None for a balancer's page or half an answer; its status alone still counts."""
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def segment(text: str) -> str:
    """A caller's text as one segment of a path."""
    return quote(text, safe="")


def _with_query(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _error(answer: Answer) -> ApiError:
    body = answer.body
    return ApiError(
        str(body.get("code", "http_error")),
        answer.status,
        str(body.get("detail", "The gateway's answer has no explanation.")),
        str(body.get("request_id", "")),
        answer.retry_after,
    )


def _checked(url: str, *, plain_http: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ValueError("the gateway's URL is https://HOST[:PORT][/PATH], without user and query")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not plain_http:
        raise ValueError("http is for this machine alone: keys and values travel in it. Use https")
    return url.rstrip("/")
