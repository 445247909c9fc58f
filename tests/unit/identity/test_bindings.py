"""Nobody is ever more than the claims say, or than the issuer may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vault_gateway.identity.bindings import NAMES, NAMES_OF_ROLE, Binding, principal_of
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.compact import TokenRefused
from vault_gateway.identity.issuers import NewIssuer, check
from vault_gateway.model import Principal, Role

SOME = st.sampled_from(["a", "b", "carrier"])


def issuers(*roles: Role, **names: st.SearchStrategy[str | None]) -> st.SearchStrategy[NewIssuer]:
    return st.builds(
        NewIssuer,
        iss=st.just("https://id.example"),
        jwks=st.just("/jwks.json"),
        roles=st.frozensets(st.sampled_from(roles), min_size=1, max_size=4),
        **names,
    )


# Those that can be registered, and some of any shape.
BINDINGS = st.one_of(
    issuers(Role.CARRIER, Role.STATION, Role.COURIER, carrier=SOME),
    issuers(Role.PLATFORM, Role.MERCHANT, Role.AUDITOR, platform=SOME),
    issuers(Role.MERCHANT, Role.AUDITOR, platform=SOME, merchant=SOME),
    issuers(Role.AUDITOR, Role.RESPONDER, Role.OPERATOR),
    issuers(*Role, platform=st.none() | SOME, merchant=st.none() | SOME, carrier=st.none() | SOME),
)
CLAIMS = st.fixed_dictionaries(
    {"sub": st.sampled_from(["42", "Li.Lei", "x y"])},
    optional={
        "role": st.sampled_from([*(role.value for role in Role), "root", 1]),
        **{name: SOME | st.sampled_from(["A", None, 1, ["a"]]) for name in NAMES},
    },
)


def minted(issuer: NewIssuer, claims: dict[str, Any]) -> Principal | None:
    try:
        check(issuer)
    except ClientError:
        return None
    binding = Binding(issuer.roles, issuer.platform, issuer.merchant, issuer.carrier)
    try:
        return principal_of("i1", binding, claims)
    except TokenRefused:
        return None


@given(BINDINGS, CLAIMS)
@example(
    NewIssuer("https://id", "/j", frozenset({Role.COURIER}), carrier="a"),
    {"sub": "42", "role": "courier", "carrier": "b"},
)
def test_a_principal_is_what_the_claims_and_the_binding_say_together(
    issuer: NewIssuer, claims: dict[str, Any]
) -> None:
    principal = minted(issuer, claims)
    if principal is None:
        return
    assert principal.id == f"jwt:i1:{claims['sub']}"
    assert principal.role in issuer.roles
    assert principal.role.value == claims.get("role", principal.role.value)
    needed, optional = NAMES_OF_ROLE[principal.role]
    for name in NAMES:
        value, bound = getattr(principal, name), getattr(issuer, name, None)
        if name in claims:
            assert value == claims[name]
        if name not in needed | optional:
            assert value is None
            assert name not in claims
        elif bound is not None:
            assert value == bound
        if name in needed:
            assert value is not None
    assert principal.handle == (claims["sub"] if principal.role is Role.COURIER else None)
    assert principal.role is not Role.TELECOM


@given(BINDINGS, CLAIMS)
def test_an_issuer_of_a_carrier_mints_its_own_people_only(issuer: NewIssuer, claims: dict[str, Any]) -> None:
    principal = minted(issuer, claims)
    if principal is not None and issuer.carrier is not None:
        assert principal.role in (Role.CARRIER, Role.STATION, Role.COURIER)
        assert principal.carrier == issuer.carrier


@pytest.mark.parametrize(
    ("roles", "bound", "claims", "expected"),
    [
        ({"courier"}, {"carrier": "sf"}, {}, {"role": Role.COURIER, "carrier": "sf", "handle": "42"}),
        (
            {"station", "courier"},
            {"carrier": "sf"},
            {"role": "station", "station": "s1"},
            {"role": Role.STATION, "carrier": "sf", "station": "s1", "handle": None},
        ),
        (
            {"merchant"},
            {"platform": "douyin"},
            {"merchant": "tea"},
            {"platform": "douyin", "merchant": "tea"},
        ),
        ({"auditor"}, {}, {}, {"platform": None, "merchant": None}),
        ({"auditor"}, {}, {"platform": "douyin"}, {"platform": "douyin", "merchant": None}),
        ({"auditor"}, {"platform": "douyin"}, {"merchant": "tea"}, {"platform": "douyin", "merchant": "tea"}),
        ({"responder"}, {}, {"role": "responder"}, {"role": Role.RESPONDER}),
    ],
)
def test_missing_claims_come_from_the_binding(
    roles: set[str], bound: dict[str, str], claims: dict[str, str], expected: dict[str, object]
) -> None:
    issuer = NewIssuer("https://id", "/j", frozenset(Role(role) for role in roles), **bound)
    principal = minted(issuer, {"sub": "42", **claims})
    assert principal is not None
    assert {name: getattr(principal, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("roles", "bound", "claims", "reason"),
    [
        ({"auditor"}, {}, {"platform": "carrier"}, "claim_malformed"),
        ({"auditor"}, {}, {"merchant": "tea"}, "claim_missing"),
        ({"auditor"}, {}, {"carrier": "sf"}, "beyond_binding"),
        ({"platform"}, {"platform": "douyin"}, {"merchant": "tea"}, "beyond_binding"),
        ({"platform"}, {"platform": "douyin"}, {"platform": "jd"}, "beyond_binding"),
        ({"merchant"}, {"platform": "douyin"}, {}, "claim_missing"),
        ({"merchant"}, {"platform": "douyin", "merchant": "tea"}, {"merchant": "silk"}, "beyond_binding"),
        ({"responder"}, {}, {"platform": "douyin"}, "beyond_binding"),
        ({"responder", "auditor"}, {}, {}, "claim_missing"),
        ({"station"}, {"carrier": "sf"}, {}, "claim_missing"),
    ],
)
def test_claims_that_are_refused(
    roles: set[str], bound: dict[str, str], claims: dict[str, str], reason: str
) -> None:
    issuer = NewIssuer("https://id", "/j", frozenset(Role(role) for role in roles), **bound)
    check(issuer)
    binding = Binding(issuer.roles, issuer.platform, issuer.merchant, issuer.carrier)
    with pytest.raises(TokenRefused, match=reason):
        principal_of("i1", binding, {"sub": "42", **claims})


@pytest.mark.parametrize(
    ("roles", "bound"),
    [
        ({"courier"}, {}),
        ({"courier", "merchant"}, {"carrier": "sf", "platform": "douyin"}),
        ({"courier", "auditor"}, {"carrier": "sf"}),
        ({"courier", "responder"}, {"carrier": "sf"}),
        ({"platform"}, {"platform": "douyin", "merchant": "tea"}),
        ({"merchant"}, {}),
        ({"auditor"}, {"merchant": "tea"}),
        ({"auditor"}, {"carrier": "sf"}),
        ({"responder"}, {"platform": "douyin"}),
        ({"operator"}, {"carrier": "sf"}),
        ({"telecom"}, {}),
        ({"platform"}, {"platform": "carrier"}),
        ({"platform"}, {"platform": "Douyin"}),
        (set(), {}),
    ],
)
def test_an_issuer_whose_roles_and_binding_do_not_go_together_is_refused(
    roles: set[str], bound: dict[str, str]
) -> None:
    with pytest.raises(ClientError):
        check(NewIssuer("https://id", "/j", frozenset(Role(role) for role in roles), **bound))


@pytest.mark.parametrize("iss", ["", "https://id .example", "https://\u0456d.example", "x" * 256, "a\n"])
def test_an_issuer_that_could_look_like_another_is_refused(iss: str) -> None:
    with pytest.raises(ClientError):
        check(NewIssuer(iss, "/j", frozenset({Role.RESPONDER})))
