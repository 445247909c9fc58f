"""Forged tokens are refused for what is wrong with them, with an answer that tells nothing."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client import REGISTRY

from tests.functional.identity.conftest import holder_of, register
from tests.functional.identity.forging import FORGERIES, Scene
from tests.functional.identity.provider import Provider, public_jwk, raw_token
from tests.world import Actor, World, unique

CARRIER_PATH = "/v1/waybills"


@pytest.fixture(scope="module")
def scene(world: World, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("issuers")
    made = Scene(
        world,
        unique("c"),
        Provider(f"https://{unique('id')}.example/realm", "RS256"),
        Provider(f"https://{unique('id')}.example/realm", "RS256"),
    )
    for provider, carrier in ((made.provider, made.carrier), (made.other, unique("c"))):
        file = folder / f"{unique('jwks')}.json"
        file.write_bytes(provider.jwks())
        register(world, provider.iss, str(file), "carrier", "station", "courier", carrier=carrier)
    return made


def refusals(reason: str) -> float:
    return REGISTRY.get_sample_value("vault_gateway_refused_jwts_total", {"reason": reason}) or 0.0


def bare(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.get_json()
    body.pop("request_id")
    return body


@pytest.mark.parametrize("name", FORGERIES)
def test_refused_for_its_fault_with_the_answer_of_a_wrong_key(scene: Scene, name: str) -> None:
    reason, forge = FORGERIES[name]
    before = refusals(reason)
    answer = holder_of(scene.world, forge(scene)).get(CARRIER_PATH)
    assert answer.status_code == 401
    assert refusals(reason) == before + 1
    wrong_key = Actor(scene.world.app, "vg_" + "A" * 43, "nobody").get(CARRIER_PATH)
    assert bare(answer) == bare(wrong_key)
    assert answer.headers["WWW-Authenticate"] == wrong_key.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"iat": None},
        {"jti": None},
        {"aud": ["other", "vault-gateway"]},
        {"unknown": {"to": ["us"]}},
        {"nbf": 0},
    ],
)
def test_what_the_forgeries_were_made_of_is_accepted(scene: Scene, good: dict[str, Any]) -> None:
    assert holder_of(scene.world, scene.token(**good)).get(CARRIER_PATH).status_code == 200


def test_clocks_may_differ_by_a_minute(scene: Scene) -> None:
    now = int(time.time())
    for claims in ({"exp": now - 50}, {"nbf": now + 50}, {"iat": now + 50}):
        assert holder_of(scene.world, scene.token(**claims)).get(CARRIER_PATH).status_code == 200


def test_a_token_without_key_id_gets_the_only_key(scene: Scene) -> None:
    token = scene.provider.token_of({"alg": "RS256"}, scene.good())
    assert holder_of(scene.world, token).get(CARRIER_PATH).status_code == 200


def test_a_remembered_token_ends_when_it_expires(scene: Scene, clock: Any) -> None:
    caller = holder_of(scene.world, scene.token())
    assert caller.get(CARRIER_PATH).status_code == 200
    clock.advance(seconds=600 + 61)
    assert caller.get(CARRIER_PATH).status_code == 401


def test_a_token_longer_than_a_header_may_be_is_not_even_read(scene: Scene) -> None:
    assert holder_of(scene.world, scene.token(pad="x" * 4096)).get(CARRIER_PATH).status_code == 401


def test_a_weak_key_vouches_for_nothing(world: World, tmp_path: Path) -> None:
    """Beside a good key in the set, so that the issuer can be registered at all."""
    provider = Provider(f"https://{unique('id')}.example", "RS256")
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    file = tmp_path / "jwks.json"
    file.write_text(
        json.dumps({"keys": [public_jwk(provider.key, kid="k1"), public_jwk(weak, kid="weak")]}),
        encoding="utf-8",
    )
    register(world, provider.iss, str(file), "carrier", carrier=unique("c"))
    claims = provider.claims(sub="desk")
    assert holder_of(world, provider.token_of(provider.header(), claims)).get(CARRIER_PATH).status_code == 200
    forged = raw_token(weak, b'{"alg":"RS256","kid":"weak"}', json.dumps(claims).encode())
    before = refusals("unknown_key")
    assert holder_of(world, forged).get(CARRIER_PATH).status_code == 401
    assert refusals("unknown_key") == before + 1


def test_no_part_of_a_refused_token_is_logged(scene: Scene) -> None:
    token = scene.token(sub="very:odd", secret=unique("planted"))
    assert holder_of(scene.world, token).get(CARRIER_PATH).status_code == 401
    logged = scene.world.log_text()
    assert b'"reason": "subject"' in logged or b'"reason":"subject"' in logged
    for part in (*token.split("."), "very:odd", urlsafe_b64encode(b"very:odd").decode()):
        assert part.encode() not in logged
