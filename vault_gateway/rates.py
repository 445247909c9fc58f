"""Rates of what discloses or helps to find: by who asks, and by the address that the request comes from."""

from __future__ import annotations

from typing import Literal

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.errors import GatewayError
from vault_gateway.forwarded import counted_as
from vault_gateway.inforce import InForce
from vault_gateway.limits import Limits
from vault_gateway.model import Caller, Role, Tenant
from vault_gateway.quotas import Quotas

_ACTIONS = {"reveals": "reveal.issue", "searches": "token.search"}


class Rates:
    """Each is over a moving window. 429 `rate_limited` once one is used up, for everything of that request, which is
    one event like any denial: no more of them than the edge's own rate lets a client make."""

    def __init__(self, limits: Limits, quotas: InForce[Quotas], ledger: Ledger) -> None:
        self._limits = limits
        self._quotas = quotas
        self._ledger = ledger

    def spend_reveals(self, caller: Caller, count: int) -> None:
        """503 where Redis is away: what discloses is counted together or not done."""
        who = "courier" if caller.principal.role is Role.COURIER else "station"
        self._spend("reveals", who, caller, count, local_will_do=False)

    def spend_search(self, caller: Caller) -> None:
        self._spend("searches", "client", caller, 1, local_will_do=True)

    def _spend(
        self,
        what: Literal["reveals", "searches"],
        who: str,
        caller: Caller,
        count: int,
        *,
        local_will_do: bool,
    ) -> None:
        rates = self._quotas().rates[what]
        try:
            for by, name in ((who, caller.principal.id), ("address", counted_as(caller.ip))):
                self._limits.spend_moving(f"{what}-{by}", rates[by], name, count, local_will_do=local_will_do)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            event = Event(_ACTIONS[what], carrier=caller.principal.carrier, detail={"items": count})
            with self._ledger.open(caller, _own_tenant(caller)):
                raise refused(event, error, reason="rate_limited") from None


def _own_tenant(caller: Caller) -> Tenant | None:
    """Where the auditor of a merchant finds what the merchant was refused."""
    who = caller.principal
    return None if who.platform is None or who.merchant is None else Tenant(who.platform, who.merchant)
