"""The gateway as an application: what all of its duties share, and then each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import structlog
from flask import Flask

from vault_gateway import metrics_folder
from vault_gateway.audit.ledger import Ledger
from vault_gateway.couriers.watch import CourierWatch
from vault_gateway.database import Database
from vault_gateway.documentation import documentation_blueprint
from vault_gateway.duties.audit import audit
from vault_gateway.duties.console import console
from vault_gateway.duties.parts import Parts
from vault_gateway.duties.relay import relay
from vault_gateway.duties.reveal import reveal
from vault_gateway.duties.tokenize import tokenize
from vault_gateway.edge import Edge
from vault_gateway.forwarded import parse_networks
from vault_gateway.health import health_blueprint
from vault_gateway.housekeeping import Chore, keep_house
from vault_gateway.idempotency import forget_old
from vault_gateway.identity.keyring import keyring
from vault_gateway.keys import Vault
from vault_gateway.limits import Limits
from vault_gateway.model import Clock, utc_now
from vault_gateway.rules import Rules, RulesInForce, load_rules
from vault_gateway.schema import (
    SHOWING,
    require_behind_the_wall,
    require_current_schema,
    require_roles,
    roles_of,
)
from vault_gateway.settings.model import Settings, SettingsError

log = structlog.get_logger("vault_gateway.app")

DUTIES: Mapping[str, Callable[[Flask, Parts], Mapping[str, Chore]]] = {
    "tokenize": tokenize,
    "reveal": reveal,
    "relay": relay,
    "audit": audit,
    "console": console,
}

# Not the rooms that disclose something or let digits be tried: reveals, break-glass, the relay's telecoms and a
# station's counter fail closed.
_WITHOUT_REDIS = (
    "audit", "console", "couriers", "flows", "labels", "networks", "notices", "parcel_relay", "routes", "tokens",
    "usage", "waybills", "webhooks",
)  # fmt: skip


def create_app(settings: Settings, *, clock: Clock = utc_now, rules: Rules | None = None) -> Flask:
    """The gateway as a WSGI application, with the duties that the settings give it. Raises at once for what would
    only fail later: policies, masks, networks, identities, the schema of the database. `rules` are those of the
    settings' folder, where they were loaded already."""
    _require_needed_identities_only(settings)
    in_force = RulesInForce(rules or load_rules(settings.policies))
    database = Database(settings.database_url, max_connections=settings.database_connections)
    database.open()
    with database.connection() as conn:
        require_current_schema(conn)
        require_behind_the_wall(conn)
        beyond = require_roles(conn, roles_of(settings.duties))
    if beyond:
        log.warning("the database login may do more than this node: run `migrate --login`", roles=beyond)
    vault = Vault(
        settings.vault_addr,
        ca_file=settings.vault_ca,
        batch_items=settings.vault_batch_items,
        operations=settings.threads,
    )
    limits = Limits(settings.redis_url)
    watch = CourierWatch(in_force.quotas, clock)
    ledger = Ledger(database, in_force.access, clock, on_denial=watch.denied)
    parts = Parts(settings, clock, database, vault, limits, ledger, in_force, watch)

    app = Flask("vault_gateway", static_folder=None)
    app.extensions["rules"] = in_force
    app.extensions["database"] = database
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    Edge(
        keyring(settings, database, clock),
        limits,
        client_rate=settings.client_rate,
        failed_logins=settings.failed_logins,
        trusted_proxies=parse_networks(settings.trusted_proxies),
        without_redis=_WITHOUT_REDIS,
    ).install(app)
    chores: dict[str, Chore] = {}
    # A node that only shows what is on record stores no answers, and its login may not remove any.
    if not set(settings.duties) <= SHOWING:
        chores["idempotency"] = lambda conn: forget_old(conn, clock)
    for duty in settings.duties:
        chores |= DUTIES[duty](app, parts)
    several = metrics_folder.VARIABLE in os.environ
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
