"""Numbers for new waybills: the merchant's own, else of its granted segment, else by the network's test rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError
from vault_gateway.model import Tenant
from vault_gateway.networks import store as segment_store
from vault_gateway.networks.issuing import SegmentIssuer
from vault_gateway.networks.store import Account
from vault_gateway.networks.verdicts import Networks
from vault_gateway.waybills.accepting import unusable
from vault_gateway.waybills.store.numbers import take_numbers
from vault_gateway.waybills.store.sheets import Sheet
from vault_gateway.waybills.waybill import Waybill

_TRIES_FOR_A_FREE_NUMBER = 5
IN_A_SEGMENT = "numbers of a granted segment are issued here, not brought"


class Wanted(Protocol):
    """What an order says of its number."""

    @property
    def waybill_no(self) -> str | None: ...

    @property
    def branch(self) -> str | None: ...


Drafts = Mapping[int, Waybill]
Answers = dict[int, Sheet | GatewayError]


class Numbering:
    def __init__(self, issuer: SegmentIssuer) -> None:
        self._issuer = issuer

    def number(
        self, unit: Unit, tenant: Tenant, orders: Sequence[Wanted], drafts: Drafts, networks: Networks
    ) -> Answers:
        """For each draft, by the place of its order: its sheet, with a number that no other living parcel has, or the
        reason why there is none."""
        own = {at: draft for at, draft in drafts.items() if orders[at].waybill_no is not None}
        answers = _enter(unit, tenant, _brought(unit, own))
        wanting = {at: draft for at, draft in drafts.items() if at not in own}
        for _ in range(_TRIES_FOR_A_FREE_NUMBER):
            if not wanting:
                break
            answers |= _enter(unit, tenant, self._choose(unit, tenant, orders, wanting, networks))
            wanting = {at: draft for at, draft in wanting.items() if _may_try_again(answers[at])}
        return answers

    def _choose(
        self, unit: Unit, tenant: Tenant, orders: Sequence[Wanted], drafts: Drafts, networks: Networks
    ) -> Answers:
        by_name: dict[tuple[str, str, str | None], list[int]] = {}
        for at, draft in drafts.items():
            by_name.setdefault((draft.network, draft.carrier, orders[at].branch), []).append(at)
        by_account = {Account(tenant.id, *name): places for name, places in by_name.items()}
        issued = self._issuer.issue(
            unit, tenant.id, {account: len(places) for account, places in by_account.items()}
        )
        answers: Answers = {}
        for account, places in by_account.items():
            numbers = iter(issued.get(account, ()))
            for at in places:
                if (one := next(numbers, None)) is not None:
                    answers[at] = Sheet(replace(drafts[at], waybill_no=one.number), "segment", one)
                elif account not in issued and account.branch is None:
                    made_up = networks[account.network].test_number()
                    answers[at] = Sheet(replace(drafts[at], waybill_no=made_up), "test")
                else:
                    answers[at] = _exhausted()
        return answers


def _brought(unit: Unit, own: Drafts) -> Answers:
    granted = (
        segment_store.granted_at_all(unit.conn, [draft.waybill_no for draft in own.values()]) if own else ()
    )
    return {
        at: unusable(IN_A_SEGMENT) if draft.waybill_no in granted else Sheet(draft, "own")
        for at, draft in own.items()
    }


def _enter(unit: Unit, tenant: Tenant, answers: Answers) -> Answers:
    """Enters the numbers; those that a living parcel has are answered so."""
    waybills = [sheet.waybill for sheet in answers.values() if isinstance(sheet, Sheet)]
    taken = take_numbers(unit.conn, tenant.id, waybills) if waybills else set()
    if not taken:
        return answers
    return {
        at: _in_use() if isinstance(one, Sheet) and one.waybill.id in taken else one
        for at, one in answers.items()
    }


def _may_try_again(answer: Sheet | GatewayError) -> bool:
    return isinstance(answer, GatewayError) and answer.code != _exhausted().code


def _in_use() -> GatewayError:
    return GatewayError("waybill_no_unusable", 422, "This waybill number cannot be used.")


def _exhausted() -> GatewayError:
    return GatewayError(
        "segment_exhausted", 422, "No number is left in the segments that were granted for this."
    )
