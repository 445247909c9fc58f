"""10,000 values in one request: within the body limit, in bounded memory, all of them kept."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import psutil
