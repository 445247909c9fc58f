"""One side of a call, as a SIP user agent (RFC 3261) that shows itself and nobody else."""

from __future__ import annotations

from typing import Any

from sippy.MsgBody import MsgBody
from sippy.SipAddress import SipAddress
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipURL import SipURL
from sippy.UA import UA

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO")
PRODUCT = "vault-gateway"


class Leg(UA):  # type: ignore[misc]  # sippy ships no types
    """`heard(event, leg)` is told what the other end does. Methods that could name a third party are refused
    (REFER, MESSAGE, UPDATE ...); the body of an INFO goes no further than here."""

    def __init__(self, config: dict[str, Any], heard: Any, trusted: frozenset[str], **more: Any) -> None:
        super().__init__(config, heard, **more)
        self._trusted = trusted
        self.local_ua = PRODUCT
        self.useRefer = False
        # The address is the one that listens: sippy fills it in where a message leaves.
        self.lContact = SipContact(address=SipAddress(url=SipURL(username="relay"), hadbrace=True))

    def dial_extension(self, extension: str) -> None:
        """Behind the number in the Request-URI (RFC 3966 in RFC 3261, 19.1.6), which sippy has made by now."""
        self.rTarget.userparams = [f"ext={extension}"]

    def recvRequest(self, request: Any, transaction: Any) -> Any:  # noqa: N802 - sippy's name
        refusal = refused(request, self._trusted)
        if refusal is not None:
            return refusal
        return super().recvRequest(request, transaction)

    def recvResponse(self, response: Any, transaction: Any) -> None:  # noqa: N802 - sippy's name
        """A refusal names nobody: sippy would send its ACK to the contact of a redirect, and that is a third
        party (RFC 3261, 17.1.1.3, has it sent where the INVITE went)."""
        if response.getSCode()[0] >= 300:
            response.delHFs("contact")
            response.delHFs("record-route")
        super().recvResponse(response, transaction)


def refused(request: Any, trusted: frozenset[str]) -> Any:
    """The answer to what is not for us, as sippy takes it; None where it is."""
    if request.getSource()[0] not in trusted:
        return _answer(request, 403, "Forbidden")
    if request.getMethod() not in ALLOWED:
        return _answer(request, 405, "Method Not Allowed", ("Allow", ", ".join(ALLOWED)))
    if request.countHFs("require"):
        return _answer(request, 420, "Bad Extension", ("Unsupported", str(request.getHFBody("require"))))
    return None


def _answer(request: Any, code: int, reason: str, header: tuple[str, str] | None = None) -> Any:
    response = request.genResponse(code, reason, server=PRODUCT)
    if header is not None:
        response.appendHeader(SipHeader(name=header[0], bodys=header[1]))
    return response, None, None


def body_of(text: str) -> Any:
    return MsgBody(text)
