"""Calls and messages. Its Vault identity opens phones and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Flask

from vault_gateway.duties.parts import Parts
from vault_gateway.housekeeping import Chore
from vault_gateway.keys import RelayKeys
from vault_gateway.model import Clock
from vault_gateway.notices.http import notices_blueprint
from vault_gateway.notices.providers import Provider, TwilioMessages, Webhook
from vault_gateway.notices.sender import NoticeSender
from vault_gateway.notices.service import NoticeService
from vault_gateway.relay.capacity import PoolService
from vault_gateway.relay.debts import Debts
from vault_gateway.relay.guessing import Guesses
from vault_gateway.relay.http import relay_blueprint
from vault_gateway.relay.pairs import PairService
from vault_gateway.relay.records import RecordService
from vault_gateway.relay.removing import remove_old as remove_old_relay_records
from vault_gateway.relay.routing import RoutingService
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.pool import sweep_all as sweep_pool
from vault_gateway.relay.twilio.http import Twilio, TwilioAccount, twilio_blueprint
from vault_gateway.relay.twilio.sms import MessageService
from vault_gateway.relay.twilio.voice import VoiceService
from vault_gateway.settings.model import Settings
from vault_gateway.waybills.relay_http import parcel_relay_blueprint
from vault_gateway.waybills.relaying import ParcelRelay


def relay(app: Flask, parts: Parts) -> Mapping[str, Chore]:
    ledger, clock = parts.ledger, parts.clock
    keys = RelayKeys(parts.vault, parts.credential("relay"))
    debts = Debts(ledger, clock, parts.settings.unrecorded_routes)
    routing = RoutingService(ledger, keys, Guesses(parts.limits), debts, clock)
    numbers = RelayService(clock, parts.rules.relay_periods)
    pairs = PairService(keys, numbers, clock, parts.rules.relay_periods)
    parcels = ParcelRelay(ledger, numbers, pairs, keys, clock)
    records, pool = RecordService(ledger, keys, clock), PoolService(ledger, clock)
    app.register_blueprint(relay_blueprint(routing, records, pool))
    app.register_blueprint(parcel_relay_blueprint(parcels, parts.request_keys()))
    app.register_blueprint(_twilio(parts, routing, records))
    _notices(app, parts, keys)
    return {
        "relay_rest": lambda conn: sweep_pool(conn, clock()),
        "relay_pool": pool.measure,
        "relay_records": lambda conn: remove_old_relay_records(conn, parts.rules.relay_periods().kept, clock),
    }


def _twilio(parts: Parts, routing: RoutingService, records: RecordService) -> Blueprint:
    """There without an account too, and then nothing to be found in it."""
    settings = parts.settings
    base = (settings.twilio_url or settings.public_url).rstrip("/")
    account = None
    if settings.twilio_telecom is not None:
        sid, token = settings.twilio_account_sid or "", settings.twilio_auth_token or ""
        account = TwilioAccount(sid, token, settings.twilio_telecom, base)
    return twilio_blueprint(
        Twilio(account, parts.database, parts.limits),
        VoiceService(routing, records, base, parts.clock),
        MessageService(routing, records, base, parts.clock),
    )


def _notices(app: Flask, parts: Parts, keys: RelayKeys) -> None:
    """Messages to recipients: asked for here, and sent by a thread of this process where there is a provider."""
    templates = parts.rules.templates
    provider = _provider(parts.settings, parts.clock)
    wake = None
    if provider is not None:
        sender = NoticeSender(parts.database, parts.ledger, keys, templates, provider, parts.clock)
        wake = sender.wake
        app.extensions["notices"] = sender
        sender.start()
    service = NoticeService(parts.ledger, templates, parts.clock, wake)
    app.register_blueprint(notices_blueprint(service, parts.request_keys()))


def _provider(settings: Settings, clock: Clock) -> Provider | None:
    """The settings have seen to it that what belongs together is there."""
    if settings.notice_provider == "webhook":
        url, secret = settings.notice_webhook_url or "", settings.notice_webhook_secret or ""
        return Webhook(url, secret, clock, settings.notice_ca)
    if settings.notice_provider == "twilio":
        account, sender = settings.twilio_account_sid or "", settings.twilio_from or ""
        url, token = settings.twilio_api_url or "", settings.twilio_auth_token or ""
        return TwilioMessages(url, account, token, sender, settings.notice_ca)
    return None
