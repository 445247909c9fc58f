"""The recipient's page, described."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.console.texts import LANGUAGES
from vault_gateway.documentation.operations import ANYONE, Answer, Operation


class LanguageSchema(Schema):
    """The query of the page. What else stands there is not looked at."""

    lang = fields.String(validate=validate.OneOf(LANGUAGES))


OPERATIONS = (
    Operation(
        method="get",
        path="/receipt/{code}",
        name="receipt",
        roles=(ANYONE,),
        summary="Who looked at my data",
        text="The page behind a label's QR code, for the recipient: each time that a courier, a station or an emergency"
        " responder was given something, and each call, message and notice, with when, by which carrier, what and why."
        " No value is on it, nor a courier's name. In Chinese or English, by `lang` or the browser's language."
        " Whoever has the code sees it; an address that tries too many wrong ones is refused for a while.",
        query=LanguageSchema,
        answers={
            200: Answer("The page.", media=("text/html",)),
            404: Answer("The same for whatever is no parcel's code.", media=("text/html",)),
        },
        codes=("rate_limited", "database_unavailable"),
    ),
)
