"""A private copy of the policies folder, so that nothing that serves depends on files which somebody is editing."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

PREFIX = "vault-gateway-policies-"


class Snapshot(Generic[T]):
    """`folder` is a whole copy of `origin` that was found good: `load` raises for any other.

    It is a symbolic link, and `renew` turns it to the next copy in one step: whoever reads it sees the old copy or
    the new one. A worker that starts later, because one has ended, goes by the same policies as its siblings.
    """

    def __init__(self, origin: Path, load: Callable[[Path], T]) -> None:
        self._origin = origin
        self._load = load
        self._home = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._numbers = itertools.count()
        try:
            first = self._next()
            shutil.copytree(origin, first)
            self._loaded = load(first)
        except BaseException:
            self.close()
            raise
        self._turn_to(first)

    @property
    def folder(self) -> Path:
        return self._home / "current"

    def current(self) -> T:
        """What `load` made of the copy in use: at hand, unless another process than this one has turned to it."""
        return self._loaded if self.folder.resolve() == self._copy else self._load(self.folder)

    def renew(self) -> None:
        """Takes all of `origin` as it is now. Where `load` raises, everything stays as it was."""
        before, following = self.folder.resolve(), self._next()
        try:
            shutil.copytree(self._origin, following)
            loaded = self._load(following)
        except BaseException:
            shutil.rmtree(following, ignore_errors=True)
            raise
        self._loaded = loaded
        self._turn_to(following)
        shutil.rmtree(before, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)

    def _next(self) -> Path:
        return self._home / str(next(self._numbers))

    def _turn_to(self, copy: Path) -> None:
        link = self._home / "next"
        link.symlink_to(copy.name)
        link.replace(self.folder)
        self._copy = copy.resolve()
