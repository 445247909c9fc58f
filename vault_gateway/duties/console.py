"""Pages for people."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from vault_gateway.console.http import console_blueprint
from vault_gateway.console.receipts import ReceiptService
from vault_gateway.duties.parts import Parts
from vault_gateway.housekeeping import Chore


def console(app: Flask, parts: Parts) -> Mapping[str, Chore]:
    app.register_blueprint(console_blueprint(ReceiptService(parts.ledger, parts.rules.networks)))
    return {}
