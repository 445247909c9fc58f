"""What a recipient sees by the code on the parcel: which role of which carrier was given what of their data, when and
why. No value is in it, nor who the courier is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vault_gateway.audit.ledger import Ledger
from vault_gateway.console import store
from vault_gateway.database import Row
from vault_gateway.ids import parse_prefixed
from vault_gateway.inforce import InForce
from vault_gateway.networks.verdicts import Networks

PREFIX = "rc_"
MOST = 200

# Of a reveal: who it is that asks for a purpose. All others are asked for by couriers.
_ASKS = {"sort": "station", "break_glass": "responder"}


@dataclass(frozen=True)
class Disclosure:
    """`kind` as receipt_disclosures has it; `at` in the platform's time zone; `who` a role; `carrier` its title, None
    where it is no carrier's; `why` a purpose or a notice's template. Not `confirmed`: it may have been lost."""

    kind: str
    at: datetime
    who: str
    carrier: str | None
    why: str | None
    fields: tuple[str, ...]
    confirmed: bool


@dataclass(frozen=True)
class Receipt:
    waybill_no: str
    network: str
    carrier: str
    state: str
    disclosures: tuple[Disclosure, ...]
    # Are there older ones, beyond MOST?
    more: bool


class ReceiptService:
    def __init__(self, ledger: Ledger, networks: InForce[Networks]) -> None:
        self._ledger = ledger
        self._networks = networks

    def find(self, code: str) -> Receipt | None:
        """None for whatever is no parcel's code. An erased recipient's parcel keeps its page: nothing of theirs is on
        it, and who looked before is theirs to know."""
        if parse_prefixed(PREFIX, code) is None:
            return None
        with self._ledger.look() as conn:
            parcel = store.find_parcel(conn, code)
            if parcel is None:
                return None
            rows = store.find_disclosures(conn, code, MOST + 1)
        network = self._networks().get(parcel["network"])
        titles: Mapping[str, str] = {} if network is None else network.carriers
        zone = self._networks().zone_of(parcel["platform"])

        def disclosure(row: Row) -> Disclosure:
            who = _who(row)
            return Disclosure(
                row["kind"],
                row["at"].astimezone(zone),
                who,
                titles.get(row["carrier"]) or row["carrier"] if who in ("courier", "station") else None,
                row["purpose"],
                tuple(row["fields"]),
                row["confirmed"],
            )

        return Receipt(
            parcel["waybill_no"],
            parcel["network"] if network is None else network.title,
            titles.get(parcel["carrier"]) or parcel["carrier"],
            parcel["state"],
            tuple(disclosure(row) for row in rows[:MOST]),
            len(rows) > MOST,
        )


def _who(row: Row) -> str:
    if row["kind"] == "reveal":
        return _ASKS.get(row["purpose"], "courier")
    return "gateway" if row["kind"] == "notice" else "telecom"
