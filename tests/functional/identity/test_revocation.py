"""What is revoked is refused within five seconds by every gateway, those in other processes included."""

from __future__ import annotations

import time
from collections.abc import Callable

import urllib3

from tests.functional.identity.conftest import Trust, holder_of
from tests.world import TurnedClock, World, new_town, unique
from vault_gateway.identity import issuers, store
from vault_gateway.model import utc_now

WITHIN_S = 5.0


def test_everything_that_can_be_revoked_ends_within_five_seconds(world: World, trust: Trust) -> None:
    """All at once on one further process, so that its memory has seen each of them just before."""
    town = new_town(world)
    doomed = trust("carrier", carrier=unique("c"))
    provider = trust("carrier", carrier=unique("c"))
    couriers_town = new_town(world)
    couriers = trust("courier", carrier=couriers_town.carrier_slug)
    couriers_town.carrier.post("/v1/couriers", {"handle": "h1"})
    stolen = provider.token(sub="desk", jti="stolen")
    callers = {
        "a key": town.merchant.key,
        "a courier's key": town.courier.key,
        "a token": stolen,
        "an issuer": doomed.token(sub="desk"),
        "a removed courier": couriers.token(sub="h1"),
    }
    stays = {"another token": provider.token(sub="desk"), "another key": town.platform.key}
    with world.served() as url:
        pool = urllib3.PoolManager(maxsize=4, retries=False)

        def status(key: str) -> int:
            return pool.request(
                "GET", f"{url}/v1/audit/events", headers={"Authorization": f"Bearer {key}"}
            ).status

        def good(key: str) -> bool:
            return status(key) != 401

        assert all(good(key) for key in (*callers.values(), *stays.values()))
        with world.admin() as conn:
            assert store.revoke_client(conn, town.merchant.name, utc_now())
            issuers.revoke_token(conn, provider.iss, "stolen", utc_now())
            issuers.revoke(conn, doomed.iss, utc_now())
        assert town.carrier.delete(f"/v1/couriers/{town.courier.name}").status_code == 204
        assert couriers_town.carrier.delete("/v1/couriers/h1").status_code == 204
        ended = _when_each_ended(callers, good)
        assert max(ended.values()) < WITHIN_S, ended
        assert all(good(key) for key in stays.values())
        assert not any(good(key) for key in callers.values())


def _when_each_ended(callers: dict[str, str], good: Callable[[str], bool]) -> dict[str, float]:
    """Seconds from now until each was refused, asked all the time: use does not keep anybody alive."""
    began, ended = time.monotonic(), dict[str, float]()
    while len(ended) < len(callers) and time.monotonic() - began < 2 * WITHIN_S:
        for name, key in callers.items():
            if name not in ended and not good(key):
                ended[name] = time.monotonic() - began
        time.sleep(0.05)
    assert ended.keys() == callers.keys(), set(callers) - set(ended)
    return ended


def test_trust_given_anew_does_not_bring_a_revoked_token_back(world: World, trust: Trust) -> None:
    carrier = unique("c")
    provider = trust("carrier", carrier=carrier)
    stolen, good = provider.token(sub="desk", jti="stolen"), provider.token(sub="desk")
    with world.admin() as conn:
        issuers.revoke_token(conn, provider.iss, "stolen", utc_now())
        issuers.revoke(conn, provider.iss, utc_now())
    assert holder_of(world, good).get("/v1/waybills").status_code == 401
    trust("carrier", provider=provider, carrier=carrier)
    assert holder_of(world, good).get("/v1/waybills").status_code == 200
    assert holder_of(world, stolen).get("/v1/waybills").status_code == 401


def test_a_revoked_jti_of_one_issuer_is_nothing_to_another(world: World, trust: Trust) -> None:
    one, other = trust("carrier", carrier=unique("c")), trust("carrier", carrier=unique("c"))
    with world.admin() as conn:
        issuers.revoke_token(conn, one.iss, "1", utc_now())
    assert holder_of(world, one.token(sub="desk", jti="1")).get("/v1/waybills").status_code == 401
    assert holder_of(world, other.token(sub="desk", jti="1")).get("/v1/waybills").status_code == 200


def test_a_courier_whose_token_is_revoked_loses_the_grant_it_has(world: World, trust: Trust) -> None:
    town = new_town(world)
    provider = trust("courier", carrier=town.carrier_slug)
    town.carrier.post("/v1/couriers", {"handle": "h1"})
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    town.event(waybill_no, "out_for_delivery", courier="h1")
    courier = holder_of(world, provider.token(sub="h1", jti="lost-phone"))
    grant = courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).get_json()
    with world.admin() as conn:
        issuers.revoke_token(conn, provider.iss, "lost-phone", utc_now())
    time.sleep(WITHIN_S - 1)
    assert courier.post(f"/v1/reveals/{grant['reveal_id']}/claim", {}).status_code == 401


def test_a_token_that_begins_later_stays_revoked(world: World, trust: Trust, clock: TurnedClock) -> None:
    provider = trust("carrier", carrier=unique("c"))
    begins = int(clock().timestamp()) + 30 * 86_400
    later = {"sub": "desk", "iat": begins, "exp": begins + 3600}
    stolen, good = provider.token(jti="stolen", **later), provider.token(jti="good", **later)
    with world.admin() as conn:
        issuers.revoke_token(conn, provider.iss, "stolen", clock())
        clock.advance(days=30, seconds=60)
        issuers.revoke_token(conn, provider.iss, "another", clock())
    assert holder_of(world, good).get("/v1/waybills").status_code == 200
    assert holder_of(world, stolen).get("/v1/waybills").status_code == 401
