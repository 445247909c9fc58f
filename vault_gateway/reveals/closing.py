"""What becomes of a grant after it was issued: acknowledged, revoked, or just looked at."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.reveals import machine, store
from vault_gateway.reveals.grants import about, closed, locate, open_grant, view_of
from vault_gateway.reveals.machine import Grant, State


class Closer:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def acknowledge(self, caller: Caller, reveal: str, ack_code: str) -> dict[str, Any]:
        """The holder has the values: `delivered`. Again with a right code: the same answer."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.ack")
            located = locate(unit, reveal, event)
            grant = open_grant(unit, located, event, lock="update")
            event = about(event, grant)
            if not _is_code_of(grant, ack_code):
                answer = GatewayError("ack_code_wrong", 422, "This is not the ack_code of this reveal.")
                raise refused(event, answer, reason="ack_code_wrong")
            if grant.state is not State.DELIVERED:
                if not machine.may_acknowledge(grant):
                    raise refused(event, closed(), reason=f"closed_{grant.state.value}")
                grant = self._close(unit, located.tenant, grant, State.DELIVERED, event)
        return view_of(grant, self._clock())

    def revoke(self, caller: Caller, reveal: str) -> dict[str, Any]:
        """Calls a grant back, by its carrier or an operator; 409 `reveal_closed` once it is over. What was
        released before stays counted: `released` tells whether the values may be out."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.revoke")
            located = locate(unit, reveal, event)
            grant = open_grant(unit, located, event, lock="update")
            event = about(event, grant)
            now = self._clock()
            if not machine.may_revoke(grant, now):
                reason = f"closed_{machine.state_at(grant, now).value}"
                raise refused(event, closed(), reason=reason)
            grant = self._close(unit, located.tenant, grant, State.REVOKED, event)
        return view_of(grant, self._clock())

    def view(self, caller: Caller, reveal: str) -> dict[str, Any]:
        """State only. Reading never opens anything."""
        with self._ledger.open(caller) as unit:
            event = Event("reveal.read")
            grant = open_grant(unit, locate(unit, reveal, event, lock="share"), event, lock="share")
            return view_of(grant, self._clock())

    def _close(self, unit: Unit, tenant: Tenant, grant: Grant, state: State, event: Event) -> Grant:
        store.close(unit.recording(event), tenant.id, grant.id, state, self._clock())
        metrics.REVEALS.labels(state.value).inc()
        return replace(grant, state=state)


def _is_code_of(grant: Grant, ack_code: str) -> bool:
    """Every stored digest is compared, each in constant time: time does not tell which release a code is of."""
    digest = hashlib.sha256(ack_code.encode()).digest()
    same = [hmac.compare_digest(digest, stored) for stored in grant.ack_digests]
    return any(same)
