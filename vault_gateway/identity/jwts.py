"""JWTs of registered issuers: who one speaks for, once everything about it is found to be in order."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from vault_gateway import metrics
from vault_gateway.database import Database
from vault_gateway.identity import issuer_store
from vault_gateway.identity.bindings import Binding, principal_of
from vault_gateway.identity.claims import require_audience, require_in_time, text_claim
from vault_gateway.identity.compact import ALGORITHMS, Compact, TokenRefused, parse
from vault_gateway.identity.jwks import Key
from vault_gateway.identity.key_sets import KeySets
from vault_gateway.identity.memory import Memory
from vault_gateway.model import Clock, Principal, Role

log = structlog.get_logger("vault_gateway.identity")


class _Registry(JWSRegistry):
    """joserfc's, without its warning that `EdDSA` has a new name: issuers go on using the old one."""

    max_header_length = 4096

    def get_alg(self, name: str) -> JWSAlgModel:
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=sorted(ALGORITHMS))


@dataclass(frozen=True, slots=True)
class _Admitted:
    principal: Principal
    until: datetime


class Jwts:
    """Finds the principal of a JWT, or nobody; the reason goes to the log and a metric only."""

    def __init__(self, database: Database, key_sets: KeySets, clock: Clock, *, longest_life_s: int) -> None:
        self._database = database
        self._key_sets = key_sets
        self._clock = clock
        self._longest_life_s = longest_life_s
        self._memory: Memory[_Admitted] = Memory()

    def principal(self, token: str) -> Principal | None:
        """Raises 503 `identity_provider_unavailable` when the issuer's keys cannot be had now."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._memory.recall(digest)
        if known is not None and self._clock() < known.until:
            return known.principal
        asked = time.monotonic()
        try:
            admitted = self._admit(token)
        except TokenRefused as refusal:
            metrics.REFUSED_JWTS.labels(refusal.reason).inc()
            log.info("jwt refused", reason=refusal.reason)
            return None
        self._memory.keep(digest, admitted, asked)
        return admitted.principal

    def _admit(self, token: str) -> _Admitted:
        compact = parse(token)
        claims = compact.claims
        issuer = text_claim(claims, "iss")
        if issuer is None:
            raise TokenRefused("unknown_issuer")
        with self._database.connection() as conn:
            row = issuer_store.trusted_issuer(conn, issuer)
        if row is None:
            raise TokenRefused("unknown_issuer")
        # Without a connection in hand: this may wait for the issuer's server.
        key = self._key_sets.find(row["id"], row["jwks"], compact.kid, compact.algorithm)
        _require_signature(compact, key)
        require_audience(claims)
        until = require_in_time(claims, self._clock(), self._longest_life_s)
        roles = frozenset(Role(role) for role in row["roles"])
        binding = Binding(roles, row["platform"], row["merchant"], row["carrier"])
        token_id = text_claim(claims, "jti")
        principal = replace(principal_of(row["id"], binding, claims), issuer=row["id"], jti=token_id)
        # What it agrees to must be revocable.
        if principal.role is Role.RESPONDER and token_id is None:
            raise TokenRefused("claim_missing")
        with self._database.connection() as conn:
            admitted = issuer_store.still_admitted(conn, row["id"], issuer, token_id, principal)
        if admitted is None:
            raise TokenRefused("revoked")
        return _Admitted(admitted, until)


def _require_signature(compact: Compact, key: Key) -> None:
    """joserfc checks the signature over the very bytes that `parse` read; the key is one for this algorithm."""
    try:
        jws.deserialize_compact(compact.token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        raise TokenRefused("signature") from None
