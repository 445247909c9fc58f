"""A waybill network as its file describes it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from vault_gateway.networks.numbers import NumberRange


class Stance(StrEnum):
    """How a platform takes numbers of a network; `only`: of this one and no other."""

    ACCEPTS = "accepts"
    ONLY = "only"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class PlatformRule:
    """What a platform says of a network from a day to a day (both included, days of `zone`)."""

    platform: str
    stance: Stance
    rule: str
    zone: ZoneInfo
    begins: date | None = None
    ends: date | None = None

    def holds(self, day: date) -> bool:
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True)
class Fee:
    """What a sheet costs from a day on, and who pays: the carrier, the merchant or the platform."""

    begins: date
    amount: Decimal
    currency: str
    payer: str


@dataclass(frozen=True, slots=True)
class Returns:
    """How many numbers of a branch come back by cancelling: `share` of those issued there, and all of them as long
    as no more than `free` were issued."""

    share: Decimal
    free: int

    def admit(self, *, issued: int, returned: int) -> bool:
        """Does one more that is cancelled come back, after `returned` before it?"""
        return issued <= self.free or returned + 1 <= self.share * issued


@dataclass(frozen=True, slots=True)
class Segment:
    """Numbers of a network with one carrier."""

    carrier: str
    numbers: NumberRange


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    title: str
    # Of the days on platforms that no rule of any network names; all networks say the same.
    zone: ZoneInfo
    carriers: dict[str, str]
    segments: tuple[Segment, ...]
    platforms: tuple[PlatformRule, ...]
    fees: tuple[Fee, ...]
    returns: Returns
    # How numbers are made up where a merchant was granted no segment.
    made_up: NumberRange

    def test_number(self) -> str:
        span = self.made_up
        return span.number(span.first + secrets.randbelow(len(span)))

    def fee_on(self, day: date) -> Fee | None:
        """The fee of a sheet issued on `day`; None before the network's first."""
        return max((fee for fee in self.fees if fee.begins <= day), key=lambda fee: fee.begins, default=None)
