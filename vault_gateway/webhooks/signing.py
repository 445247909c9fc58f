"""How a parcel event is signed, and a notice on its way to a provider: Standard Webhooks 1.0.0, so that receivers in
any language have a library for it.

The signature is HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 -- what stands before one


def secret_text(secret: bytes) -> str:
    return SECRET_PREFIX + b64encode(secret).decode()


def signed_headers(secret: bytes, id_: str, now: datetime, body: bytes) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(secret, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": id_,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": f"v1,{b64encode(signature).decode()}",
    }
