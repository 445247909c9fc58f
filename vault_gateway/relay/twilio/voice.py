"""Calls: the extension asked for, the destination dialled, the end heard."""

from __future__ import annotations

from typing import Any

from vault_gateway.model import Caller, Clock
from vault_gateway.relay.records import Record, RecordService
from vault_gateway.relay.routing import Call, RoutingService
from vault_gateway.relay.twilio import speech, statuses
from vault_gateway.relay.twilio.speech import language_of, said
from vault_gateway.relay.twilio.twiml import TwiML

# How often a caller may enter an extension in one call. Over all calls, guessing has a limit of its own.
MOST_TRIES = 3
_PATH = "/v1/relay/twilio/voice"


class VoiceService:
    """Answers in TwiML. `base` is the URL under which Twilio finds this gateway."""

    def __init__(self, routing: RoutingService, records: RecordService, base: str, clock: Clock) -> None:
        self._routing = routing
        self._records = records
        self._url = base + _PATH
        self._clock = clock

    def call(self, who: Caller, call: Call, tries: int) -> TwiML:
        """`tries` counts how often the caller was asked for the extension before. 404 for a number that is not
        the telecom's own."""
        answer = self._routing.route(who, call)
        language = language_of(call.called)
        if answer["action"] == "connect":
            return self._dial(answer)
        if answer["action"] == "ask_extension":
            return self._ask(language, tries, answer["digits"])
        return self._rejected(call, answer["reason"], language, tries)

    def over(self, who: Caller, call_id: str, called: str, dial_status: str, call_status: str) -> TwiML:
        """The end of a `Dial`."""
        type_, reason = statuses.of_dial(dial_status, call_status)
        self._records.take(who, Record(call_id, type_, self._clock(), reason))
        answer = TwiML()
        if type_ == "failed":
            language = language_of(called)
            sentence = speech.BUSY if reason == "busy" else speech.NO_ANSWER
            answer.say(said(sentence, language), language)
        return answer.hang_up()

    def progress(self, who: Caller, call_id: str, status: str, timestamp: str | None) -> TwiML:
        """Of the leg to the destination."""
        became = statuses.of_leg(status)
        if became is not None:
            type_, reason = became
            at = statuses.moment(timestamp, self._clock())
            self._records.take(who, Record(call_id, type_, at, reason))
        return TwiML()

    def _dial(self, answer: dict[str, Any]) -> TwiML:
        return TwiML().dial(
            answer["destination"],
            answer.get("extension"),
            shows=answer["display"],
            at_most_s=answer["max_seconds"],
            action=f"{self._url}/over",
            progress=f"{self._url}/progress",
        )

    def _ask(self, language: str, tries: int, digits: int) -> TwiML:
        if tries >= MOST_TRIES:
            return TwiML().say(said(speech.REFUSED, language), language).hang_up()
        text = said(speech.ASK, language)
        return TwiML().gather(text, language, digits=digits, action=f"{self._url}?tries={tries + 1}")

    def _rejected(self, call: Call, reason: str, language: str, tries: int) -> TwiML:
        """Of the reason is heard what the caller can do something about. A call that was not answered yet stays so
        otherwise, which costs nobody anything."""
        if reason == "no_binding" and call.extension is not None:
            wrong = TwiML().say(said(speech.WRONG, language), language)
            return wrong.redirect(f"{self._url}?tries={tries}") if 0 < tries < MOST_TRIES else wrong.hang_up()
        if reason in ("expired", "cooling"):
            return TwiML().say(said(speech.CLOSED, language), language).hang_up()
        if tries:
            return TwiML().say(said(speech.REFUSED, language), language).hang_up()
        return TwiML().reject()
