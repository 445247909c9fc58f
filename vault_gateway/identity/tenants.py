"""Which merchant a request is about, and that it is registered."""

from __future__ import annotations

import threading

from vault_gateway.database import Connection
from vault_gateway.errors import GatewayError, not_allowed, not_found
from vault_gateway.identity import store
from vault_gateway.model import SLUG, Clock, Principal, Role, Tenant

_REMEMBER_AT_MOST = 100_000


def tenant_of_request(principal: Principal, platform: str | None, merchant: str | None) -> Tenant:
    """The tenant that is named, with the caller's own names where none is. Whether the caller may work there
    is for the policies to say. A platform has to name the merchant: 422 `merchant_required`."""
    if principal.role not in (Role.PLATFORM, Role.MERCHANT):
        return Tenant("-", "-")
    chosen_platform, chosen_merchant = platform or principal.platform, merchant or principal.merchant
    if chosen_platform is None or chosen_merchant is None:
        raise GatewayError("merchant_required", 422, "A platform names the merchant it works for.")
    if not SLUG.fullmatch(chosen_platform) or not SLUG.fullmatch(chosen_merchant):
        raise GatewayError("validation_failed", 422, "Names are 1 to 40 of a-z, 0-9 and -.")
    return Tenant(chosen_platform, chosen_merchant)


def denial(principal: Principal) -> GatewayError:
    """The answer on ground that is not the caller's: for those who have ground of their own it looks as if
    there were nothing; the other roles hear that this is not theirs to do, whatever they named."""
    if principal.role in (Role.PLATFORM, Role.MERCHANT):
        return not_found()
    return not_allowed()


class TenantRegistry:
    """Registers a merchant at its first use by its platform."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: set[Tenant] = set()

    def ensure(self, conn: Connection, tenant: Tenant) -> None:
        if tenant in self._known:
            return
        inserted = store.ensure_tenant(conn, tenant, self._clock())
        if inserted:
            # Not remembered until a later request finds it committed: this transaction may still roll back.
            return
        with self._lock:
            if len(self._known) >= _REMEMBER_AT_MOST:
                self._known.clear()
            self._known.add(tenant)
