"""Whose flows a caller reads."""

from __future__ import annotations

from collections.abc import Sequence

from vault_gateway.access.resources import figures_of
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.database import Row
from vault_gateway.flows.asking import Question, lines
from vault_gateway.identity.tenants import denial
from vault_gateway.model import Caller, Principal


class FlowService:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def answer(
        self, caller: Caller, question: Question, after: Sequence[str] | None, limit: int
    ) -> list[Row]:
        """Lines of the one book that is the caller's. There is no asking for another: what two books together tell of a
        parcel is in no one's hands."""
        principal = caller.principal
        resource = figures_of(principal.platform, principal.merchant, principal.carrier)
        self._ledger.require(caller, Event("flows.read"), resource, denial(principal))
        with self._ledger.open(caller) as unit:
            return lines(unit.conn, _book_of(principal), question, after, limit)


def _book_of(principal: Principal) -> str:
    if principal.carrier is not None:
        return f"carrier/{principal.carrier}"
    if principal.merchant is not None:
        return f"merchant/{principal.platform}/{principal.merchant}"
    return "all" if principal.platform is None else f"platform/{principal.platform}"
