"""The access log as files that other programs read: JSON lines, CSV, and OCSF for a SIEM."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from vault_gateway import __version__

Event = Mapping[str, Any]

CSV_COLUMNS = (
    "id", "time", "actor", "role", "action", "outcome", "reason", "policies", "resource", "platform", "merchant",
    "waybill", "order", "orders", "token", "tokens", "carrier", "station", "purpose", "fields", "detail", "request_id",
    "ip", "salt", "commitment",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# https://schema.ocsf.io, category Application Activity, class API Activity.
OCSF_VERSION = "1.3.0"
_CATEGORY, _CLASS = 6, 6003
_OTHER = 99
_ACTIVITIES = {"Create": 1, "Read": 2, "Update": 3, "Delete": 4}
_VERBS = {
    **dict.fromkeys(("create", "register", "issue", "request", "add", "grant"), "Create"),
    **dict.fromkeys(("read", "list", "search", "match", "claim", "release", "export"), "Read"),
    **dict.fromkeys(("event", "correct", "cancel", "ack", "revoke", "revoke_token", "approve"), "Update"),
    **dict.fromkeys(("erase", "remove"), "Delete"),
}
# Informational, low, medium.
_SEVERITIES = {"allow": 1, "deny": 2, "error": 3}


def json_lines(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """An event a line, with salt and commitment: all that an offline check needs."""
    for page in pages:
        yield b"".join(orjson.dumps(event) + b"\n" for event in page)


def ocsf_lines(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(orjson.dumps(ocsf(event)) + b"\n" for event in page)


def csv_lines(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """RFC 4180 with a header. Lists are joined by spaces, `detail` is JSON."""
    yield _csv([CSV_COLUMNS])
    for page in pages:
        yield _csv([_cell(event.get(name)) for name in CSV_COLUMNS] for event in page)


FORMATS: Mapping[str, tuple[str, Callable[[Iterable[list[dict[str, Any]]]], Iterator[bytes]]]] = {
    "jsonl": ("application/jsonl", json_lines),
    "csv": ("text/csv; charset=utf-8", csv_lines),
    "ocsf": ("application/jsonl", ocsf_lines),
}


def ocsf(event: Event) -> dict[str, Any]:
    """One event as OCSF API Activity. What the class has no place for is under `unmapped`."""
    verb = event["action"].rpartition(".")[2]
    activity = _VERBS.get(verb, "Other")
    activity_id = _ACTIVITIES.get(activity, _OTHER)
    well = event["outcome"] == "allow"
    mapped = {
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "vault-gateway", "vendor_name": "vault-gateway", "version": __version__},
            "uid": event["id"],
            "original_time": event["time"],
        },
        "time": _milliseconds(event["time"]),
        "category_uid": _CATEGORY,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "activity_id": activity_id,
        "activity_name": activity,
        "type_uid": _CLASS * 100 + activity_id,
        "severity_id": _SEVERITIES[event["outcome"]],
        "status_id": 1 if well else 2,
        "status": "Success" if well else "Failure",
        "actor": {
            "user": {"uid": event["actor"], "type_id": _OTHER, "type": event["role"]},
            "authorizations": [
                {"decision": event["outcome"], "policy": {"uid": policy}} for policy in event["policies"]
            ],
        },
        "api": {
            "operation": event["action"],
            "service": {"name": "vault-gateway"},
            "request": {"uid": event["request_id"]},
        },
        "src_endpoint": {"ip": event["ip"]} if event.get("ip") is not None else {"name": "unknown"},
        "resources": [
            {"type": name, "uid": uid}
            for name in ("resource", "waybill", "order", "token")
            if (uid := event.get(name)) is not None
        ]
        + [{"type": "order", "uid": order} for order in event.get("orders", ())]
        + [{"type": "token", "uid": token} for token in event.get("tokens", ())],
        "unmapped": {name: event[name] for name in _UNMAPPED if name in event},
    }  # fmt: skip
    return mapped if event.get("reason") is None else {**mapped, "status_detail": event["reason"]}


_UNMAPPED = (
    "platform",
    "merchant",
    "carrier",
    "station",
    "purpose",
    "fields",
    "detail",
    "salt",
    "commitment",
)


def _milliseconds(rfc3339: str) -> int:
    at = datetime.fromisoformat(rfc3339)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, list):
        text = " ".join(value)
    elif isinstance(value, dict):
        text = orjson.dumps(value).decode()
    else:
        text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
