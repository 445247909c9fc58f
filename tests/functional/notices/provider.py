"""A provider of messages, over real HTTP: takes them as told, or fails in the ways that providers do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import parse_qs

from tests.in_thread import QuietHandler, ThreadedServer

SECRET = "a secret of the tests"
ACCOUNT, TOKEN, SENDER = "AC0123456789", "an auth token of the tests", "+12025550100"


@dataclass
class Provider:
    """`plan` is what becomes of the next requests: a status, `hang`, `cut` (taken, and no answer comes); with
    nothing in it all is well. `taken` are (id, phone, text) of well-signed requests, each as often as it came."""

    url: str = ""
    plan: deque[int | str] = field(default_factory=deque)
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    refused: int = 0
    came: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    provider: ClassVar[Provider]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = self._of_twilio(body) if self.path.startswith("/2010") else self._of_webhook(body)
        if message is None:
            self.provider.refused += 1
            self._answer(401)
            return
        self.provider.taken.append(message)
        planned = self.provider.plan.popleft() if self.provider.plan else 200
        self.provider.came.set()
        if planned == "hang":
            self.provider.let_go.wait(30)
        if isinstance(planned, str):
            self.close_connection = True
            self.connection.close()
            return
        self._answer(planned)

    def _answer(self, status: int) -> None:
        # What a provider says of an error may quote the message: nobody is to log it.
        said = json.dumps({"taken": self.provider.taken[-1:]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def _of_webhook(self, body: bytes) -> tuple[str, str, str] | None:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).decode()
        if self.path != "/send" or self.headers["webhook-signature"] != f"v1,{wanted}":
            return None
        message = json.loads(body)
        assert message["id"] == self.headers["webhook-id"]
        return message["id"], message["to"], message["text"]

    def _of_twilio(self, body: bytes) -> tuple[str, str, str] | None:
        basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if (self.path, self.headers["Authorization"], form["From"]) != (
            f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
            f"Basic {basic}",
            SENDER,
        ):
            return None
        return self.headers["I-Twilio-Idempotency-Token"], form["To"], form["Body"]


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with ThreadedServer(("127.0.0.1", 0), handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield provider
        finally:
            provider.let_go.set()
            server.shutdown()
            thread.join()
