"""Shape of a webhook."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.waybills.states import State


class WebhookSchema(Schema):
    url = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[!-~]{10,2000}\Z", error="10 to 2,000 visible ASCII characters."),
    )
    events = fields.List(
        fields.String(validate=validate.OneOf([state.value for state in State])),
        validate=validate.Length(1, len(State)),
    )
