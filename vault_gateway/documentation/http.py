"""`/openapi.json` and the pages. Nothing here needs a key, and nothing is fetched from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as ResponseBase

from vault_gateway.documentation.codes import SECTIONS
from vault_gateway.documentation.files import AssetStore
from vault_gateway.errors import not_found

# Scripts, styles and requests of this server alone; nobody may frame the page, for keys are typed into it.
# Swagger UI sets styles on elements and draws its arrows from data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_A_WHILE = "public, max-age=300"
_A_YEAR = "public, max-age=31536000, immutable"


def documentation_blueprint() -> Blueprint:
    room = Blueprint("documentation", __name__, template_folder="templates")
    assets = AssetStore()

    @room.get("/openapi.json")
    def openapi() -> Response:
        answer = Response(_document(), mimetype="application/json")
        answer.add_etag()
        return _cached(answer, _A_WHILE)

    @room.get("/")
    def front() -> ResponseBase:
        """Where somebody lands who opens the address that `up` prints."""
        return redirect("/docs", 303)

    @room.get("/docs")
    def docs() -> Response:
        return _page("docs.html", version=assets.version)

    @room.get("/docs/errors")
    def errors() -> Response:
        return _page("errors.html", version=assets.version, sections=SECTIONS)

    @room.get("/docs/assets/<version>/<name>")
    def asset(version: str, name: str) -> Response:
        found = assets.find(version, name)
        if found is None:
            raise not_found()
        zipped = request.accept_encodings.quality("gzip") > 0
        answer = Response(found.zipped if zipped else found.plain, mimetype=found.media)
        if zipped:
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding"
        return _cached(answer, _A_YEAR)

    return room


@cache
def _document() -> bytes:
    """Made when it is asked for, of what is imported for it alone: on most nodes nobody asks."""
    from vault_gateway.documentation.document import openapi_document

    return orjson.dumps(openapi_document())


def _page(template: str, **values: Any) -> Response:
    answer = Response(render_template(template, **values), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return _cached(answer, _A_WHILE)


def _cached(answer: Response, how_long: str) -> Response:
    answer.headers["Cache-Control"] = how_long
    answer.make_conditional(request)
    return answer
