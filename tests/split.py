"""An installation of five nodes, each with one duty, the identities of Vault that it needs, and a login of the database
with the role of that duty and no other. To the actors of the tests it is one gateway: what they ask goes to the node
that has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.conninfo import make_conninfo
from werkzeug.exceptions import HTTPException

from tests.world import World
from vault_gateway import database
from vault_gateway.database import Database
from vault_gateway.errors import GatewayError
from vault_gateway.housekeeping import Chore, keep_house
from vault_gateway.schema import ROLE_OF, migrate, roles_of

IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "tokenize": ("tokenizer",),
    "reveal": ("tokenizer", "revealer"),
    "relay": ("tokenizer", "relay"),
    "audit": (),
    "console": (),
}


def login_for(world: World, *duties: str) -> str:
    """A login as `migrate --login` makes it for nodes with these duties: how to connect with it."""
    name, password = f"does-{'-'.join(duties)}", "not-a-secret-here"
    migrate(
        world.instance.endpoints.admin_dsn, world.clock(), app_login=(name, password), roles=roles_of(duties)
    )
    return make_conninfo(world.settings.database_url, user=name, password=password)


@dataclass
class Split:
    """`app` stands for all nodes. `done`: operations that were answered with success, by their names; `denied`: what
    the database refused to any login since; `chores`: those of each node, with its own connections."""

    nodes: dict[str, Flask] = field(default_factory=dict)
    app: Flask = field(default_factory=lambda: Flask("split", static_folder=None))
    done: set[str] = field(default_factory=set)
    denied: list[str] = field(default_factory=list)
    chores: list[tuple[Database, Mapping[str, Chore]]] = field(default_factory=list)

    def duties_with(self, name: str) -> set[str]:
        """The nodes that have an operation."""
        return {
            duty
            for duty, node in self.nodes.items()
            if any(_operation(rule.endpoint) == name for rule in node.url_map.iter_rules())
        }

    def ask(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        node, name = self._where(environ["REQUEST_METHOD"], environ["PATH_INFO"])

        def start(status: str, *rest: Any) -> Any:
            if status.startswith("2"):
                self.done.add(name)
            return start_response(status, *rest)

        return node.wsgi_app(environ, start)

    def _where(self, method: str, path: str) -> tuple[Flask, str]:
        """The node that has what is asked for, and its operation; any, where none has."""
        path = path.encode("latin-1").decode("utf-8", "replace")
        for node in self.nodes.values():
            try:
                endpoint, _ = node.url_map.bind("node").match(path, method)
            except HTTPException:
                continue
            return node, _operation(endpoint)
        return self.nodes["tokenize"], ""


def _operation(endpoint: str) -> str:
    return endpoint.rpartition(".")[2]


@contextmanager
def split(world: World, changed: Mapping[str, Mapping[str, Any]]) -> Iterator[Split]:
    """`changed`: settings of single nodes, by their duty."""
    made = Split()
    with pytest.MonkeyPatch.context() as patched:
        _take_down(patched, made)
        for duty in ROLE_OF:
            identities = {name: world.settings.identities[name] for name in IDENTITIES[duty]}
            own = {"duties": (duty,), "identities": identities, "database_url": login_for(world, duty)}
            made.nodes[duty] = world.gateway(**own, **changed.get(duty, {}))
        patched.setattr(made.app, "wsgi_app", made.ask)
        yield made


def _take_down(patched: pytest.MonkeyPatch, made: Split) -> None:
    """Everything goes on as it does: what is refused and what chores there are is noted on the way."""
    answer = database._answer

    def noted_answer(error: psycopg.Error) -> GatewayError:
        if error.sqlstate == "42501":
            made.denied.append(str(error))
        return answer(error)

    def noted_chores(own: Database, chores: Mapping[str, Chore], **more: Any) -> Any:
        made.chores.append((own, chores))
        return keep_house(own, chores, **more)

    patched.setattr(database, "_answer", noted_answer)
    for module in ("vault_gateway.app", "vault_gateway.duties.tokenize"):
        patched.setattr(f"{module}.keep_house", noted_chores)
