"""The access log, shown to those whom it is about."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from vault_gateway.audit.http import audit_blueprint
from vault_gateway.audit.service import AuditService
from vault_gateway.audit.store.events import keep_partitions_ahead
from vault_gateway.duties.parts import Parts
from vault_gateway.housekeeping import Chore
from vault_gateway.tokens.ids import parse_token


def audit(app: Flask, parts: Parts) -> Mapping[str, Chore]:
    app.register_blueprint(audit_blueprint(AuditService(parts.ledger, parse_token)))
    return {"audit_partitions": keep_partitions_ahead}
