"""The only place that wires the rooms together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Flask

from vault_gateway.audit import store as audit_store
from vault_gateway.audit.http import audit_blueprint
from vault_gateway.audit.ledger import Ledger
from vault_gateway.audit.service import AuditService
from vault_gateway.couriers.http import couriers_blueprint
from vault_gateway.couriers.listing import CourierList
from vault_gateway.couriers.resuming import Resumption
from vault_gateway.couriers.service import CourierService
from vault_gateway.couriers.watch import CourierWatch
from vault_gateway.database import Database, require_current_schema, require_role_of_reveals
from vault_gateway.documentation import documentation_blueprint
from vault_gateway.edge import Edge
from vault_gateway.flows.counting import FlowCounter
from vault_gateway.flows.http import flows_blueprint
from vault_gateway.flows.service import FlowService
from vault_gateway.flows.showing import keep_showing
from vault_gateway.forwarded import parse_networks
from vault_gateway.health import health_blueprint
from vault_gateway.housekeeping import Duty, keep_house
from vault_gateway.idempotency import RequestKeys, forget_old
from vault_gateway.identity.keyring import keyring
from vault_gateway.identity.tenants import TenantRegistry
from vault_gateway.keys import Credential, RelayKeys, Revealer, Tokenizer, Vault
from vault_gateway.labels.http import labels_blueprint
from vault_gateway.labels.service import LabelService
from vault_gateway.limits import Limits
from vault_gateway.model import Clock, utc_now
from vault_gateway.networks.http import networks_blueprint
from vault_gateway.networks.service import SegmentService
from vault_gateway.notices.http import notices_blueprint
from vault_gateway.notices.providers import Provider, TwilioMessages, Webhook
from vault_gateway.notices.sender import NoticeSender
from vault_gateway.notices.service import NoticeService
from vault_gateway.outside.calling import outside
from vault_gateway.rates import Rates
from vault_gateway.relay.capacity import PoolService
from vault_gateway.relay.http import relay_blueprint
from vault_gateway.relay.pairs import PairService
from vault_gateway.relay.records import RecordService
from vault_gateway.relay.removing import remove_old as remove_old_relay_records
from vault_gateway.relay.routing import RoutingService
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.relay.store.pool import sweep_all as sweep_pool
from vault_gateway.relay.twilio.http import Twilio, TwilioAccount, twilio_blueprint
from vault_gateway.relay.twilio.sms import MessageService
from vault_gateway.relay.twilio.voice import VoiceService
from vault_gateway.reveals.breakglass.http import break_glass_blueprint
from vault_gateway.reveals.breakglass.service import BreakGlassService
from vault_gateway.reveals.counting import RevealCounts
from vault_gateway.reveals.http import reveals_blueprint
from vault_gateway.reveals.service import RevealService
from vault_gateway.routes.http import routes_blueprint
from vault_gateway.routes.service import RouteService
from vault_gateway.rules import RulesInForce, load_rules
from vault_gateway.settings.model import Settings, SettingsError
from vault_gateway.tokens.http import tokens_blueprint
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.service import TokenService
from vault_gateway.tokens.store import keep_partitions_ahead
from vault_gateway.usage import store as usage_store
from vault_gateway.usage.counting import SheetCounter
from vault_gateway.usage.http import usage_blueprint
from vault_gateway.usage.service import UsageService
from vault_gateway.waybills.counter import CounterService
from vault_gateway.waybills.counter_http import counter_blueprint
from vault_gateway.waybills.http import waybills_blueprint
from vault_gateway.waybills.lists import WaybillLists
from vault_gateway.waybills.relay_http import parcel_relay_blueprint
from vault_gateway.waybills.relaying import ParcelRelay
from vault_gateway.waybills.service import WaybillService
from vault_gateway.webhooks.http import webhooks_blueprint
from vault_gateway.webhooks.outbox import Outbox
from vault_gateway.webhooks.sending import Sender
from vault_gateway.webhooks.sending import tidy as tidy_webhooks
from vault_gateway.webhooks.service import WebhookService


@dataclass(frozen=True)
class Parts:
    """What every duty stands on."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    limits: Limits
    ledger: Ledger
    rules: RulesInForce
    watch: CourierWatch

    def rates(self) -> Rates:
        return Rates(self.limits, self.rules.quotas)

    def credential(self, identity: str) -> Credential:
        """An identity that a duty of this node needs; one that it does not need is never asked for."""
        found = self.settings.identities.get(identity)
        if found is None:
            raise SettingsError(f"VAULT_GATEWAY_{identity.upper()}_ROLE_ID and _SECRET_ID are not set")
        return found

    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.vault, self.credential("tokenizer"))

    def request_keys(self) -> RequestKeys:
        return RequestKeys(self.tokenizer())


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Flask:
    """The gateway as a WSGI application, with the duties that the settings give it. Raises at once for what would
    only fail later: policies, masks, networks, identities, the schema of the database."""
    _require_needed_identities_only(settings)
    rules = RulesInForce(load_rules(settings.policies))
    database = Database(settings.database_url, max_connections=settings.database_connections)
    database.open()
    with database.connection() as conn:
        require_current_schema(conn)
        if "reveal" in settings.duties:
            require_role_of_reveals(conn)
    vault = Vault(
        settings.vault_addr,
        ca_file=settings.vault_ca,
        batch_items=settings.vault_batch_items,
        connections=settings.threads,
    )
    limits = Limits(settings.redis_url)
    watch = CourierWatch(rules.quotas, clock)
    ledger = Ledger(database, rules.access, clock, on_denial=watch.denied)
    parts = Parts(settings, clock, database, vault, limits, ledger, rules, watch)

    app = Flask("vault_gateway", static_folder=None)
    app.extensions["rules"] = rules
    app.extensions["database"] = database
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    Edge(
        keyring(settings, database, clock),
        limits,
        client_rate=settings.client_rate,
        failed_logins=settings.failed_logins,
        trusted_proxies=parse_networks(settings.trusted_proxies),
        # Not the rooms that disclose something: they fail closed.
        without_redis=("tokens", "waybills", "labels", "networks", "routes", "couriers", "audit"),
    ).install(app)
    chores: dict[str, Duty] = {"idempotency": lambda conn: forget_old(conn, clock)}
    for duty in settings.duties:
        chores |= DUTIES[duty](app, parts)
    several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    app.register_blueprint(health_blueprint(database, vault, limits, multiprocess_metrics=several))
    app.register_blueprint(documentation_blueprint())
    keep_house(database, chores)
    return app


def _require_needed_identities_only(settings: Settings) -> None:
    """Who takes over a node without the duty must find no identity on it that decrypts."""
    for identity, duty in (("revealer", "reveal"), ("relay", "relay")):
        if identity in settings.identities and duty not in settings.duties:
            raise SettingsError(
                f"this node has no duty {duty}: take VAULT_GATEWAY_{identity.upper()}_ROLE_ID and _SECRET_ID away"
            )


def _tokenize(app: Flask, parts: Parts) -> Mapping[str, Duty]:
    """Values in, tokens out; waybills and couriers. Nothing here can decrypt."""
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    networks = parts.rules.networks
    normaliser = Normaliser(parts.rules.masks)
    tenants, request_keys, relay = (
        TenantRegistry(clock),
        parts.request_keys(),
        RelayService(clock, parts.rules.retention),
    )
    tokens = TokenService(
        ledger,
        parts.tokenizer(),
        normaliser,
        tenants,
        clock,
        missed_searches_a_day=settings.missed_searches_a_day,
        on_erased=lambda unit, tenant, token: relay.release_of_phone(unit, Phone(tenant.id, token)),
    )
    watchers = (SheetCounter(networks), FlowCounter(networks), Outbox(clock))
    waybills = WaybillService(ledger, tenants, networks, relay, clock, watchers)
    couriers = CourierService(ledger, tokens, normaliser, relay, clock)
    app.register_blueprint(tokens_blueprint(tokens, request_keys, parts.rates()))
    app.register_blueprint(waybills_blueprint(waybills, WaybillLists(ledger, clock), request_keys))
    app.register_blueprint(networks_blueprint(SegmentService(ledger)))
    app.register_blueprint(
        couriers_blueprint(
            couriers, CourierList(ledger), Resumption(ledger, parts.rules.quotas, clock), request_keys
        )
    )
    app.register_blueprint(counter_blueprint(CounterService(ledger, parts.limits, clock)))
    app.register_blueprint(routes_blueprint(RouteService(ledger, clock), request_keys))
    app.register_blueprint(labels_blueprint(LabelService(ledger, networks, settings.public_url, clock)))
    receivers = outside(settings.webhook_internal_hosts, settings.webhook_ca)
    webhooks = WebhookService(ledger, parts.tokenizer(), receivers, clock)
    app.register_blueprint(webhooks_blueprint(webhooks, request_keys))
    Sender(parts.database, parts.tokenizer(), receivers, clock).start(settings.webhook_senders)
    app.register_blueprint(usage_blueprint(UsageService(ledger, networks)))
    app.register_blueprint(flows_blueprint(FlowService(ledger)))
    if settings.fold_every_s:
        folding: dict[str, Duty] = {
            "usage": usage_store.fold,
            "flows": lambda conn: keep_showing(conn, clock()),
        }
        keep_house(parts.database, folding, every_s=settings.fold_every_s)
    return {
        "token_partitions": keep_partitions_ahead,
        "webhooks": lambda conn: tidy_webhooks(conn, clock),
    }


def _reveal(app: Flask, parts: Parts) -> Mapping[str, Duty]:
    """The only duty whose Vault identity opens names and addresses."""
    revealer = Revealer(parts.vault, parts.credential("revealer"))
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    reveals = RevealService(
        ledger,
        revealer,
        parts.rules.purposes,
        RevealCounts(parts.rules.quotas, parts.watch, clock),
        clock,
        ttl_s=settings.reveal_ttl_s,
    )
    break_glass = BreakGlassService(
        ledger, clock, ttl_s=settings.break_glass_ttl_s, a_day=settings.break_glass_a_day
    )
    app.register_blueprint(reveals_blueprint(reveals, parts.request_keys(), parts.rates()))
    app.register_blueprint(break_glass_blueprint(break_glass))
    return {"courier_days": parts.watch.forget}


def _relay(app: Flask, parts: Parts) -> Mapping[str, Duty]:
    """Calls and messages. Its Vault identity opens phones and nothing else."""
    ledger, clock = parts.ledger, parts.clock
    keys = RelayKeys(parts.vault, parts.credential("relay"))
    routing = RoutingService(
        ledger, keys, parts.limits, clock, unrecorded_routes=parts.settings.unrecorded_routes
    )
    parcels = ParcelRelay(
        ledger,
        RelayService(clock, parts.rules.retention),
        PairService(keys, clock, parts.rules.retention),
        keys,
        clock,
    )
    records, pool = RecordService(ledger, keys, clock), PoolService(ledger, clock)
    app.register_blueprint(relay_blueprint(routing, records, pool))
    app.register_blueprint(parcel_relay_blueprint(parcels))
    app.register_blueprint(_twilio(parts, routing, records))
    _notices(app, parts, keys)
    return {
        "relay_rest": lambda conn: sweep_pool(conn, clock()),
        "relay_pool": pool.measure,
        "relay_records": lambda conn: remove_old_relay_records(conn, parts.rules.retention().kept, clock),
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


def _audit(app: Flask, parts: Parts) -> Mapping[str, Duty]:
    app.register_blueprint(audit_blueprint(AuditService(parts.ledger)))
    return {"audit_partitions": audit_store.keep_partitions_ahead}


DUTIES: Mapping[str, Callable[[Flask, Parts], Mapping[str, Duty]]] = {
    "tokenize": _tokenize,
    "reveal": _reveal,
    "relay": _relay,
    "audit": _audit,
}
