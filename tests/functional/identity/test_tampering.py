"""Whatever is changed in a valid token, it is not accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.identity.conftest import register
from tests.functional.identity.provider import Provider, b64
from tests.world import World, unique
from vault_gateway.database import Database
from vault_gateway.identity.jwts import Jwts
from vault_gateway.identity.key_sets import KeySets
from vault_gateway.identity.sources import load_keys
from vault_gateway.model import Role
from vault_gateway.outside.calling import Outside

ALGORITHMS = ("RS256", "ES256", "EdDSA")
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def jwts(world: World) -> Iterator[Jwts]:
    database = Database(world.settings.database_url, max_connections=2)
    database.open()
    yield Jwts(
        database,
        KeySets(lambda source: load_keys(source, Outside()), waiting_at_most=1),
        world.clock,
        longest_life_s=86_400,
    )
    database.close()


@pytest.fixture(scope="module")
def providers(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Provider]:
    made = {}
    for algorithm in ALGORITHMS:
        provider = made[algorithm] = Provider(f"https://{unique('id')}.example", algorithm)
        file = tmp_path_factory.mktemp("jwks") / "jwks.json"
        file.write_bytes(provider.jwks())
        register(world, provider.iss, str(file), "carrier", carrier=unique("c"))
    return made


@pytest.fixture(scope="module")
def tokens(jwts: Jwts, providers: dict[str, Provider]) -> dict[str, str]:
    made = {algorithm: providers[algorithm].token(sub="desk") for algorithm in ALGORITHMS}
    for token in made.values():
        principal = jwts.principal(token)
        assert principal is not None
        assert principal.role is Role.CARRIER
    return made


@MANY
@given(st.data())
def test_any_byte_changed(jwts: Jwts, tokens: dict[str, str], data: st.DataObject) -> None:
    token = tokens[data.draw(st.sampled_from(ALGORITHMS))]
    at = data.draw(st.integers(0, len(token) - 1))
    byte = data.draw(st.integers(0, 255).map(chr).filter(lambda one: one != token[at]))
    assert jwts.principal(token[:at] + byte + token[at + 1 :]) is None


@MANY
@given(st.data())
def test_any_byte_added_or_removed(jwts: Jwts, tokens: dict[str, str], data: st.DataObject) -> None:
    token = tokens[data.draw(st.sampled_from(ALGORITHMS))]
    at = data.draw(st.integers(0, len(token)))
    added = data.draw(st.text(st.characters(max_codepoint=255), max_size=3))
    changed = token[:at] + added + token[at + (not added) :]
    assert changed == token or jwts.principal(changed) is None


@MANY
@given(st.data())
def test_parts_of_two_tokens_put_together(
    jwts: Jwts, providers: dict[str, Provider], tokens: dict[str, str], data: st.DataObject
) -> None:
    other = {algorithm: providers[algorithm].token(sub="boss") for algorithm in ALGORITHMS}
    parts = [
        data.draw(st.sampled_from([*tokens.values(), *other.values()])).split(".")[position]
        for position in range(3)
    ]
    token = ".".join(parts)
    made = {**dict.fromkeys(tokens.values(), "desk"), **dict.fromkeys(other.values(), "boss")}
    principal = jwts.principal(token)
    # Two providers of one algorithm and kid write the same header: then it is the whole token after all.
    assert principal is None or principal.id.rpartition(":")[2] == made[token]


@MANY
@given(header=st.binary(max_size=60), payload=st.binary(max_size=60), signature=st.binary(max_size=70))
def test_noise(jwts: Jwts, header: bytes, payload: bytes, signature: bytes) -> None:
    assert jwts.principal(".".join(b64(part) for part in (header, payload, signature))) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@MANY
@given(
    name=st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "role", "carrier", "station"]),
    value=JSON,
)
def test_a_signed_claim_of_any_shape_is_taken_for_what_it_says_or_refused(
    jwts: Jwts, providers: dict[str, Provider], name: str, value: object
) -> None:
    """The provider itself signs it: nothing is raised, and nobody becomes somebody else."""
    provider = providers["EdDSA"]
    claims = {**provider.claims(sub="desk"), name: value}
    principal = jwts.principal(provider.token_of(provider.header(), claims))
    if principal is not None:
        assert principal.id.rpartition(":")[2] == claims["sub"]
        assert principal.role is Role.CARRIER
        assert principal.carrier == claims.get("carrier", principal.carrier)
        assert claims["iss"] == provider.iss
