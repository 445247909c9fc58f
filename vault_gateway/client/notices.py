"""Messages to recipients whose phone the sender never sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vault_gateway.client.transport import Transport, segment


@dataclass(frozen=True, slots=True)
class Notice:
    """`state` is `queued`, `sent`, `dead` or `cancelled`; `reason` says why it is not sent (yet)."""

    notice_id: str
    waybill_no: str
    state: str
    tries: int
    reason: str | None = None


class Notices:
    def __init__(self, http: Transport) -> None:
        self._http = http

    def send(
        self, waybill_no: str, template: str, params: Mapping[str, Any], *, language: str = "zh"
    ) -> Notice:
        """By a template of the installation: `ready_for_pickup` with `place`, `code` and `window`, for instance."""
        body = {"waybill_no": waybill_no, "template": template, "language": language, "params": dict(params)}
        return _notice(self._http.create("/v1/notices", body))

    def get(self, notice_id: str) -> Notice:
        return _notice(self._http.get(f"/v1/notices/{segment(notice_id)}"))


def _notice(body: Mapping[str, Any]) -> Notice:
    return Notice(body["notice_id"], body["waybill_no"], body["state"], body["tries"], body.get("reason"))
