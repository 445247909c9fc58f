"""Sheets and fees, and where parcels go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class Flow:
    """Parcels in whole tens. A name is None where the question did not tell it apart, or too few have it in common."""

    parcels: int
    day: date | None = None
    origin: str | None = None
    destination: str | None = None
    carrier: str | None = None
    network: str | None = None
    state: str | None = None
    time: str | None = None


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

    def flows(self, begins: date, ends: date, *, by: Sequence[str] = (), **filters: str) -> list[Flow]:
        """Parcels made on the days from `begins` to `ends`. `by`: some of day, origin, destination, carrier, network,
        state, time; filters: those but `day`."""
        query = {"from": begins.isoformat(), "to": ends.isoformat(), "by": ",".join(by), **filters}
        return [_flow(one) for one in self._http.pages("/v1/stats/flows", query)]


def _flow(body: Mapping[str, Any]) -> Flow:
    day = body.get("day")
    return Flow(
        parcels=body["parcels"],
        day=None if day is None else date.fromisoformat(day),
        origin=body.get("origin"),
        destination=body.get("destination"),
        carrier=body.get("carrier"),
        network=body.get("network"),
        state=body.get("state"),
        time=body.get("time"),
    )


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
