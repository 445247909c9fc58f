"""The policies that ship, with quotas that are in no test's way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from vault_gateway.settings.policies import default_policies

GENEROUS: dict[str, Any] = {
    "day_begins_utc": 20,
    "reveals_a_day": {"courier": 10**9, "merchant": {"deliver": 10**9, "contact": 10**9, "sort": 10**9}},
    "rates": {
        "reveals": {"courier": "1000000/minute", "station": "1000000/minute", "address": "1000000/minute"},
        "searches": {"client": "1000000/minute", "address": "1000000/minute"},
    },
    "scraping_alarm": {
        "usual_of_days": 14,
        "recipients": {"floor": 10**9, "times_usual": 3},
        "denials": {"floor": 10**9, "times_usual": 5},
    },
}


def policies_with(folder: Path, quotas: Mapping[str, Any] = GENEROUS) -> Path:
    """The policies that ship, in a new folder, with other quotas."""
    shutil.copytree(default_policies(), folder)
    (folder / "quotas.yaml").write_bytes(orjson.dumps(quotas))
    return folder
