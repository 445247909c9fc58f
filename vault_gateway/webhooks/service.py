"""Subscribing to parcel events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from vault_gateway.access.resources import webhooks_of
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_allowed, not_found, unavailable
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.ids import base32, new_id, parse_prefixed
from vault_gateway.keys import KeysUnavailable, Tokenizer
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.outside.calling import CallRefused, Outside, require_callable
from vault_gateway.webhooks import store
from vault_gateway.webhooks.store import Owner

PREFIX = "wh_"
MOST_A_OWNER = 10


@dataclass(frozen=True, slots=True)
class Webhook:
    id: UUID
    url: str
    events: Sequence[str] | None
    created_at: datetime
    waiting: int = 0
    dead: int = 0

    @property
    def text(self) -> str:
        return PREFIX + base32(self.id)


class WebhookService:
    def __init__(self, ledger: Ledger, tokenizer: Tokenizer, outside: Outside, clock: Clock) -> None:
        self._ledger = ledger
        self._tokenizer = tokenizer
        self._outside = outside
        self._clock = clock

    def create(
        self, caller: Caller, url: str, events: Sequence[str] | None, key: RequestKey | None
    ) -> tuple[Webhook, bytes]:
        """The webhook and the secret that signs its events, which no later answer shows."""
        event, owner = self._enter(caller, "webhook.create")
        try:
            require_callable(url, self._outside)
        except CallRefused:
            raise _url_refused() from None
        now = self._clock()
        webhook = Webhook(new_id(now), url, events, now)
        # First, for a webhook whose secret nobody was told is none; and no transaction waits for Vault.
        secret = self._secret(webhook.id)
        with self._ledger.open(caller, _tenant(owner)) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is None:
                self._keep(unit, owner, webhook, event)
                if key is not None:
                    keep_answer(unit.conn, key, str(webhook.id), self._clock)
                return webhook, secret
            webhook = _earlier(unit, earlier)
        return webhook, self._secret(webhook.id)

    def list(self, caller: Caller) -> list[Webhook]:
        _, owner = self._enter(caller, "webhook.list")
        with self._ledger.open(caller, _tenant(owner)) as unit:
            return [Webhook(**row) for row in store.list_webhooks(unit.conn, owner)]

    def remove(self, caller: Caller, text: str) -> None:
        event, owner = self._enter(caller, "webhook.remove")
        webhook_id = parse_prefixed(PREFIX, text)
        with self._ledger.open(caller, _tenant(owner)) as unit:
            if webhook_id is None or not store.remove_webhook(unit.conn, owner, webhook_id, self._clock()):
                raise refused(event, not_found(), reason="unknown_webhook")
            unit.record(replace(event, resource=f"webhook:{text}"))

    def _enter(self, caller: Caller, action: str) -> tuple[Event, Owner]:
        owner = Owner(caller.principal.platform or "-", caller.principal.merchant)
        event = Event(action)
        resource = webhooks_of(owner.platform, owner.merchant)
        return replace(event, policies=self._ledger.require(caller, event, resource, not_allowed())), owner

    def _keep(self, unit: Unit, owner: Owner, webhook: Webhook, event: Event) -> None:
        if not store.insert_webhook(
            unit.conn, webhook.id, owner, webhook.url, webhook.events, webhook.created_at, most=MOST_A_OWNER
        ):
            raise GatewayError(
                "webhook_limit", 422, f"There are {MOST_A_OWNER} webhooks already: remove one."
            )
        unit.record(replace(event, resource=f"webhook:{webhook.text}"))

    def _secret(self, webhook_id: UUID) -> bytes:
        try:
            return self._tokenizer.webhook_secret(webhook_id)
        except KeysUnavailable:
            raise unavailable("vault") from None


def _earlier(unit: Unit, stored: str) -> Webhook:
    row = store.get_webhook(unit.conn, UUID(stored))
    if row is None:
        raise LookupError("a stored answer names a webhook that is not there")
    return Webhook(**row)


def _tenant(owner: Owner) -> Tenant | None:
    return None if owner.merchant is None else Tenant(owner.platform, owner.merchant)


def _url_refused() -> GatewayError:
    return GatewayError(
        "webhook_url_refused", 422, "The URL is https://HOST[:PORT]/PATH, without user and fragment."
    )
