"""How an event is signed: Standard Webhooks 1.0.0, so that receivers in any language have a library for it.

The signature is HMAC-SHA256 over `id.timestamp.body`. The secret is 32 bytes that Vault makes of the webhook's id.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 -- what stands before one


def secret_text(secret: bytes) -> str:
    return SECRET_PREFIX + b64encode(secret).decode()


def signed_headers(secret: bytes, event: str, now: datetime, body: bytes) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(secret, f"{event}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": event,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": f"v1,{b64encode(signature).decode()}",
    }
