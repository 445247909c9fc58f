"""A JWT of a registered issuer is as good as an API key, for exactly what it says and the issuer may say."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from tests import canaries
from tests.functional.identity.conftest import Trust, holder_of, register
from tests.functional.identity.provider import Provider
from tests.world import Town, World, new_town, unique


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
def test_a_merchant_works_with_a_token_of_its_own_provider(
    world: World, trust: Trust, algorithm: str
) -> None:
    platform, merchant = unique("p"), unique("m")
    provider = trust(
        "merchant",
        provider=Provider(f"https://{unique('id')}.example", algorithm),
        platform=platform,
        merchant=merchant,
    )
    shop = holder_of(world, provider.token(sub="till-1"))
    someone = canaries.person()
    answer = shop.post("/v1/tokens", {"items": canaries.items_of(someone)})
    assert answer.status_code == 201, answer.text
    token = answer.get_json()["items"][1]["token"]
    assert shop.get(f"/v1/tokens/{token}").status_code == 200
    auditor = world.actor("auditor", platform=platform)
    (event,) = auditor.get("/v1/audit/events?action=token.create").get_json()["items"]
    assert event["actor"].startswith("jwt:")
    assert event["actor"].endswith(":till-1")


def test_one_request_key_of_a_person_is_another_for_each_merchant(world: World, trust: Trust) -> None:
    platform = unique("p")
    provider = trust("merchant", platform=platform)
    body = {"items": canaries.items_of(canaries.person())}
    first, second = (
        holder_of(world, provider.token(sub="clerk", merchant=unique("m"))).post(
            "/v1/tokens", body, headers={"Idempotency-Key": "monday"}
        )
        for _ in range(2)
    )
    assert first.status_code == 201, first.text
    # Not the tokens of the other merchant, which are nothing here.
    assert (second.status_code, second.get_json()["code"]) == (422, "idempotency_key_reused")


def test_a_courier_with_a_token_reveals_an_assigned_parcel(world: World, trust: Trust) -> None:
    town = new_town(world)
    provider = trust("courier", carrier=town.carrier_slug)
    handle = unique("h")
    assert town.carrier.post("/v1/couriers", {"handle": handle}).status_code == 201
    someone = canaries.person()
    waybill_no = town.waybill(town.tokenize(someone))
    town.event(waybill_no, "accepted")
    assert town.event(waybill_no, "out_for_delivery", courier=handle).status_code == 201
    ask = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    other = unique("h")
    assert town.carrier.post("/v1/couriers", {"handle": other}).status_code == 201
    assert holder_of(world, provider.token(sub=other)).post("/v1/reveals", ask).status_code == 404
    answer = holder_of(world, provider.token(sub=handle)).post("/v1/reveals", ask)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["fields"]["name"] == someone.name


def test_a_courier_whom_the_carrier_does_not_have_or_removed_is_nobody(
    world: World, town: Town, trust: Trust
) -> None:
    carrier_town = new_town(world)
    provider = trust("courier", carrier=carrier_town.carrier_slug)
    handle = unique("h")
    courier = holder_of(world, provider.token(sub=handle))
    assert courier.get("/v1/waybills?courier=me").status_code == 401
    carrier_town.carrier.post("/v1/couriers", {"handle": handle})
    assert courier.get("/v1/waybills?courier=me").status_code == 200
    carrier_town.carrier.delete(f"/v1/couriers/{handle}")
    another = holder_of(world, provider.token(sub=handle))
    assert another.get("/v1/waybills?courier=me").status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
def test_tokens_and_keys_that_joserfc_writes_are_read(world: World, tmp_path: Path, algorithm: str) -> None:
    kid, iss, carrier = unique("kid"), f"https://{unique('id')}.example", unique("c")
    key: RSAKey | ECKey | OKPKey
    if algorithm == "RS256":
        key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": algorithm})
    elif algorithm == "ES256":
        key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": algorithm})
    else:
        key = OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": algorithm})
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(KeySet([key]).as_dict(private=False)), encoding="utf-8")
    register(world, iss, str(file), "station", carrier=carrier)
    claims = {
        "iss": iss,
        "aud": "vault-gateway",
        "sub": "counter-1",
        "station": "s1",
        "exp": int(time.time()) + 60,
    }
    token = jwt.encode({"alg": algorithm, "kid": kid}, claims, key, algorithms=[algorithm])
    assert holder_of(world, token).get("/v1/waybills").status_code == 200


def test_a_platform_with_a_token_names_its_merchants(world: World, trust: Trust) -> None:
    platform, merchant = unique("p"), unique("m")
    provider = trust("platform", platform=platform)
    market = holder_of(world, provider.token(sub="checkout"))
    body = {"items": canaries.items_of(canaries.person())}
    assert market.post("/v1/tokens", body).status_code == 422
    assert market.post("/v1/tokens", {**body, "merchant": merchant}).status_code == 201
    assert market.post("/v1/tokens", {**body, "merchant": merchant, "platform": "jd"}).status_code == 404


def test_an_auditor_with_a_token_sees_what_the_claims_narrow_it_to(world: World, trust: Trust) -> None:
    town = new_town(world)
    town.tokenize(canaries.person())
    town.tokenize(canaries.person(), by=town.platform)
    other = new_town(world, platform_slug=town.platform_slug)
    other.tokenize(canaries.person())
    provider = trust("auditor", platform=town.platform_slug)

    def merchants_seen(**claims: str) -> set[str]:
        auditor = holder_of(world, provider.token(sub="auditor-1", **claims))
        answer = auditor.get("/v1/audit/events?action=token.create")
        assert answer.status_code == 200, answer.text
        return {str(event["merchant"]) for event in answer.get_json()["items"]}

    assert merchants_seen() == {town.merchant_slug, other.merchant_slug}
    assert merchants_seen(merchant=town.merchant_slug) == {town.merchant_slug}
    elsewhere = holder_of(world, provider.token(sub="auditor-1", platform="jd"))
    assert elsewhere.get("/v1/audit/events").status_code == 401
