"""Messages: passed on with phone numbers in them masked, and what became of them."""

from __future__ import annotations

from vault_gateway.model import Caller, Clock
from vault_gateway.relay.records import Record, RecordService
from vault_gateway.relay.routing import Call, RoutingService
from vault_gateway.relay.twilio import speech, statuses
from vault_gateway.relay.twilio.speech import language_of, said
from vault_gateway.relay.twilio.twiml import TwiML

_PATH = "/v1/relay/twilio/sms"
# Of what a sender hears. Whoever is locked, or a stranger, hears nothing: no machine is answered for long.
_REPLIES = {"no_binding": speech.NOT_SENT, "expired": speech.CLOSED, "cooling": speech.CLOSED}


class MessageService:
    """Answers in TwiML. `base` is the URL under which Twilio finds this gateway."""

    def __init__(self, routing: RoutingService, records: RecordService, base: str, clock: Clock) -> None:
        self._routing = routing
        self._records = records
        self._url = base + _PATH
        self._clock = clock

    def message(self, who: Caller, call: Call) -> TwiML:
        """Pictures are not passed on: nobody could mask what is on them. 404 for a number that is not the telecom's
        own."""
        answer = self._routing.route(who, call)
        if answer["action"] != "connect":
            return self._refused(call, answer["reason"])
        text = " ".join(part for part in (answer.get("extension"), answer["text"].strip()) if part)
        if not answer["text"].strip():
            # An extension alone, or a picture. Twilio sends no empty message, and a telecom owes a record.
            self._records.take(who, Record(call.call_id, "failed", self._clock(), "no_text"))
            return TwiML()
        return TwiML().message(
            text,
            to=answer["destination"],
            shows=answer["display"],
            progress=f"{self._url}/progress?message={call.call_id}",
        )

    def progress(self, who: Caller, call_id: str, status: str) -> TwiML:
        became = statuses.of_message(status)
        if became is not None:
            type_, reason = became
            self._records.take(who, Record(call_id, type_, self._clock(), reason))
        return TwiML()

    def _refused(self, call: Call, reason: str) -> TwiML:
        sentence = _REPLIES.get(reason)
        if sentence is None or not call.caller:
            return TwiML()
        return TwiML().reply(said(sentence, language_of(call.called)))
