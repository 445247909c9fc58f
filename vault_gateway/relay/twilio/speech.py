"""The few sentences that a person hears or reads, in the language of where the relay number is."""

from __future__ import annotations

from collections.abc import Mapping

# By calling code: a voice that Twilio has. Elsewhere it is English.
_CHINESE: Mapping[str, str] = {"+852": "zh-HK", "+853": "zh-HK", "+886": "zh-TW", "+86": "zh-CN"}

ASK = ("请输入面单上的分机号。", "Please enter the extension on the label.")
WRONG = ("没有这个分机号。", "Nobody has this extension.")
CLOSED = ("这个包裹已经结束，号码不再可用。", "This parcel is closed.")
REFUSED = ("电话无法接通。", "This call cannot be connected.")
BUSY = ("对方正忙。", "The line is busy.")
NO_ANSWER = ("对方没有接听。", "Nobody answers.")
NOT_SENT = ("短信没有送出：请以面单上的分机号开头。", "Not sent: begin with the extension on the label.")

Sentence = tuple[str, str]


def language_of(number: str) -> str:
    """For a relay number in E.164."""
    return next((voice for code, voice in _CHINESE.items() if number.startswith(code)), "en-US")


def said(sentence: Sentence, language: str) -> str:
    chinese, english = sentence
    return chinese if language.startswith("zh") else english
