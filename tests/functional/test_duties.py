"""A node that has no duty to reveal holds nothing that decrypts, and Vault would deny it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests import canaries
from tests.world import Actor, Town, World
from vault_gateway.keys import Address, Ciphertext, KeysUnavailable, RelayKeys, Revealer, Vault
from vault_gateway.model import Kind
from vault_gateway.settings import SettingsError


def identities(world: World, *names: str) -> dict[str, object]:
    return {name: world.settings.identities[name] for name in names}


def test_a_tokenizing_node_tokenizes_and_has_no_way_to_reveal(world: World, town: Town) -> None:
    node = world.gateway(duties=("tokenize",), identities=identities(world, "tokenizer"))
    merchant, courier = (Actor(node, who.key, who.name) for who in (town.merchant, town.courier))
    assert merchant.post("/v1/tokens", {"items": canaries.items_of(canaries.person())}).status_code == 201
    for path in ("/v1/reveals", "/v1/relay/route"):
        assert courier.post(path, {}).status_code == 404
    assert merchant.get("/v1/audit/events").status_code == 404


def test_a_revealing_node_reveals(world: World, town: Town) -> None:
    node = world.gateway(duties=("reveal",), identities=identities(world, "tokenizer", "revealer"))
    waybill_no = town.out_for_delivery()
    courier = Actor(node, town.courier.key, town.courier.name)
    body = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    assert courier.post("/v1/reveals", body).status_code == 201
    assert courier.post("/v1/tokens", {"items": []}).status_code == 404


def test_an_auditing_node_needs_no_vault_identity(world: World, auditor: Actor) -> None:
    node = world.gateway(duties=("audit",), identities={})
    assert Actor(node, auditor.key, auditor.name).get("/v1/audit/events").status_code == 200


@pytest.mark.parametrize(("identity", "duty"), [("revealer", "reveal"), ("relay", "relay")])
def test_an_identity_that_decrypts_is_refused_where_there_is_no_duty_for_it(
    world: World, identity: str, duty: str
) -> None:
    with pytest.raises(SettingsError, match=duty):
        world.gateway(duties=("tokenize",), identities=identities(world, "tokenizer", identity))


def test_a_duty_without_its_identity_is_refused_by_name(world: World) -> None:
    with pytest.raises(SettingsError, match="VAULT_GATEWAY_REVEALER_ROLE_ID"):
        world.gateway(duties=("reveal",), identities=identities(world, "tokenizer"))


def test_vault_denies_the_tokenizer_to_decrypt_and_the_relay_all_but_phones(world: World) -> None:
    settings = world.settings
    with Vault(settings.vault_addr, connections=1) as vault:
        for kind in Kind:
            items = [(Address(uuid4(), kind, uuid4()), Ciphertext(1, b"x" * 40))]
            with pytest.raises(KeysUnavailable, match="refused"):
                Revealer(vault, settings.identities["tokenizer"]).decrypt("carrier", items)
            relay = RelayKeys(vault, settings.identities["relay"])
            if kind is Kind.PHONE:
                # Permitted, and found to open nothing.
                assert not isinstance(relay.decrypt("carrier", items)[0], bytes)
            else:
                with pytest.raises(KeysUnavailable, match="refused"):
                    relay.decrypt("carrier", items)
