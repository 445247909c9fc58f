"""`vault-gateway serve --duties tokenize` as a process: what it is asked, and what it is to Vault."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from tests import canaries
from tests.functional.embedded.installation import call, run
from tests.functional.keys.faulty_proxy import FaultyProxy, faulty_proxy
from tests.functional.serve.served import Served, serving
from tests.world import Actor, Town, World
from vault_gateway.keys import Credential
from vault_gateway.model import Kind
from vault_gateway.settings.environment import to_environment

TOKENIZE = ("--duties", "tokenize")


def environment(world: World, *identities: str, **changed: Any) -> dict[str, str]:
    held = {name: world.settings.identities[name] for name in identities}
    return to_environment(replace(world.settings, identities=held, **changed))


@pytest.fixture(scope="module")
def overheard(world: World) -> Iterator[FaultyProxy]:
    """Between the process and Vault, so that the token it uses is known."""
    with faulty_proxy(world.settings.vault_addr) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def node(world: World, overheard: FaultyProxy) -> Iterator[Served]:
    with serving(None, *TOKENIZE, **environment(world, "tokenizer", vault_addr=overheard.addr)) as served:
        yield served


def ask(world: World, token: str | None, path: str, body: dict[str, str]) -> tuple[int, Any]:
    headers = {"X-Vault-Token": token} if token else {}
    answer = urllib3.request("POST", f"{world.settings.vault_addr}/v1/{path}", json=body, headers=headers)
    return answer.status, answer.json()


def login(world: World, identity: Credential) -> str:
    halves = {"role_id": identity.role_id, "secret_id": identity.secret_id}
    return str(ask(world, None, "auth/approle/login", halves)[1]["auth"]["client_token"])


def test_it_tokenizes_and_knows_no_other_endpoint(node: Served, town: Town, auditor: Actor) -> None:
    items = canaries.items_of(canaries.person())
    assert call(node.url, town.merchant.key, "POST", "/v1/tokens", {"items": items})[0] == 201
    for who, method, path in (
        (town.courier, "POST", "/v1/reveals"),
        (town.courier, "POST", "/v1/reveals/00000000-0000-7000-8000-000000000000/claim"),
        (town.courier, "POST", "/v1/break-glass"),
        (town.carrier, "POST", "/v1/relay/bindings"),
        (town.carrier, "POST", "/v1/relay/route"),
        (auditor, "GET", "/v1/audit/events"),
    ):
        status, body = call(node.url, who.key, method, path, {} if method == "POST" else None)
        assert (status, body["code"]) == (404, "not_found"), path


def test_vault_denies_the_very_token_that_it_uses_to_decrypt(
    world: World, node: Served, town: Town, overheard: FaultyProxy
) -> None:
    items = canaries.items_of(canaries.person())
    assert call(node.url, town.merchant.key, "POST", "/v1/tokens", {"items": items})[0] == 201
    assert overheard.tokens
    revealer = login(world, world.settings.identities["revealer"])
    context = base64.b64encode(b"some token's").decode()
    for token in overheard.tokens:
        for kind in Kind:
            key = f"{kind.value}-{town.platform_slug}"
            value = {"plaintext": base64.b64encode(b"a value").decode(), "context": context}
            status, made = ask(world, token, f"transit/encrypt/{key}", value)
            assert status == 200
            sealed = {"ciphertext": made["data"]["ciphertext"], "context": context}
            assert ask(world, token, f"transit/decrypt/{key}", sealed)[0] == 403
            # What is refused would have opened.
            assert ask(world, revealer, f"transit/decrypt/{key}", sealed)[0] == 200
            assert ask(world, token, f"transit/keys/{key}/config", {"exportable": "true"})[0] == 403
        assert ask(world, token, "auth/token/create", {})[0] == 403


@pytest.mark.parametrize(("identity", "duty"), [("revealer", "reveal"), ("relay", "relay")])
def test_it_does_not_start_with_an_identity_that_decrypts(world: World, identity: str, duty: str) -> None:
    _, err = run("serve", *TOKENIZE, env=environment(world, "tokenizer", identity), expected=1)
    wanted = f"vault-gateway: this node has no duty {duty}: take VAULT_GATEWAY_{identity.upper()}_ROLE_ID"
    assert err.startswith(wanted)
