"""A whole gateway on real engines, and the actors that call it."""

from __future__ import annotations

import io
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import orjson
from flask import Flask
from psycopg import sql
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from werkzeug.test import TestResponse

from tests import canaries
from tests.canaries import Person
from tests.policies import policies_with
from tests.serving import start_server, wait_until_ready
from vault_gateway.app import create_app
from vault_gateway.database import Connection
from vault_gateway.embedded.instance import Instance
from vault_gateway.embedded.processes import free_port
from vault_gateway.identity import clients
from vault_gateway.keys import Operator, Vault
from vault_gateway.model import Role
from vault_gateway.rules import load_rules
from vault_gateway.settings.environment import to_environment
from vault_gateway.settings.model import Settings

_names = itertools.count()
# Gateways of this process, each with connections to the one database.
MADE: list[Flask] = []
_RUN = secrets.token_hex(3)


def today() -> date:
    """The day that it is on a platform that no rule names."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def unique(prefix: str) -> str:
    """A slug that no other test has."""
    return f"{prefix}-{_RUN}-{next(_names)}"


class TurnedClock:
    """The real time, moved by what a test asks for."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, **delta: float) -> None:
        self.offset += timedelta(**delta)


@dataclass(frozen=True)
class Actor:
    """Someone with a key. Answers are werkzeug responses; `json` sends a body."""

    app: Flask
    key: str
    name: str

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if json is not None:
            data = orjson.dumps(json)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.app.test_client().open(path, method=method, data=data, headers=sent)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.call("PATCH", path, json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)


@dataclass(frozen=True)
class Tokens:
    """A person's tokens, as a waybill takes them."""

    name: str
    phone: str
    address: str

    def as_recipient(self) -> dict[str, str]:
        return {"name": self.name, "phone": self.phone, "address": self.address}


class World:
    """One instance, any number of gateways and actors on it."""

    def __init__(self, instance: Instance, logs: io.TextIOBase) -> None:
        self.instance = instance
        self.clock = TurnedClock()
        self.logs = logs
        # Nobody's limit is in another test's way; tests of limits make a gateway of their own.
        self.settings: Settings = replace(
            instance.settings(),
            client_rate="1000000/minute",
            failed_logins="1000000/minute",
            webhook_senders=0,
            fold_every_s=0,
            policies=policies_with(instance.engines.data.parent / "policies"),
        )
        self._rules = load_rules(self.settings.policies)
        self.app = self.gateway()
        self._admins: ConnectionPool[Connection] = ConnectionPool(
            instance.endpoints.admin_dsn,
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": None},
            min_size=1,
            max_size=64,
            check=ConnectionPool.check_connection,
            reset=_as_new,
            open=True,
        )
        self._vault = Vault(self.settings.vault_addr, operations=8)
        # A platform's keys are made once; each of its actors would ask for them again.
        self._create_keys = cache(Operator(self._vault, self.settings.identities["operator"]).create_platform)

    def close(self) -> None:
        self._admins.close()
        self._vault.close()

    def gateway(self, **changed: Any) -> Flask:
        """A further gateway in this process, with changed settings."""
        rules = None if "policies" in changed else self._rules
        app = create_app(replace(self.settings, **changed), clock=self.clock, rules=rules)
        MADE.append(app)
        return app

    def actor(self, role: str, *, app: Flask | None = None, name: str | None = None, **names: str) -> Actor:
        """A client added as an operator would: `actor("merchant", platform="p", merchant="m")`."""
        name = name or unique(role)
        new = clients.NewClient(name, Role(role), **names)
        with self.admin() as conn:
            key = clients.add(conn, new, self.clock(), create_keys=self._create_keys, say=lambda _: None)
        return Actor(app or self.app, key, name)

    @contextmanager
    def admin(self) -> Iterator[Connection]:
        """The database as its superuser, past every wall."""
        with self._admins.connection() as conn:
            yield conn

    def row(self, statement: LiteralString, params: Any = ()) -> dict[str, Any]:
        """The only row that a statement finds, asked for by `admin`."""
        with self.admin() as conn:
            [row] = conn.execute(statement, params).fetchall()
        return row

    def dump(self) -> bytes:
        """Every row of every table as text, as `pg_dump --data-only` would write it."""
        out = bytearray()
        with self.admin() as conn:
            names = conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
            for row in names:
                query = sql.SQL("copy (select * from {}) to stdout").format(sql.Identifier(row["tablename"]))
                with conn.cursor().copy(query) as rows:
                    out += row["tablename"].encode() + b"\n" + b"".join(rows)
        return bytes(out)

    def log_text(self) -> bytes:
        """All that was logged: by gateways in this process, and by the engines and servers in theirs."""
        self.logs.flush()
        self.logs.seek(0)
        own = self.logs.read().encode()
        folder = self.instance.engines.data / "logs"
        return own + b"".join(path.read_bytes() for path in sorted(folder.glob("*.log*")))

    @contextmanager
    def served(self, **changed: Any) -> Iterator[str]:
        """A further gateway as a process of its own, as production runs it; yields its URL."""
        port = free_port()
        settings = replace(self.settings, host="127.0.0.1", port=port, **changed)
        log = self.instance.engines.data / "logs" / f"served-{port}.log"
        process = start_server(to_environment(settings), log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _as_new(conn: Connection) -> None:
    """Roles and settings that a test took on stay its own."""
    conn.execute("discard all")


@dataclass
class Town:
    """A merchant of a platform, a carrier, and one of its couriers; nobody else's data is here."""

    world: World
    platform_slug: str
    merchant_slug: str
    carrier_slug: str
    station_slug: str
    platform: Actor
    merchant: Actor
    carrier: Actor
    courier: Actor
    station: Actor

    def tokenize(self, someone: Person, *, by: Actor | None = None) -> Tokens:
        body: dict[str, Any] = {"items": canaries.items_of(someone)}
        if by is self.platform:
            body["merchant"] = self.merchant_slug
        answer = (by or self.merchant).post("/v1/tokens", body)
        assert answer.status_code == 201, answer.text
        return Tokens(*(item["token"] for item in answer.get_json()["items"]))

    def new_waybill(self, tokens: Tokens | None = None, **more: Any) -> dict[str, Any]:
        """What the merchant sees of a new waybill, for somebody where no tokens are given."""
        recipient = (tokens or self.tokenize(canaries.person())).as_recipient()
        body = {"network": "douyin", "carrier": self.carrier_slug, "recipient": recipient, **more}
        answer = self.merchant.post("/v1/waybills", body)
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.get_json()
        return view

    def waybill(self, tokens: Tokens | None = None, **more: Any) -> str:
        """The number of a new waybill."""
        return str(self.new_waybill(tokens, **more)["waybill_no"])

    def register_courier(self, phone: str) -> None:
        """The courier with a phone of its own."""
        answer = self.carrier.post("/v1/couriers", {"handle": self.courier.name, "phone": phone})
        assert answer.status_code == 201, answer.text

    def event(self, waybill_no: str, type_: str, **more: Any) -> TestResponse:
        return self.carrier.post(f"/v1/waybills/{waybill_no}/events", {"type": type_, **more})

    def out_for_delivery(self, tokens: Tokens | None = None) -> str:
        """A parcel in the hands of `courier`."""
        waybill_no = self.waybill(tokens)
        self.hand_to_courier(waybill_no)
        return waybill_no

    def hand_to_courier(self, waybill_no: str, **more: Any) -> None:
        """Accepted, and in the hands of `courier`."""
        for type_, with_it in (
            ("accepted", {}),
            ("out_for_delivery", {"courier": self.courier.name, **more}),
        ):
            answer = self.event(waybill_no, type_, **with_it)
            assert answer.status_code == 201, answer.text

    def hand_to_station(self, waybill_no: str) -> None:
        """Accepted, and waiting at `station`."""
        for type_, with_it in (("accepted", {}), ("at_station", {"station": self.station_slug})):
            answer = self.event(waybill_no, type_, **with_it)
            assert answer.status_code == 201, answer.text


def new_town(world: World, *, platform_slug: str | None = None, app: Flask | None = None) -> Town:
    platform_slug = platform_slug or unique("p")
    merchant, carrier, station = unique("m"), unique("c"), unique("s")
    return Town(
        world,
        platform_slug,
        merchant,
        carrier,
        station,
        world.actor("platform", app=app, platform=platform_slug),
        world.actor("merchant", app=app, platform=platform_slug, merchant=merchant),
        world.actor("carrier", app=app, carrier=carrier),
        world.actor("courier", app=app, carrier=carrier),
        world.actor("station", app=app, carrier=carrier, station=station),
    )
