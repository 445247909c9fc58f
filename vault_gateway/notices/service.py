"""Asking for a message to a recipient, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from vault_gateway.access.resources import notice_resource
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.ids import base32, new_id, parse_prefixed
from vault_gateway.inforce import InForce
from vault_gateway.model import Caller, Clock, rfc3339
from vault_gateway.notices import store
from vault_gateway.notices.store import Notice
from vault_gateway.notices.templates import Template
from vault_gateway.tokens import store as token_store
from vault_gateway.waybills.finding import about, find

NOTICE_PREFIX = "nt_"
MOST_A_PARCEL = 10


class NoticeService:
    """`wake` is called when there is something to send; None where this installation has no provider."""

    def __init__(
        self,
        ledger: Ledger,
        templates: InForce[Mapping[str, Template]],
        clock: Clock,
        wake: Callable[[], None] | None,
    ) -> None:
        self._ledger = ledger
        self._templates = templates
        self._clock = clock
        self._wake = wake

    def send(
        self,
        caller: Caller,
        waybill_no: str,
        template_name: str,
        language: str,
        params: Mapping[str, object],
        key: RequestKey | None,
    ) -> Notice:
        """Puts a notice into the queue. 422 for a template or parameter that there is not, 409 `notices_used_up`
        when the parcel has had as many as one may."""
        template = self._templates().get(template_name)
        if template is None:
            raise GatewayError("template_unknown", 422, "There is no such template.")
        taken = template.take(params)
        event = Event("notice.send", detail={"template": template.name})
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            tenant, waybill, policies = find(unit, waybill_no, event, lock="update")
            if earlier is not None:
                return self._earlier(store.get_notice(unit.conn, UUID(earlier)))
            event = about(replace(event, policies=policies), waybill)
            if self._wake is None:
                answer = GatewayError("notices_off", 409, "This installation has no provider for notices.")
                raise refused(event, answer, reason="notices_off")
            if store.count_of_waybill(unit.conn, waybill.id) >= MOST_A_PARCEL:
                answer = GatewayError(
                    "notices_used_up", 409, "The parcel has had as many notices as one may."
                )
                raise refused(event, answer, reason="notices_used_up")
            phone = waybill.recipient.phone
            if phone not in token_store.find_views(unit.conn, tenant.id, [phone]):
                raise refused(event, not_found(), reason="erased")
            now = self._clock()
            notice = Notice(
                id=new_id(now),
                tenant_id=tenant.id,
                waybill_id=waybill.id,
                waybill_no=waybill.waybill_no,
                carrier=waybill.carrier,
                template=template.name,
                language=language,
                params=taken,
                sender=caller.principal,
                state="queued",
                reason=None,
                tries=0,
                created_at=now,
                updated_at=now,
            )
            store.insert_notice(unit.conn, notice)
            unit.record(replace(event, resource=f"notice:{public_id(notice)}"))
            if key is not None:
                keep_answer(unit.conn, key, str(notice.id), self._clock)
        self._wake()
        return notice

    def _earlier(self, notice: Notice | None) -> Notice:
        if notice is None:
            raise LookupError("a stored answer names a notice that is not there")
        return replace(notice, state="queued", reason=None, tries=0, updated_at=notice.created_at)

    def view(self, caller: Caller, text: str) -> Notice:
        """A notice for whoever sent it and for its carrier; the 404 of an unknown id for all others."""
        notice_id = parse_prefixed(NOTICE_PREFIX, text)
        event = Event("notice.read", resource=None if notice_id is None else f"notice:{text}")
        with self._ledger.open(caller) as unit:
            notice = None if notice_id is None else store.get_notice(unit.conn, notice_id)
            if notice is None:
                raise refused(event, not_found(), reason="unknown_notice")
            resource = notice_resource(text, carrier=notice.carrier, holder=notice.sender.holder)
            unit.require(event, resource, not_found())
            return notice


def public_id(notice: Notice) -> str:
    return NOTICE_PREFIX + base32(notice.id)


def view_of(notice: Notice) -> dict[str, Any]:
    """`{notice_id, waybill_no, template, language, state, reason?, tries, created_at, updated_at}`."""
    view: dict[str, Any] = {
        "notice_id": public_id(notice),
        "waybill_no": notice.waybill_no,
        "template": notice.template,
        "language": notice.language,
        "state": notice.state,
        "tries": notice.tries,
        "created_at": rfc3339(notice.created_at),
        "updated_at": rfc3339(notice.updated_at),
    }
    if notice.reason is not None:
        view["reason"] = notice.reason
    return view
