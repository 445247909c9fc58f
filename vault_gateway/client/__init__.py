"""The Python SDK: typed answers, safe retries, sealed reveals.

from vault_gateway.client import Client, Value

with Client("https://vault.example", key) as vault:
    name, phone = vault.tokens.create([Value.name("Anna Muster"), Value.phone("19900000000")])
"""

from vault_gateway.client.answers import (
    AuditEvent,
    BreakGlass,
    Courier,
    Groups,
    ItemError,
    Masked,
    Recipient,
    RelayNumber,
    Reveal,
    Revealed,
    Segment,
    TokenInfo,
    Tokenized,
    Value,
    Waybill,
)
from vault_gateway.client.errors import ApiError, ClientFailure, NotSealedToUs, Unreachable
from vault_gateway.client.figures import Flow, UsageLine
from vault_gateway.client.gateway import Client
from vault_gateway.client.notices import Notice
from vault_gateway.client.relay import Binding, Call, Connected, Route
from vault_gateway.client.waybills import Order
from vault_gateway.client.webhooks import NotSigned, ParcelEvent, Webhook

__all__ = [
    "ApiError",
    "AuditEvent",
    "Binding",
    "BreakGlass",
    "Call",
    "Client",
    "ClientFailure",
    "Connected",
    "Courier",
    "Flow",
    "Groups",
    "ItemError",
    "Masked",
    "NotSealedToUs",
    "NotSigned",
    "Notice",
    "Order",
    "ParcelEvent",
    "Recipient",
    "RelayNumber",
    "Reveal",
    "Revealed",
    "Route",
    "Segment",
    "TokenInfo",
    "Tokenized",
    "Unreachable",
    "UsageLine",
    "Value",
    "Waybill",
    "Webhook",
]
