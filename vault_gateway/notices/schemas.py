"""Shapes of the notices room's bodies."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.notices.templates import LANGUAGES


class NoticeSchema(Schema):
    waybill_no = fields.String(
        required=True, validate=validate.Regexp(r"\A[!-~]{1,64}\Z", error="1 to 64 visible ASCII characters.")
    )
    template = fields.String(
        required=True, validate=validate.Regexp(r"\A[a-z0-9_]{1,40}\Z", error="1 to 40 of a-z, 0-9 and _.")
    )
    language = fields.String(validate=validate.OneOf(LANGUAGES), load_default="zh")
    params = fields.Dict(keys=fields.String(), load_default=dict)
