"""Where several workers count together, each in files of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "vault-gateway-metrics-"


def prepare() -> None:
    """Makes one, unless the environment names one. prometheus-client decides by it when it is imported: call this
    before."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix=_PREFIX)


def remove() -> None:
    """Removes what `prepare` made."""
    folder = Path(os.environ.get(VARIABLE, ""))
    if folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
