"""A file through the gateway: in chunks, several on the way at once, written in order.

A chunk's Idempotency-Key follows from its content and place under the API key (an HMAC: a plain hash of a phone is
guessed in a second, and the gateway stores these keys). So a run that was killed between an answer and its line
in the result gets the same tokens again, for 24 hours.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

import orjson

from vault_gateway.client.answers import Tokenized, Value
from vault_gateway.client.bulk.columns import Columns
from vault_gateway.client.bulk.output import Output, OutputRefused
from vault_gateway.client.gateway import Client

VALUES_A_CHUNK = 900
Rows = list[list[str]]


class InputRefused(Exception):
    """The file cannot be read; the message says where and never what stands there."""


@dataclass(slots=True)
class Summary:
    rows: int = 0
    resumed: int = 0
    tokens: int = 0
    rows_with_errors: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, columns: Columns, row: Sequence[str]) -> None:
        self.rows += 1
        self.tokens += columns.tokens_in(row)
        if row[-1]:
            self.rows_with_errors += 1
            self.errors.update(error.rpartition(":")[2] for error in row[-1].split(" "))


@dataclass(frozen=True, slots=True)
class Input:
    path: Path
    encoding: str

    def header(self) -> list[str]:
        header = next(self._lines(), [])
        # Some encodings leave the byte order mark in the text.
        return [name.removeprefix("\ufeff") for name in header]

    def rows(self) -> Iterator[list[str]]:
        """All rows but the header; blank lines are none."""
        return islice(self._lines(), 1, None)

    def count(self) -> int:
        """Reads the whole file, so that one that cannot be read is refused before anything is sent."""
        return sum(1 for _ in self.rows())

    def _lines(self) -> Iterator[list[str]]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as lines:
                reader = csv.reader(lines)
                try:
                    yield from filter(None, reader)
                except csv.Error:
                    raise InputRefused(f"{self.path} is not CSV near line {reader.line_num}") from None
                except UnicodeError:
                    raise InputRefused(
                        f"{self.path} is not {self.encoding} near line {reader.line_num + 1}: name another"
                        " --encoding, for instance gb18030"
                    ) from None
        except LookupError:
            raise InputRefused(f"there is no encoding {self.encoding!r}") from None
        except OSError as error:
            raise InputRefused(f"cannot read {self.path}: {error.strerror}") from None


class Bulk:
    """`secret` keys the chunks' Idempotency-Keys: the API key. `tenant` names whose tokens these are."""

    def __init__(
        self, client: Client, columns: Columns, *, secret: str, tenant: str, region: str | None = None
    ) -> None:
        self._client = client
        self._columns = columns
        self._secret = secret.encode()
        self._tenant = tenant
        self._region = region
        self._rows_a_chunk = max(1, VALUES_A_CHUNK // columns.values_a_row)

    def run(
        self, source: Input, output: Output, *, parallel: int, advance: Callable[[int], object]
    ) -> Summary:
        """Continues `output` to the end of `source`. `advance` hears of rows that are written."""
        summary = Summary()
        done = self._check_done(source, output, summary)
        advance(done)
        first_chunk, skip = divmod(done, self._rows_a_chunk)
        rows = islice(source.rows(), first_chunk * self._rows_a_chunk, None)
        with ThreadPoolExecutor(parallel) as threads:
            on_the_way: deque[Future[Rows]] = deque()
            try:
                for number, chunk in enumerate(self._chunks(rows), first_chunk):
                    on_the_way.append(threads.submit(self._send, number, chunk))
                    if len(on_the_way) >= 2 * parallel:
                        skip = self._write(on_the_way.popleft().result(), skip, output, summary, advance)
                while on_the_way:
                    skip = self._write(on_the_way.popleft().result(), skip, output, summary, advance)
            finally:
                threads.shutdown(cancel_futures=True)
        return summary

    def _check_done(self, source: Input, output: Output, summary: Summary) -> int:
        """Walks what is written beside the input; returns the number of rows. Refuses the result of another."""
        written = output.done()
        first = next(written, None)
        if first is None:
            return 0
        for row, done in zip_longest(source.rows(), _chain(first, written)):
            if done is None:
                break
            if row is None or not self._columns.continues(row, done):
                raise OutputRefused(
                    f"the result that is there is not of this input (line {summary.rows + 2}): name another one"
                )
            summary.add(self._columns, done)
        summary.resumed = summary.rows
        return summary.rows

    def _chunks(self, rows: Iterator[list[str]]) -> Iterator[Rows]:
        while chunk := list(islice(rows, self._rows_a_chunk)):
            yield chunk

    def _send(self, number: int, rows: Rows) -> Rows:
        wanted = [self._columns.values(row, self._region) for row in rows]
        values = [value for of_row in wanted for value in of_row if isinstance(value, Value)]
        made = iter(
            self._client.tokens.create(values, idempotency_key=self._key(number, values)) if values else ()
        )
        results = []
        for row, of_row in zip(rows, wanted, strict=True):
            outcomes = []
            for value in of_row:
                one = next(made) if isinstance(value, Value) else None
                if one is None:
                    outcomes.append(("", str(value)))
                else:
                    outcomes.append((one.token, "") if isinstance(one, Tokenized) else ("", one.code))
            results.append(self._columns.result(row, outcomes))
        return results

    def _key(self, number: int, values: Sequence[Value]) -> str:
        content = orjson.dumps([self._tenant, number, [value.to_json() for value in values]])
        return f"file-{hmac.digest(self._secret, content, hashlib.sha256).hex()}"

    def _write(
        self, rows: Rows, skip: int, output: Output, summary: Summary, advance: Callable[[int], object]
    ) -> int:
        """Writes what is not there yet; the rest of the chunks are written whole."""
        output.append(rows[skip:])
        for row in rows[skip:]:
            summary.add(self._columns, row)
        advance(len(rows) - skip)
        return 0


def _chain(first: list[str], more: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from more
