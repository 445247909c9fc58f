"""Values in, tokens out; waybills, couriers, labels and what is told of them. Nothing here can decrypt."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from vault_gateway.couriers.http import couriers_blueprint
from vault_gateway.couriers.listing import CourierList
from vault_gateway.couriers.resuming import Resumption
from vault_gateway.couriers.service import CourierService
from vault_gateway.duties.parts import Parts
from vault_gateway.flows.counting import FlowCounter
from vault_gateway.flows.http import flows_blueprint
from vault_gateway.flows.removing import remove_old as remove_old_flows
from vault_gateway.flows.service import FlowService
from vault_gateway.flows.showing import keep_showing
from vault_gateway.housekeeping import Chore, keep_house
from vault_gateway.idempotency import RequestKeys
from vault_gateway.identity.tenants import TenantRegistry
from vault_gateway.labels.http import labels_blueprint
from vault_gateway.labels.service import LabelService
from vault_gateway.networks.http import networks_blueprint
from vault_gateway.networks.issuing import SegmentIssuer
from vault_gateway.networks.service import SegmentService
from vault_gateway.outside.calling import outside
from vault_gateway.relay.own_phones import OwnPhones
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.routes.http import routes_blueprint
from vault_gateway.routes.service import RouteService
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
from vault_gateway.waybills.creating import WaybillMaker
from vault_gateway.waybills.http import waybills_blueprint
from vault_gateway.waybills.lists import WaybillLists
from vault_gateway.waybills.moving import WaybillMover
from vault_gateway.waybills.numbering import Numbering
from vault_gateway.waybills.service import WaybillService
from vault_gateway.webhooks.http import webhooks_blueprint
from vault_gateway.webhooks.outbox import Outbox
from vault_gateway.webhooks.sending import Sender
from vault_gateway.webhooks.sending import tidy as tidy_webhooks
from vault_gateway.webhooks.service import WebhookService


def tokenize(app: Flask, parts: Parts) -> Mapping[str, Chore]:
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    networks = parts.rules.networks
    normaliser = Normaliser(parts.rules.masks)
    tenants, request_keys = TenantRegistry(clock), parts.request_keys()
    relay = RelayService(clock, parts.rules.relay_periods)
    tokens = TokenService(
        ledger,
        parts.tokenizer(),
        normaliser,
        tenants,
        clock,
        missed_searches_a_day=settings.missed_searches_a_day,
        on_erased=lambda unit, tenant, token: relay.release_of_phone(unit, Phone(tenant.id, token)),
    )
    watchers = (SheetCounter(), FlowCounter(networks), Outbox(clock))
    issuer = SegmentIssuer(networks, clock)
    maker = WaybillMaker(ledger, tenants, networks, Numbering(issuer), relay, clock, watchers)
    mover = WaybillMover(ledger, relay, issuer, clock, watchers)
    waybills = WaybillService(ledger, maker, mover, clock)
    couriers = CourierService(ledger, OwnPhones(tokens, normaliser, relay), clock)
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
    _tell(app, parts, request_keys)
    return {
        "token_partitions": keep_partitions_ahead,
        "webhooks": lambda conn: tidy_webhooks(conn, clock),
        "flow_records": lambda conn: remove_old_flows(conn, parts.rules.flows_kept(), clock),
    }


def _tell(app: Flask, parts: Parts, request_keys: RequestKeys) -> None:
    """What merchants and platforms are told of parcels: event by event, in sheets and in flows."""
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    receivers = outside(settings.webhook_internal_hosts, settings.webhook_ca)
    webhooks = WebhookService(ledger, parts.tokenizer(), receivers, clock)
    app.register_blueprint(webhooks_blueprint(webhooks, request_keys))
    Sender(parts.database, parts.tokenizer(), receivers, clock).start(settings.webhook_senders)
    app.register_blueprint(usage_blueprint(UsageService(ledger, parts.rules.networks)))
    app.register_blueprint(flows_blueprint(FlowService(ledger)))
    if settings.fold_every_s:
        folding: dict[str, Chore] = {
            "usage": usage_store.fold,
            "flows": lambda conn: keep_showing(conn, clock()),
        }
        keep_house(parts.database, folding, every_s=settings.fold_every_s)
