"""What an operator changes from the command line is on record like all else, and commits with the change."""

from __future__ import annotations

from pathlib import Path

from tests.functional.cli.operating import operate, told
from tests.functional.identity.provider import Provider
from tests.functional.waybills.segments import a_range
from tests.pool import fresh_number, retire_numbers
from tests.world import Actor, Town, World, unique


def test_clients_come_and_go_on_record(world: World, town: Town, auditor: Actor) -> None:
    name = unique("shop")
    words = (
        "client",
        "add",
        name,
        "--role",
        "merchant",
        "--platform",
        town.platform_slug,
        "--merchant",
        "tea",
    )
    assert operate(world, *words).exit_code == 0
    assert operate(world, "client", "revoke", name).exit_code == 0
    assert operate(world, "client", "revoke", name).exit_code == 1
    expected = [
        ("client.revoke", "allow", {"role": "merchant"}),
        ("client.add", "allow", {"role": "merchant"}),
    ]
    assert told(auditor, f"client:{name}") == expected
    # Whose merchant it concerns sees it too, and nobody else's.
    for merchant, seen in (("tea", expected), (town.merchant_slug, [])):
        reader = world.actor("auditor", platform=town.platform_slug, merchant=merchant)
        events = reader.get("/v1/audit/events?actor=cli:operator").get_json()["items"]
        assert len(events) == len(seen)


def test_issuers_come_and_go_on_record(world: World, auditor: Actor, tmp_path: Path) -> None:
    provider, carrier = Provider(f"https://{unique('id')}.example"), unique("c")
    jwks = tmp_path / "jwks.json"
    jwks.write_bytes(provider.jwks())
    added = operate(
        world, "issuer", "add", provider.iss, "--jwks", str(jwks), "--role", "station", "--carrier", carrier
    )
    issuer_id = added.stdout.strip().splitlines()[-1]
    assert operate(world, "issuer", "revoke-token", "j1", "--issuer", provider.iss).exit_code == 0
    assert operate(world, "issuer", "revoke", provider.iss).exit_code == 0
    assert told(auditor, f"issuer:{issuer_id}") == [
        ("issuer.revoke", "allow", {"iss": provider.iss}),
        ("issuer.add", "allow", {"iss": provider.iss, "roles": "station"}),
    ]
    assert told(auditor, "jti:j1")[0] == ("issuer.revoke_token", "allow", {"iss": provider.iss})


def test_segments_and_numbers_are_given_on_record(world: World, town: Town, auditor: Actor) -> None:
    numbers, telecom = a_range(10), world.actor("telecom").name
    whose = (
        "--platform",
        town.platform_slug,
        "--merchant",
        town.merchant_slug,
        "--carrier",
        town.carrier_slug,
    )
    assert operate(world, "segment", "grant", numbers[0], numbers[-1], *whose).exit_code == 0
    assert told(auditor, f"segment:{numbers[0]}-{numbers[-1]}") == [
        ("segment.grant", "allow", {"branch": "main"})
    ]
    region = unique("nowhere")
    added = operate(world, "relay", "pool", "add", fresh_number(), "--telecom", telecom, "--region", region)
    assert added.exit_code == 0, added.output
    assert told(auditor, f"telecom:{telecom}") == [
        ("relay.pool.add", "allow", {"mode": "extension", "region": region, "added": 1})
    ]
    retire_numbers(world, telecom)


def test_without_its_event_a_change_is_not_made(world: World, town: Town) -> None:
    name = unique("shop")
    with world.admin() as conn:
        conn.execute(
            "alter table audit_event add constraint nothing check (action <> 'client.add') not valid"
        )
    try:
        words = ("client", "add", name, "--role", "operator")
        failed = operate(world, *words)
        assert failed.exit_code == 1
        assert "vg_" not in failed.output
    finally:
        with world.admin() as conn:
            conn.execute("alter table audit_event drop constraint nothing")
    with world.admin() as conn:
        assert conn.execute("select from client where name = %s", (name,)).rowcount == 0
