"""`/healthz`: the process answers. `/readyz`: everything it needs does. `/metrics`: for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.registry import REGISTRY

from vault_gateway.database import Database
from vault_gateway.errors import GatewayError
from vault_gateway.keys import Vault, health_of
from vault_gateway.limits import Limits

LEAST_WEEKS_AHEAD = 2


def health_blueprint(
    database: Database, vault: Vault, limits: Limits, *, multiprocess_metrics: bool
) -> Blueprint:
    room = Blueprint("health", __name__)

    @room.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @room.get("/readyz")
    def readyz() -> tuple[Response, int]:
        checks = {
            "database": _database(database),
            "vault": health_of(vault),
            "limits": limits.state(),
        }
        # Without Redis the node still tokenises, so a balancer must not take it out.
        ready = checks["database"] == checks["vault"] == "ok"
        status = ("ready" if checks["limits"] == "ok" else "degraded") if ready else "not_ready"
        return jsonify(status=status, checks=checks), 200 if ready else 503

    @room.get("/metrics")
    def metrics() -> Response:
        registry = REGISTRY
        if multiprocess_metrics:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return room


def _database(database: Database) -> str:
    try:
        with database.connection() as conn:
            row = conn.execute("select least(token_weeks_ahead(), audit_weeks_ahead()) as weeks").fetchone()
    except GatewayError:
        return "gone"
    return "ok" if row is not None and row["weeks"] >= LEAST_WEEKS_AHEAD else "few_partitions"
