"""What every duty stands on."""

from __future__ import annotations

from dataclasses import dataclass

from vault_gateway.audit.ledger import Ledger
from vault_gateway.couriers.watch import CourierWatch
from vault_gateway.database import Database
from vault_gateway.idempotency import RequestKeys
from vault_gateway.keys import Credential, Tokenizer, Vault
from vault_gateway.limits import Limits
from vault_gateway.model import Clock
from vault_gateway.rates import Rates
from vault_gateway.rules import RulesInForce
from vault_gateway.settings.model import Settings, SettingsError


@dataclass(frozen=True)
class Parts:
    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    limits: Limits
    ledger: Ledger
    rules: RulesInForce
    watch: CourierWatch

    def rates(self) -> Rates:
        return Rates(self.limits, self.rules.quotas, self.ledger)

    def credential(self, identity: str) -> Credential:
        """An identity that a duty of this node needs; one that it does not need is never asked for."""
        found = self.settings.identities.get(identity)
        if found is None:
            raise SettingsError(f"VAULT_GATEWAY_{identity.upper()}_ROLE_ID and _SECRET_ID are not set")
        return found

    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.vault, self.credential("tokenizer"))

    def request_keys(self) -> RequestKeys:
        return RequestKeys(self.tokenizer())
