"""The labels room, described."""

from __future__ import annotations

from vault_gateway.documentation.codes import OF_BODIES
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.labels.http import MEDIA
from vault_gateway.labels.schemas import LabelSchema, LabelsSchema

_ROLES = ("merchant", "platform", "carrier")

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/waybills/{waybill_no}/label.{extension}",
        name="get_label",
        roles=_ROLES,
        summary="Print a label",
        text="`label.pdf`, or as dots `label.png` and `label.zpl` (one ^GFA field, so that a printer needs no font)."
        " Code 128 of the number, routing code, relay number with extension, masks of recipient and sender, and a QR"
        " code by which the recipient sees who looked at the data. Nothing is decrypted for it. A sign that the font"
        " lacks (Arabic, Thai, a rare ideograph) stands as 〓. Printing is written to"
        " the access log; a parcel whose way is over has no label.",
        query=LabelSchema,
        answers={200: Answer("The label.", media=tuple(MEDIA.values()))},
        codes=("forbidden", "not_found", "illegal_transition", "validation_failed"),
    ),
    Operation(
        method="post",
        path="/v1/waybills/labels",
        name="print_labels",
        roles=_ROLES,
        summary="Print many labels",
        text="Up to 200 numbers as one PDF, a page each, in order. All or none: where one cannot be printed,"
        " `errors` points at each such number.",
        bodies=(LabelsSchema,),
        body_examples={"two": {"waybill_nos": ["DYT20261111000042", "DYT20261111000043"], "size": "100x180"}},
        answers={200: Answer("The labels.", media=(MEDIA["pdf"],))},
        codes=("forbidden", "not_found", *OF_BODIES),
    ),
)
