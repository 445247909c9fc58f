"""Who carries a message to a phone: a signed webhook of one's own, or a REST service in Twilio's shape.

Both get the notice's id with each try, the same one however often, so that a repeated message can be told. The number
and the text are in the body alone; no error from here holds a part of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

import orjson
import urllib3

from vault_gateway.model import Clock
from vault_gateway.webhooks.signing import SECRET_PREFIX, signed_headers

# What the provider says of this one message, and will say again. All else may be better later.
_REFUSALS = frozenset({400, 410, 413, 422})
_TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0)


class Outcome(Enum):
    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    # There is nobody to ask: no message can be sent to this number.
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the same at each try. E.164 and the text: for the provider, and kept by nobody."""

    id: str
    to: str = field(repr=False)
    text: str = field(repr=False)


class Provider(Protocol):
    def send(self, message: Message) -> tuple[Outcome, str | None]:
        """What became of it and, if it was not sent, why: `timeout`, `no_connection` or `http_503`."""


class Webhook:
    """POST of `{id, to, text}` as JSON, signed as parcel events are."""

    def __init__(self, url: str, secret: str, clock: Clock, ca_file: Path | None = None) -> None:
        self._url = url
        self._key = (
            base64.b64decode(secret.removeprefix(SECRET_PREFIX))
            if secret.startswith(SECRET_PREFIX)
            else secret.encode()
        )
        self._clock = clock
        self._http = _http(ca_file)

    def send(self, message: Message) -> tuple[Outcome, str | None]:
        body = orjson.dumps({"id": message.id, "to": message.to, "text": message.text})
        headers = signed_headers(self._key, message.id, self._clock(), body)
        return _post(self._http, self._url, body, {"Content-Type": "application/json", **headers})


class TwilioMessages:
    """POST of a form to `/2010-04-01/Accounts/{sid}/Messages.json` with basic authentication."""

    def __init__(
        self, api_url: str, account: str, auth_token: str, sender: str, ca_file: Path | None = None
    ) -> None:
        self._url = f"{api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._authorization = urllib3.make_headers(basic_auth=f"{account}:{auth_token}")
        self._sender = sender
        self._http = _http(ca_file)

    def send(self, message: Message) -> tuple[Outcome, str | None]:
        # A messaging service (MG...) chooses the number itself.
        sender = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        form = {"To": message.to, sender: self._sender, "Body": message.text}
        headers: Mapping[str, str] = {
            **self._authorization,
            "Content-Type": "application/x-www-form-urlencoded",
            "I-Twilio-Idempotency-Token": message.id,
        }
        return _post(self._http, self._url, urlencode(form).encode(), headers)


def _http(ca_file: Path | None) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        maxsize=2, retries=False, timeout=_TIMEOUT, ca_certs=None if ca_file is None else str(ca_file)
    )


def _post(
    http: urllib3.PoolManager, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[Outcome, str | None]:
    try:
        # The status says it all. What else is answered may quote the message, and is not read.
        answer = http.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        status = answer.status
        answer.close()
    except urllib3.exceptions.NewConnectionError:  # which urllib3 counts among the timeouts
        return Outcome.LATER, "no_connection"
    except urllib3.exceptions.TimeoutError:
        return Outcome.LATER, "timeout"
    except (urllib3.exceptions.HTTPError, OSError):
        return Outcome.LATER, "no_connection"
    if 200 <= status < 300:
        return Outcome.SENT, None
    return Outcome.REFUSED if status in _REFUSALS else Outcome.LATER, f"http_{status}"
