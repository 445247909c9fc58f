"""Whose a number is, and whether a platform takes it on a day: all by what the files of the networks say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from vault_gateway.networks.network import Network, PlatformRule, Segment, Stance
from vault_gateway.networks.numbers import NumberRange

UNKNOWN = "no network's segments hold this number"
WRONG_CHECK_DIGIT = "the check digit is wrong: this number was mistyped"
MADE_UP = "a number made up by the network's test rule"
NO_RULE = "no rule of this platform speaks of it"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a number belongs. `segment` is None for one that the network's test rule made up."""

    network: Network
    segment: Segment | None
    serial: int
    right_check_digit: bool

    @property
    def carrier(self) -> str | None:
        return None if self.segment is None else self.segment.carrier


@dataclass(frozen=True, slots=True)
class Verdict:
    """`accepted` is None where no platform was asked about."""

    network: str | None
    carrier: str | None
    accepted: bool | None
    rule: str


class Networks(Mapping[str, Network]):
    """All networks by name, with what they say of each other's numbers."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self._networks = dict(networks)
        self._ranges = [
            (network, segment, segment.numbers)
            for network in networks.values()
            for segment in network.segments
        ]
        self._made_up = [(network, network.made_up) for network in networks.values()]
        self._rules = [(network, rule) for network in networks.values() for rule in network.platforms]
        self._carriers = {name for network in networks.values() for name in network.carriers}
        self._zones = {rule.platform: rule.zone for _, rule in self._rules}
        self._zone = next(network.zone for network in networks.values())

    def __getitem__(self, name: str) -> Network:
        return self._networks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._networks)

    def __len__(self) -> int:
        return len(self._networks)

    def find(self, number: str) -> Found | None:
        """The one place of a number: segments do not overlap."""
        for network, segment, numbers in self._ranges:
            if (serial := numbers.serial_of(number)) is not None:
                return Found(network, segment, serial, numbers.number(serial) == number)
        for network, numbers in self._made_up:
            if (serial := numbers.serial_of(number)) is not None:
                return Found(network, None, serial, right_check_digit=True)
        return None

    def owner(self, number: str) -> Verdict:
        """Whose a number is, whatever a platform says of it."""
        found = self.find(number)
        if found is None:
            return Verdict(None, None, None, UNKNOWN)
        if not found.right_check_digit:
            return Verdict(found.network.name, found.carrier, False, WRONG_CHECK_DIGIT)
        if found.segment is None:
            return Verdict(found.network.name, None, None, MADE_UP)
        title = found.network.carriers[found.segment.carrier]
        return Verdict(
            found.network.name, found.carrier, None, f"a segment of {title} in {found.network.title}"
        )

    def verdict(self, number: str, platform: str, day: date) -> Verdict:
        """`day` is one of the platform's own time zone."""
        owner = self.owner(number)
        if owner.accepted is False:
            return owner
        accepted, rule = self.stance(owner.network, platform, day)
        return Verdict(owner.network, owner.carrier, accepted, rule)

    def stance(self, network: str | None, platform: str, day: date) -> tuple[bool, str]:
        """Does a platform take numbers of a network on a day, and by which rule?"""
        holding = [(of, rule) for of, rule in self._rules if rule.platform == platform and rule.holds(day)]
        exclusive = [(of, rule) for of, rule in holding if rule.stance is Stance.ONLY]
        if exclusive:
            own = next((rule for of, rule in exclusive if of.name == network), None)
            return (own is not None), (own or exclusive[0][1]).rule
        spoken = sorted(
            (rule for of, rule in holding if of.name == network),
            key=lambda rule: rule.stance is not Stance.REFUSES,
        )
        return (spoken[0].stance is not Stance.REFUSES, spoken[0].rule) if spoken else (True, NO_RULE)

    def serves(self, network: str, carrier: str) -> bool:
        """Does a network serve a carrier? One that names none serves all. So does any network where no file has the
        name: an installation may call a carrier as it likes, and nobody can tell which it is."""
        served = self[network].carriers
        return not served or carrier in served or carrier not in self._carriers

    def is_another(self, known: str | None, carrier: str) -> bool:
        """Is `carrier` certainly not the one that a number is known to be of?"""
        return known is not None and carrier != known and carrier in self._carriers

    def day_of(self, platform: str, now: datetime) -> date:
        """The day that it is for a platform."""
        return now.astimezone(self.zone_of(platform)).date()

    def zone_of(self, platform: str) -> ZoneInfo:
        """A platform's time zone, by the rules that name it; else the one that the networks are of."""
        return self._zones.get(platform, self._zone)

    def quarrel(self) -> str | None:
        """What keeps the networks from being of one mind, if anything does."""
        named = [(f"{network.name}/{segment.carrier}", span) for network, segment, span in self._ranges]
        named += [(f"{network.name}/test_number", span) for network, span in self._made_up]
        for (mine, numbers), (theirs, others) in combinations(named, 2):
            if numbers.overlaps(others):
                return f"{mine} and {theirs} overlap at {_first_common(numbers, others)}"
        for one, other in pairwise(self.values()):
            if one.zone != other.zone:
                return f"{one.name} and {other.name} are of different time zones for platforms that no rule names"
        for platform in sorted({rule.platform for _, rule in self._rules}):
            zones: set[ZoneInfo] = {rule.zone for rule in self._rules_of(platform)}
            if len(zones) > 1:
                return f"the rules of platform {platform} are of different time zones"
        return None

    def _rules_of(self, platform: str) -> Iterator[PlatformRule]:
        return (rule for _, rule in self._rules if rule.platform == platform)


def _first_common(one: NumberRange, other: NumberRange) -> str:
    return max(one.number(one.first), other.number(other.first))
