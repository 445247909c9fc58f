"""How errors look: whatever goes wrong in a request is answered with `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from flask import Flask, Response, g
from gunicorn.http.errors import ParseException
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from vault_gateway import metrics
from vault_gateway.errors import GatewayError, problem

log = structlog.get_logger("vault_gateway.http")


def answer_errors(app: Flask) -> None:
    app.register_error_handler(GatewayError, _problem)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, _unreadable)
    app.register_error_handler(Exception, _unexpected)


def _problem(error: GatewayError, errors: list[dict[str, str]] | None = None) -> Response:
    """Neither `detail` nor `errors` repeats what was submitted."""
    body = problem(error.code, error.status, error.detail, g.get("request_id", ""))
    if errors:
        body["errors"] = errors
    response = Response(orjson.dumps(body), status=error.status, mimetype="application/problem+json")
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="vault-gateway"'
    return response


def _invalid(error: ValidationError) -> Response:
    answer = GatewayError("validation_failed", 422, "The request does not have the shape that is asked for.")
    return _problem(answer, _faults(error.messages))


def misshapen(fault: ValidationError) -> GatewayError:
    """The error of an item whose shape is wrong: of a problem's `errors`, an item has the text alone."""
    told = dict.fromkeys(f"{each['pointer']}: {each['detail']}" for each in _faults(fault.messages))
    return GatewayError("validation_failed", 422, " ".join(told))


def _faults(messages: Any, path: str = "") -> list[dict[str, str]]:
    """Marshmallow's messages as a flat list. The name of an unknown field is a submitted value: left out."""
    if isinstance(messages, dict):
        return [fault for name, inner in messages.items() for fault in _faults(inner, f"{path}/{name}")]
    texts = [str(text) for text in messages] if isinstance(messages, list) else [str(messages)]
    if any(text == "Unknown field." for text in texts):
        return [
            {"pointer": path.rpartition("/")[0] or "/", "detail": "There is a field that is not known here."}
        ]
    return [{"pointer": path.removesuffix("/_schema") or "/", "detail": " ".join(texts)}]


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        return _problem(GatewayError("body_too_large", 413, "The body is larger than this server takes."))
    names: dict[int, tuple[str, str]] = {
        400: ("bad_request", "The request cannot be understood."),
        404: ("not_found", "There is nothing here that you may see."),
        405: ("method_not_allowed", "This address does not take that method."),
    }
    code, detail = names.get(status, ("http_error", "The request cannot be answered."))
    response = _problem(GatewayError(code, status, detail))
    if status == 405 and (allow := dict(error.get_headers()).get("Allow")):
        response.headers["Allow"] = allow
    return response


def _unreadable(_: ParseException) -> Response:
    """A body in chunks is parsed while it is read: gunicorn says only then that it is none."""
    return _http_error(BadRequest())


def _unexpected(error: Exception) -> Response:
    # The type and the place tell an engineer where to look. The text of an exception may quote a value.
    log.error("unexpected error", request_id=g.get("request_id"), kind=type(error).__name__, at=_place(error))
    metrics.UNEXPECTED.inc()
    return _problem(
        GatewayError("internal", 500, "Something failed on our side; the request id tells us where.")
    )


def _place(error: Exception) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
