"""Sheets and fees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vault_gateway.client.transport import Transport


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What was used in a month at one fee. Names that the question did not tell apart are None."""

    month: str
    issued: int
    cancelled: int
    recycled: int
    counted: int
    network: str | None = None
    carrier: str | None = None
    platform: str | None = None
    merchant: str | None = None
    fee: Decimal | None = None
    currency: str | None = None
    payer: str | None = None
    amount: Decimal | None = None


class Figures:
    def __init__(self, http: Transport, tenant: Mapping[str, str]) -> None:
        self._http = http
        self._tenant = tenant

    def usage(self, month: str, *, by: Sequence[str] | None = None, **filters: str) -> list[UsageLine]:
        """Sheets of a month (`YYYY-MM`) and what is owed for them. `by`: some of network, carrier, merchant; filters:
        `network`, `carrier`."""
        query = {**self._tenant, "month": month, **filters}
        if by is not None:
            query["by"] = ",".join(by)
        return [_line(one) for one in self._http.pages("/v1/usage", query)]


def _line(body: Mapping[str, Any]) -> UsageLine:
    fee, amount = body.get("fee"), body.get("amount")
    return UsageLine(
        month=body["month"],
        issued=body["issued"],
        cancelled=body["cancelled"],
        recycled=body["recycled"],
        counted=body["counted"],
        network=body.get("network"),
        carrier=body.get("carrier"),
        platform=body.get("platform"),
        merchant=body.get("merchant"),
        fee=None if fee is None else Decimal(fee),
        currency=body.get("currency"),
        payer=body.get("payer"),
        amount=None if amount is None else Decimal(amount),
    )
