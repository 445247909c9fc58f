"""The HTTP edge: who calls and what they sent. Nothing here knows a room."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson
import structlog
from flask import Flask, Response, current_app, g, jsonify, request
from flask.json.provider import JSONProvider
from marshmallow import Schema
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from vault_gateway import metrics
from vault_gateway.bodies import json_object
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.forwarded import Networks, client_address, counted_as
from vault_gateway.ids import base32, new_id, parse_base32
from vault_gateway.limits import Limits
from vault_gateway.model import Caller, Principal, utc_now
from vault_gateway.problems import answer_errors

T = TypeVar("T")

log = structlog.get_logger("vault_gateway.http")

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Keyring(Protocol):
    def principal(self, key: str) -> Principal | None: ...


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson: three times as fast on a bulk answer, and strict about UTF-8."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(orjson.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


class Edge:
    """Everything that happens to each request before a view and after it."""

    def __init__(
        self,
        keyring: Keyring,
        limits: Limits,
        *,
        client_rate: str,
        failed_logins: str,
        trusted_proxies: Networks = (),
        without_redis: Collection[str] = (),
    ) -> None:
        """`without_redis` names the blueprints that go on while Redis is away, with each process counting for
        itself; all others answer 503 then."""
        self._keyring = keyring
        self._limits = limits
        self._client_rate = client_rate
        self._failed_logins = failed_logins
        self._trusted_proxies = trusted_proxies
        self._without_redis = frozenset(without_redis)

    def install(self, app: Flask) -> None:
        app.json = OrjsonProvider(app)
        # A path is right or unknown: a redirect would repeat it, and whatever host the caller named.
        app.url_map.merge_slashes = False
        app.extensions["edge"] = self
        app.before_request(_begin)
        app.after_request(_finish)
        answer_errors(app)

    def caller(self) -> Caller:
        """The authenticated caller of this request, its rate spent; 401 for anything but a live key or JWT.

        Who has no key is not listened to, and who has one is asked for it again when the request is whole: a body
        may take as long as its sender likes, and the key be revoked meanwhile."""
        ip = self._ip()
        self._spend(self._authenticate(counted_as(ip)))
        _receive()
        return self._judged(ip)

    def judged_anew(self, caller: Caller) -> Caller:
        """The caller of this request as it is now, for the next part of one that takes its time."""
        return self._judged(caller.ip)

    def vouched_for(self, principal: Principal) -> Caller:
        """The caller for whom something other than a key vouches: a signature over the request."""
        self._spend(principal)
        return Caller(principal, g.request_id, self._ip())

    def found_by_secret(self, name: str, look_up: Callable[[], T | None]) -> T | None:
        """What a secret finds that somebody without a key shows; 429 for an address that showed too many wrong ones.
        `name` is that of the secrets: what is guessed of these locks nobody out elsewhere."""
        ip = counted_as(self._ip())
        local_will_do = self._local_will_do()
        self._limits.require_left(f"missed-{name}", self._failed_logins, ip, local_will_do=local_will_do)
        self._limits.spend(name, self._client_rate, ip, local_will_do=local_will_do)
        found = look_up()
        if found is None:
            self._limits.spend(f"missed-{name}", self._failed_logins, ip, local_will_do=local_will_do)
        return found

    def _ip(self) -> str | None:
        return client_address(
            request.remote_addr, request.headers.get("X-Forwarded-For"), self._trusted_proxies
        )

    def _spend(self, principal: Principal) -> None:
        g.allowance = self._limits.spend(
            "client", self._client_rate, principal.id, local_will_do=self._local_will_do()
        )
        g.principal = principal.id

    def _authenticate(self, ip: str) -> Principal:
        local_will_do = self._local_will_do()
        self._limits.require_left(
            "failed-logins", self._failed_logins, ip, local_will_do=local_will_do, lately_will_do=True
        )
        principal = self._principal()
        if principal is None:
            metrics.FAILED_LOGINS.inc()
            self._limits.spend("failed-logins", self._failed_logins, ip, local_will_do=local_will_do)
            raise _unauthenticated()
        return principal

    def _judged(self, ip: str | None) -> Caller:
        began = time.monotonic()
        principal = self._principal()
        if principal is None:
            raise _unauthenticated()
        return Caller(principal, g.request_id, ip, began)

    def _principal(self) -> Principal | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(key) <= 4096:
            return None
        return self._keyring.principal(key)

    def _local_will_do(self) -> bool:
        return request.blueprint in self._without_redis


def caller() -> Caller:
    edge: Edge = current_app.extensions["edge"]
    return edge.caller()


def judged_anew(caller: Caller) -> Caller:
    edge: Edge = current_app.extensions["edge"]
    return edge.judged_anew(caller)


def vouched_for(principal: Principal) -> Caller:
    edge: Edge = current_app.extensions["edge"]
    return edge.vouched_for(principal)


def found_by_secret(name: str, look_up: Callable[[], T | None]) -> T | None:
    edge: Edge = current_app.extensions["edge"]
    return edge.found_by_secret(name, look_up)


def json_body(schema: Schema) -> dict[str, Any]:
    """The request's body, loaded by `schema`, which refuses unknown fields."""
    loaded: dict[str, Any] = schema.load(_json_object())
    return loaded


def json_body_either(one: Schema, many: Schema) -> tuple[dict[str, Any], bool]:
    """A body that is one thing, or many as `{items: [...]}`, and whether it is many."""
    body = _json_object()
    is_many = "items" in body
    loaded: dict[str, Any] = (many if is_many else one).load(body)
    return loaded, is_many


def query(schema: Schema) -> dict[str, Any]:
    """The query string, loaded by `schema`; a repeated parameter is refused."""
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise GatewayError("validation_failed", 422, "A query parameter is given twice.")
    loaded: dict[str, Any] = schema.load(request.args.to_dict())
    return loaded


def raw_body() -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise GatewayError("unsupported_media_type", 415, "The body must not be compressed.")
    body = _whole_body()
    limit = request.max_content_length
    # A body in chunks does not say how long it is, and werkzeug cuts it at the limit without a word.
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def _receive() -> None:
    """The body, as far as the limit: whoever reads it then has it at once. One that says it is larger is not read;
    that it is too large, says whoever wants it."""
    with suppress(RequestEntityTooLarge):
        _whole_body()


def _whole_body() -> bytes:
    """400 where the caller hung up before its end, of which gunicorn says nothing: a part may mean something else than
    the whole, as no body at all is a claim without a key."""
    body = request.get_data(cache=True)
    if request.content_length not in (None, len(body)):
        raise BadRequest
    return body


def _unauthenticated() -> GatewayError:
    return GatewayError(
        "unauthenticated", 401, "A valid API key or JWT is needed: Authorization: Bearer <key>."
    )


def _json_object() -> dict[str, Any]:
    return json_object(raw_body(), request.mimetype)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = base32(new_id(utc_now()))
    # Nothing is called so. PostgreSQL takes no text with a NUL: no room has to think of it. And werkzeug reads two
    # slashes at the beginning as one, while a proxy with rules of its own may not.
    if "\x00" in request.path or request.environ["PATH_INFO"].startswith("//"):
        raise not_found()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if (allowance := g.get("allowance")) is not None:
        response.headers.update(allowance.headers("client"))
    seconds = time.perf_counter() - g.started
    # The route's pattern, never the path: a path holds what a caller typed.
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    # A method, too, may be any word that somebody sends.
    method = request.method if request.method in _METHODS else "(other)"
    metrics.REQUESTS.labels(method, route, response.status_code).inc()
    metrics.SECONDS.labels(route).observe(seconds)
    log.info(
        "request",
        request_id=g.request_id,
        method=method,
        route=route,
        status=response.status_code,
        principal=g.get("principal"),
        ms=round(seconds * 1000, 1),
    )
    return response


def batch_status(items: list[dict[str, Any]]) -> int:
    """201 when all went well, 207 when some did, 422 when none did."""
    failed = sum("error" in item for item in items)
    if failed == 0:
        return 201
    return 422 if failed == len(items) else 207


def cursor_of(named: dict[str, Any]) -> UUID | None:
    """Where a list goes on; 422 for a text that no list gave, which would else begin it anew."""
    if "cursor" not in named:
        return None
    cursor = parse_base32(named["cursor"])
    if cursor is None:
        raise GatewayError("validation_failed", 422, "This is not a cursor of this list.")
    return cursor


def page(items: list[dict[str, Any]], following: UUID | None) -> Response:
    """`{items, next?}`; `next` is the cursor of the following page."""
    body: dict[str, Any] = {"items": items}
    if following is not None:
        body["next"] = base32(following)
    return jsonify(body)


def error_item(error: GatewayError) -> dict[str, Any]:
    """An item's own error in a batch answer."""
    return {"error": {"code": error.code, "detail": error.detail}}
