"""The only place that wires the rooms together."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from vault_gateway.access import Access, Policies, load_policies
from vault_gateway.audit import store as audit_store
from vault_gateway.audit.http import audit_blueprint
from vault_gateway.audit.ledger import Ledger
from vault_gateway.audit.service import AuditService
from vault_gateway.couriers.http import couriers_blueprint
from vault_gateway.couriers.service import CourierService
from vault_gateway.database import Database, require_current_schema
from vault_gateway.documentation import documentation_blueprint
from vault_gateway.edge import Edge
from vault_gateway.forwarded import parse_networks
from vault_gateway.health import health_blueprint
from vault_gateway.housekeeping import keep_house
from vault_gateway.idempotency import RequestKeys, forget_old
from vault_gateway.identity.keyring import keyring
from vault_gateway.identity.tenants import TenantRegistry
from vault_gateway.keys import RelayKeys, Revealer, Tokenizer, Vault
from vault_gateway.limits import Limits
from vault_gateway.model import Clock, utc_now
from vault_gateway.relay.http import relay_blueprint
from vault_gateway.relay.pairs import PairService
from vault_gateway.relay.records import RecordService
from vault_gateway.relay.routing import RoutingService
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.pool import sweep_all as sweep_pool
from vault_gateway.reveals.agreement import require_agreement
from vault_gateway.reveals.http import reveals_blueprint
from vault_gateway.reveals.purposes import Purposes, load_purposes
from vault_gateway.reveals.service import RevealService
from vault_gateway.settings import Settings, SettingsError
from vault_gateway.tokens.http import tokens_blueprint
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.service import TokenService
from vault_gateway.tokens.store import keep_partitions_ahead
from vault_gateway.waybills.http import waybills_blueprint
from vault_gateway.waybills.lists import WaybillLists
from vault_gateway.waybills.networks import load_networks
from vault_gateway.waybills.relay_http import parcel_relay_blueprint
from vault_gateway.waybills.relaying import ParcelRelay
from vault_gateway.waybills.service import WaybillService


def load_rules(folder: Path) -> tuple[Policies, Purposes]:
    """Who may do what, and what is revealed for what: both good and of one mind, or an error that says where."""
    folder = folder.resolve()
    policies = load_policies(folder / "access")
    purposes = load_purposes(folder / "purposes.yaml")
    require_agreement(purposes, policies)
    return policies, purposes


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Flask:
    """The gateway as a WSGI application. Raises at once for what would only fail later: policies, masks,
    networks, identities, the schema of the database."""
    for identity in ("tokenizer", "revealer", "relay"):
        if identity not in settings.identities:
            raise SettingsError(f"VAULT_GATEWAY_{identity.upper()}_ROLE_ID and _SECRET_ID are not set")
    policies, purposes = load_rules(settings.policies)
    access = Access(policies)
    networks = load_networks(settings.policies / "networks")
    normaliser = Normaliser(MaskingProfile.load(settings.policies / "masking.yaml"))
    database = Database(settings.database_url, max_connections=settings.database_connections)
    database.open()
    with database.connection() as conn:
        require_current_schema(conn)
    vault = Vault(
        settings.vault_addr,
        ca_file=settings.vault_ca,
        batch_items=settings.vault_batch_items,
        connections=settings.threads,
    )
    tokenizer = Tokenizer(vault, settings.identities["tokenizer"])
    limits = Limits(settings.redis_url)
    ledger, tenants, request_keys = (
        Ledger(database, access, clock),
        TenantRegistry(clock),
        RequestKeys(tokenizer),
    )
    tokens = TokenService(
        ledger, tokenizer, normaliser, tenants, clock, missed_searches_a_day=settings.missed_searches_a_day
    )
    relay = RelayService(clock)
    waybills = WaybillService(ledger, tenants, networks, relay, clock)
    revealer = Revealer(vault, settings.identities["revealer"])
    reveals = RevealService(ledger, revealer, purposes, clock, ttl_s=settings.reveal_ttl_s)

    relay_keys = RelayKeys(vault, settings.identities["relay"])
    routing = RoutingService(ledger, relay_keys, limits, clock, unrecorded_routes=settings.unrecorded_routes)

    app = Flask("vault_gateway", static_folder=None)
    app.extensions["access"] = access
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    edge = Edge(
        keyring(settings, database, clock),
        limits,
        client_rate=settings.client_rate,
        failed_logins=settings.failed_logins,
        trusted_proxies=parse_networks(settings.trusted_proxies),
        # Not the rooms that disclose something: they fail closed.
        without_redis=("tokens", "waybills", "couriers", "audit"),
    )
    edge.install(app)
    app.register_blueprint(tokens_blueprint(tokens, request_keys))
    app.register_blueprint(waybills_blueprint(waybills, WaybillLists(ledger, clock), request_keys))
    app.register_blueprint(
        couriers_blueprint(CourierService(ledger, tokens, normaliser, clock), request_keys)
    )
    app.register_blueprint(reveals_blueprint(reveals, request_keys))
    pairs = PairService(relay_keys, clock)
    parcel_relay = ParcelRelay(ledger, relay, pairs, relay_keys, clock)
    app.register_blueprint(parcel_relay_blueprint(parcel_relay))
    app.register_blueprint(relay_blueprint(routing, RecordService(ledger, relay_keys, clock)))
    app.register_blueprint(audit_blueprint(AuditService(ledger)))
    several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    app.register_blueprint(health_blueprint(database, vault, limits, multiprocess_metrics=several))
    app.register_blueprint(documentation_blueprint())
    duties = {
        "token_partitions": keep_partitions_ahead,
        "audit_partitions": audit_store.keep_partitions_ahead,
        "idempotency": lambda conn: forget_old(conn, clock),
        "relay_rest": lambda conn: sweep_pool(conn, clock()),
    }
    keep_house(database, duties)
    return app
