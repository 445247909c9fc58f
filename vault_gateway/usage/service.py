"""What was used, and what is owed for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from vault_gateway.access.resources import figures_of
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.database import Row
from vault_gateway.errors import GatewayError
from vault_gateway.identity.tenants import denial
from vault_gateway.inforce import InForce
from vault_gateway.model import Caller, Role
from vault_gateway.networks.verdicts import Networks
from vault_gateway.usage import store
from vault_gateway.usage.store import FeeRow, Scope

MOST_LINES = 10_000


class UsageService:
    def __init__(self, ledger: Ledger, networks: InForce[Networks]) -> None:
        self._ledger = ledger
        self._networks = networks

    def of_month(self, caller: Caller, month: date, asked: Scope, by: Collection[str] | None) -> list[Row]:
        """A line for each fee and each of what `by` names. A merchant gets its own, a platform its merchants', a
        carrier its own over all merchants, whom it is not told apart; an operator all."""
        principal = caller.principal
        if principal.role is Role.CARRIER and (asked.platform or asked.merchant or "merchant" in (by or ())):
            raise GatewayError("validation_failed", 422, "A carrier's sheets are not told apart by merchant.")
        scope = replace(
            asked,
            platform=asked.platform or principal.platform,
            merchant=asked.merchant or principal.merchant,
            carrier=asked.carrier or principal.carrier,
        )
        of_carrier = scope.carrier if principal.role is Role.CARRIER else None
        resource = figures_of(scope.platform, scope.merchant, of_carrier)
        self._ledger.require(caller, Event("usage.read"), resource, denial(principal))
        if by is None:
            owners = principal.role in (Role.MERCHANT, Role.PLATFORM)
            by = ("network", "carrier", "merchant") if owners else ("network", "carrier")
        following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
        with self._ledger.open(caller) as unit:
            rows = store.sums(unit.conn, month, following, scope, self._fees(), by, MOST_LINES + 1)
        if len(rows) > MOST_LINES:
            raise GatewayError("too_many_lines", 422, "These are too many lines: ask for fewer at once.")
        return rows

    def _fees(self) -> list[FeeRow]:
        return [
            FeeRow(network.name, fee.begins, fee.amount, fee.currency, fee.payer)
            for network in self._networks().values()
            for fee in network.fees
        ]
