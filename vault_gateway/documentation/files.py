"""The scripts and styles of the page: ours, and Swagger UI as its wheel ships it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

# The wheel `flask-swagger-ui` carries Swagger UI (Apache-2.0) with its license. Its blueprint is not used: that one
# writes its settings into an inline script, which our Content-Security-Policy forbids.
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")
_OURS = ("docs.js", "docs.css", "mark.svg")
_MEDIA = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    plain: bytes
    media: str

    @cached_property
    def zipped(self) -> bytes:
        """Made when it is asked for: on most nodes nobody does."""
        return gzip.compress(self.plain, 6, mtime=0)


class AssetStore:
    """The few files that the page may ask for, in memory. Other names do not exist: nothing here opens a path."""

    def __init__(self) -> None:
        self._assets = {name: Asset(content, _MEDIA[name.rpartition(".")[2]]) for name, content in _read()}
        contents = b"".join(self._assets[name].plain for name in sorted(self._assets))
        # Part of the address, so that a browser may keep the files: a new release has new addresses.
        self.version = hashlib.sha256(contents).hexdigest()[:12]

    def find(self, version: str, name: str) -> Asset | None:
        return self._assets.get(name) if version == self.version else None


def _read() -> Iterator[tuple[str, bytes]]:
    swagger_ui, ours = resources.files("flask_swagger_ui") / "dist", resources.files(__package__) / "assets"
    for folder, names in ((swagger_ui, _SWAGGER_UI), (ours, _OURS)):
        for name in names:
            yield name, (folder / name).read_bytes()
