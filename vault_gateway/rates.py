"""Rates of what discloses or helps to find: by who asks, and by the address that the request comes from."""

from __future__ import annotations

from typing import Literal

from vault_gateway.forwarded import counted_as
from vault_gateway.inforce import InForce
from vault_gateway.limits import Limits
from vault_gateway.model import Caller, Role
from vault_gateway.quotas import Quotas


class Rates:
    """Each is over a moving window. 429 `rate_limited` once one is used up, for everything of that request."""

    def __init__(self, limits: Limits, quotas: InForce[Quotas]) -> None:
        self._limits = limits
        self._quotas = quotas

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
        for by, name in ((who, caller.principal.id), ("address", counted_as(caller.ip))):
            self._limits.spend_moving(f"{what}-{by}", rates[by], name, count, local_will_do=local_will_do)
