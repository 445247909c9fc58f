"""The page behind the QR code on a label. The code in its path is all that a recipient has, so it is treated like a
key: wrong ones are counted, and nothing says why one is wrong."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib import resources

from flask import Blueprint, Response, render_template, request

from vault_gateway.console.receipts import Disclosure, Receipt, ReceiptService
from vault_gateway.console.texts import LANGUAGES, TEXTS
from vault_gateway.edge import found_by_secret

# As Jinja includes it: without the end of its last line.
_STYLE = (
    (resources.files("vault_gateway.console") / "templates" / "receipt.css")
    .read_text(encoding="utf-8")
    .removesuffix("\n")
)
# This one style and nothing else: no script, no picture, no form, no frame.
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src"
    f" 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def console_blueprint(receipts: ReceiptService) -> Blueprint:
    room = Blueprint("console", __name__, template_folder="templates")

    @room.get("/receipt/<code>")
    def receipt(code: str) -> tuple[Response, int]:
        found = found_by_secret("receipts", lambda: receipts.find(code))
        return _page(found, _language()), 404 if found is None else 200

    return room


def _language() -> str:
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def _page(receipt: Receipt | None, language: str) -> Response:
    texts = TEXTS[language]
    other = next(name for name in LANGUAGES if name != language)

    def why_of(one: Disclosure) -> str:
        # A purpose that an operator added has no words of ours: it is shown as it is named.
        key = (one.why if one.kind == "reveal" else one.kind) or ""
        return texts.get(f"why.{key}", key)

    page = render_template(
        "receipt.html",
        receipt=receipt,
        t=texts,
        other=other,
        why_of=why_of,
        zone_of=_zone_of,
    )
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Language"] = texts["tag"]
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Vary"] = "Accept-Language"
    # The path is the code: it goes to no other server, and into no index.
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["X-Frame-Options"] = "DENY"
    return answer


def _zone_of(at: datetime) -> str:
    """`UTC+08:00`"""
    return f"UTC{at.isoformat()[-6:]}" if at.utcoffset() else "UTC"
