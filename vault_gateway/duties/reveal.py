"""The only duty whose Vault identity opens names and addresses."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from vault_gateway.duties.parts import Parts
from vault_gateway.housekeeping import Chore
from vault_gateway.keys import Revealer
from vault_gateway.reveals.breakglass.http import break_glass_blueprint
from vault_gateway.reveals.breakglass.service import BreakGlassService
from vault_gateway.reveals.claiming import Claimer
from vault_gateway.reveals.closing import Closer
from vault_gateway.reveals.counting import RevealCounts
from vault_gateway.reveals.http import reveals_blueprint
from vault_gateway.reveals.issuing import Issuer
from vault_gateway.reveals.service import RevealService


def reveal(app: Flask, parts: Parts) -> Mapping[str, Chore]:
    revealer = Revealer(parts.vault, parts.credential("revealer"))
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    counts = RevealCounts(parts.rules.quotas, parts.watch, clock)
    issuer = Issuer(ledger, parts.rules.purposes, counts, clock, ttl_s=settings.reveal_ttl_s)
    reveals = RevealService(issuer, Claimer(ledger, revealer, clock), Closer(ledger, clock), clock)
    break_glass = BreakGlassService(
        ledger, clock, ttl_s=settings.break_glass_ttl_s, a_day=settings.break_glass_a_day
    )
    app.register_blueprint(reveals_blueprint(reveals, parts.request_keys(), parts.rates()))
    app.register_blueprint(break_glass_blueprint(break_glass))
    return {"courier_days": parts.watch.forget}
