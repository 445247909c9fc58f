"""A CSV file that grows by whole lines, and that a killed run continues."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

_BLOCK = 1 << 20


class OutputRefused(Exception):
    """The file cannot be written or continued; the message says why."""


class Output:
    """Held by one process at a time. What a killed run left of a line is cut off when the file is opened."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._path = path
        self._header = list(header)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputRefused(f"cannot write {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._require_ours()
            os.ftruncate(self._fd, end_of_lines(self._blocks()))
            os.lseek(self._fd, 0, os.SEEK_END)
            self._is_new = os.fstat(self._fd).st_size == 0
        except BlockingIOError:
            os.close(self._fd)
            raise OutputRefused(f"another run is writing {path}") from None
        except OutputRefused:
            os.close(self._fd)
            raise

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def done(self) -> Iterator[list[str]]:
        """The rows that are there, without the header; writes it to a new file."""
        if self._is_new:
            self.append([self._header])
            return
        with self._path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            try:
                next(rows, None)
                yield from rows
            except (csv.Error, UnicodeDecodeError):
                raise OutputRefused(f"{self._path} is no result of this command") from None

    def append(self, rows: Sequence[Sequence[str]]) -> None:
        """On disk before it returns."""
        left = memoryview(_written(rows))
        try:
            while left:
                left = left[os.write(self._fd, left) :]
            os.fsync(self._fd)
        except OSError as error:
            raise OutputRefused(f"cannot write {self._path}: {error.strerror}") from None

    def _require_ours(self) -> None:
        """Before anything is cut off, or a file that was named by mistake would lose what has no newline."""
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            raise OutputRefused(f"{self._path} is no regular file")
        header = _written([self._header])
        # Of a run that was killed at once only a part is there.
        if not header.startswith(os.pread(self._fd, len(header), 0)):
            raise OutputRefused(f"{self._path} has other columns: it is no result of this command")

    def _blocks(self) -> Iterator[bytes]:
        os.lseek(self._fd, 0, os.SEEK_SET)
        while block := os.read(self._fd, _BLOCK):
            yield block


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def end_of_lines(blocks: Iterator[bytes]) -> int:
    """Where the last whole CSV line ends: behind a newline with an even number of quotes before it."""
    end = position = quotes = 0
    for block in blocks:
        at = 0
        while (newline := block.find(b"\n", at)) >= 0:
            quotes += block.count(b'"', at, newline)
            at = newline + 1
            if quotes % 2 == 0:
                end = position + at
        quotes += block.count(b'"', at)
        position += len(block)
    return end
