"""Issuing a grant: who may, for what, which fields, and how often in a parcel's life."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.ids import new_id
from vault_gateway.inforce import InForce
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.relay.records import contact_is_open
from vault_gateway.reveals import machine, store
from vault_gateway.reveals.claiming import Attempt
from vault_gateway.reveals.counting import RevealCounts
from vault_gateway.reveals.grants import (
    about,
    context_of,
    forbidden,
    locate,
    open_grant,
    require_reveal,
    resource_of_grant,
    reveal_text,
)
from vault_gateway.reveals.machine import Grant, State
from vault_gateway.reveals.purposes import Purpose, Purposes, token_of
from vault_gateway.tokens import store as token_store
from vault_gateway.waybills.finding import find, resource_of
from vault_gateway.waybills.waybill import Waybill

# Of a limit for life nothing comes back by waiting: whoever asks again all the same does it no more than daily.
_NO_SOONER_S = 86_400


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """`fields` None asks for all that the purpose allows. `public_key`: 32 bytes, fixes who can claim."""

    waybill_no: str
    purpose: str
    fields: tuple[str, ...] | None = None
    public_key: bytes | None = None


class Issuer:
    def __init__(
        self, ledger: Ledger, purposes: InForce[Purposes], counts: RevealCounts, clock: Clock, *, ttl_s: int
    ) -> None:
        self._ledger = ledger
        self._purposes = purposes
        self._counts = counts
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)

    def issue(
        self, caller: Caller, wanted: RevealRequest, key: RequestKey | None, *, claim: bool = False
    ) -> tuple[Grant, Attempt | None]:
        """A grant for the assigned courier (for `sort`: the station that holds the parcel). With `claim` it is claimed
        in the same transaction, if the policies let the caller: what may be decrypted then.

        404 where the parcel is not the caller's to see, 403 with the reason where it is, 409 `reveal_live`
        while another grant for the same purpose can still be opened, 429 `reveal_limit` after a lifetime's,
        `courier_quota` or `merchant_quota` after a day's.
        With a key that was used before: the grant that was issued then, as it is now.
        """
        event = Event("reveal.issue", purpose=wanted.purpose, fields=wanted.fields or ())
        attempt = None
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return _issued_before(unit, earlier, event), None
            tenant, waybill, _ = find(unit, wanted.waybill_no, event, action="waybill.read", lock="update")
            event = replace(event, waybill=waybill.waybill_no, orders=waybill.orders, carrier=waybill.carrier)
            policies = require_reveal(unit, tenant, waybill, event, wanted.purpose, self._clock())
            event = replace(event, policies=policies)
            # Out for delivery, the handover is what happened to a parcel last.
            if wanted.purpose == "contact" and not contact_is_open(
                unit, tenant, waybill.id, waybill.updated_at, self._clock()
            ):
                raise refused(event, forbidden("contact_closed"), reason="contact_closed")
            grant = self._new_grant(caller, waybill, self._purpose(caller, wanted, event), wanted)
            event = about(event, grant)
            sealed = token_store.sealed_values(unit.conn, tenant.id, grant.tokens, lock=True)
            if len(sealed) != len(grant.tokens):
                raise refused(event, not_found(), reason="erased")
            earlier_grants = self._within_limits(unit, tenant, waybill, grant, event)
            events = [event]
            claimable = self._may_claim(unit, tenant, waybill, grant) if claim else None
            if claimable is not None:
                grant = replace(grant, state=State.CLAIMED, claimed_at=grant.issued_at)
                events.append(about(Event("reveal.claim", policies=claimable), grant))
                attempt = Attempt(caller, tenant, grant, sealed)
            store.insert_grant(unit.conn, tenant.id, grant)
            unit.record_all(events)
            if key is not None:
                keep_answer(unit.conn, key, reveal_text(grant.id), self._clock)
            self._counts.count(unit, tenant.id, grant, earlier_grants, event)
        metrics.REVEALS.labels("issued").inc()
        return grant, attempt

    def _may_claim(
        self, unit: Unit, tenant: Tenant, waybill: Waybill, grant: Grant
    ) -> tuple[str, ...] | None:
        """The policies that permit to claim a new grant as well, as `Claimer` asks them; None where they do not, which
        a claim of its own will tell and record."""
        now = self._clock()
        own = unit.decide("reveal.ack", resource_of_grant(tenant, grant))
        decision = unit.decide("reveal.claim", resource_of(tenant, waybill), context_of(grant.purpose, now))
        if own.allowed and decision.allowed and machine.may_claim(grant, grant.public_key, now):
            return decision.policies
        return None

    def _purpose(self, caller: Caller, wanted: RevealRequest, event: Event) -> Purpose:
        """The purpose, if it is one of the caller's role and covers every field: none is trimmed away."""
        purpose = self._purposes().by_name[wanted.purpose]
        if caller.principal.role not in purpose.roles:
            raise refused(event, forbidden("forbidden"), reason="purpose_not_of_role")
        if not set(wanted.fields or ()) <= set(purpose.fields):
            answer = GatewayError(
                "field_not_allowed", 403, "The purpose does not need a field that was asked for."
            )
            raise refused(event, answer, reason="field_not_allowed", policies=tuple(event.policies))
        return purpose

    def _new_grant(self, caller: Caller, waybill: Waybill, purpose: Purpose, wanted: RevealRequest) -> Grant:
        now = self._clock()
        holder = caller.principal.holder
        assert holder is not None, "the policies permit couriers and stations only"
        fields = tuple(field for field in purpose.fields if wanted.fields is None or field in wanted.fields)
        return Grant(
            id=new_id(now),
            waybill_id=waybill.id,
            waybill_no=waybill.waybill_no,
            orders=waybill.orders,
            carrier=waybill.carrier,
            holder=holder,
            principal=caller.principal.id,
            purpose=purpose.name,
            fields=fields,
            tokens=tuple(dict.fromkeys(token_of(waybill, field) for field in fields)),
            state=State.ISSUED,
            public_key=wanted.public_key,
            released=0,
            ack_digests=(),
            issued_at=now,
            expires_at=now + self._ttl,
        )

    def _within_limits(
        self, unit: Unit, tenant: Tenant, waybill: Waybill, grant: Grant, event: Event
    ) -> list[Grant]:
        """All earlier grants for the parcel or one of its tokens, where they leave room for this one. Exact: the
        waybill's row was locked first, then the tokens' in the order of their ids, then what was granted before. The
        clock is read after that, for no release of an older grant can be under way now."""
        of_waybill = store.grants_of_waybill(unit.conn, tenant.id, waybill.id)
        of_tokens = store.grants_of_tokens(unit.conn, tenant.id, grant.tokens).values()
        now = self._clock()
        if any(_same_purpose(grant, other) and machine.is_live(other, now) for other in of_waybill):
            answer = GatewayError("reveal_live", 409, "A grant for this purpose can still be opened.")
            raise refused(event, answer, reason="reveal_live", policies=tuple(event.policies))
        if _counted(of_waybill, now) >= self._purposes().per_waybill or any(
            _counted(of_token, now) >= self._purposes().per_token for of_token in of_tokens
        ):
            answer = GatewayError(
                "reveal_limit",
                429,
                "This recipient's data was revealed as often as it may be.",
                retry_after=_NO_SOONER_S,
            )
            raise refused(event, answer, reason="reveal_limit", policies=tuple(event.policies))
        return [*of_waybill, *chain.from_iterable(of_tokens)]


def _issued_before(unit: Unit, reveal: str, event: Event) -> Grant:
    located = locate(unit, reveal, event)
    return open_grant(unit, located, event, lock="share", action="reveal.read")


def _counted(grants: list[Grant], now: datetime) -> int:
    return sum(machine.counts(grant, now) for grant in grants)


def _same_purpose(grant: Grant, other: Grant) -> bool:
    return (grant.purpose, grant.holder, grant.carrier) == (other.purpose, other.holder, other.carrier)
