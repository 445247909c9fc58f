"""TwiML, the XML in which Twilio is told what to do. Of people it holds the number that has to be dialled, and no
more."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

MEDIA = "text/xml"

# Characters that XML 1.0 has no place for, however they are written.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RINGS_FOR_S = 60
_LISTENS_FOR_S = 10
# A virtual number answers with a voice that asks for the extension: two seconds for it to begin (`w` is half of one).
_PAUSE = "wwww"
_PROGRESS = "initiated ringing answered completed"


class TwiML:
    """A `Response` in the making: each method adds a verb."""

    def __init__(self) -> None:
        self._root = ET.Element("Response")

    def say(self, text: str, language: str) -> TwiML:
        _say(self._root, text, language)
        return self

    def gather(self, text: str, language: str, *, digits: int, action: str) -> TwiML:
        """Speaks and listens for `digits` keys; what came, and be it nothing, goes to `action`."""
        gather = ET.SubElement(
            self._root,
            "Gather",
            input="dtmf",
            numDigits=str(digits),
            timeout=str(_LISTENS_FOR_S),
            action=action,
            method="POST",
            actionOnEmptyResult="true",
        )
        _say(gather, text, language)
        return self

    def dial(
        self, number: str, extension: str | None, *, shows: str, at_most_s: int, action: str, progress: str
    ) -> TwiML:
        """The caller hears the ringing of the other side, which sees `shows`. `action` is asked when it is over, and
        `progress` told on the way."""
        dial = ET.SubElement(
            self._root,
            "Dial",
            callerId=shows,
            timeLimit=str(at_most_s),
            timeout=str(_RINGS_FOR_S),
            answerOnBridge="true",
            action=action,
            method="POST",
        )
        attributes = {"statusCallback": progress, "statusCallbackEvent": _PROGRESS}
        if extension is not None:
            attributes["sendDigits"] = _PAUSE + extension
        ET.SubElement(dial, "Number", attributes).text = number
        return self

    def message(self, text: str, *, to: str, shows: str, progress: str) -> TwiML:
        # Twilio's documents have it both ways which of the two is told. Telling twice changes nothing.
        attributes = {"to": to, "from": shows, "action": progress, "statusCallback": progress}
        ET.SubElement(self._root, "Message", attributes).text = _NOT_XML.sub("", text)
        return self

    def reply(self, text: str) -> TwiML:
        """A message back to who wrote."""
        ET.SubElement(self._root, "Message").text = text
        return self

    def redirect(self, url: str) -> TwiML:
        """Asks there how it goes on, without keys pressed."""
        ET.SubElement(self._root, "Redirect", method="POST").text = url
        return self

    def reject(self) -> TwiML:
        """Does not answer the call: nobody pays for it."""
        ET.SubElement(self._root, "Reject")
        return self

    def hang_up(self) -> TwiML:
        ET.SubElement(self._root, "Hangup")
        return self

    def text(self) -> str:
        return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(self._root, encoding="unicode")


def _say(parent: ET.Element, text: str, language: str) -> None:
    ET.SubElement(parent, "Say", language=language).text = text
