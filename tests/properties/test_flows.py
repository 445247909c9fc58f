"""What is shown of flows, whatever the parcels and the questions: tens that no other question takes apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functional.flows.books import as_gateway
from tests.world import World, unique
from vault_gateway.database import Connection
from vault_gateway.flows.asking import COLUMNS, DIMENSIONS, WITHHELD, Question, lines
from vault_gateway.flows.cutting import cut, due_pages
from vault_gateway.flows.spans import FIRST, spans_of
from vault_gateway.flows.store import fold

# In spans of two, of eight, and apart.
DAYS = (date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 14), date(2027, 1, 15))
# Few of each, so that parcels often meet and as often do not.
VALUES = {
    "origin": ("浙江省", "广东省"),
    "destination": ("浙江省", "unknown"),
    "carrier": ("sf", "yto"),
    "network": ("douyin", "cainiao"),
    "state": ("created", "delivered"),
    "time": ("-", "0-12h"),
}
# What is left of a cell, or of a whole page, at most.
LEFT = 18

Cell = tuple[date, str, str, str, str, str, str]

_cells = st.tuples(st.sampled_from(DAYS), *(st.sampled_from(values) for values in VALUES.values()))
_parcels = st.dictionaries(_cells, st.integers(1, 45), max_size=25)
_moves = st.lists(st.tuples(st.integers(0, 10**6), _cells, st.integers(1, 12)), max_size=12)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    by = draw(st.sets(st.sampled_from(COLUMNS)))
    where = {name: draw(st.sampled_from(values)) for name, values in VALUES.items() if draw(st.booleans())}
    begins, ends = sorted((draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))))
    return Question(begins, ends, by, where)


@dataclass
class Book:
    """Parcels of a platform that no other test has, in a transaction that is rolled back."""

    conn: Connection
    platform: str
    exact: Counter[Cell]

    def add(self, cell: Cell, parcels: int) -> None:
        self.exact[cell] += parcels
        self.conn.execute(
            """
            insert into flow_delta
              (platform, merchant, day, origin, destination, carrier, network, state, time, parcels)
            values (%s, 'tea', %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (self.platform, *cell, parcels),
        )

    def move(self, moves: list[tuple[int, Cell, int]]) -> None:
        for pick, target, parcels in moves:
            standing = sorted(cell for cell, count in self.exact.items() if count > 0)
            if standing:
                source = standing[pick % len(standing)]
                moved = min(parcels, self.exact[source])
                self.add(source, -moved)
                self.add(target, moved)

    def show(self) -> None:
        while fold(self.conn):
            pass
        while pages := due_pages(self.conn, now := datetime.now(UTC)):
            cut(self.conn, pages, now)

    def ask(self, question: Question) -> list[dict[str, Any]]:
        return lines(self.conn, f"platform/{self.platform}", question, None, 100_000)

    def everything(self) -> list[dict[str, Any]]:
        return self.ask(Question(DAYS[0], DAYS[-1], COLUMNS, {}))


@pytest.fixture(scope="module")
def conn(world: World) -> Iterator[Connection]:
    with as_gateway(world) as conn:
        # What other tests counted is none of the work here.
        Book(conn, "", Counter()).show()
        yield conn


def opened(conn: Connection, parcels: dict[Cell, int]) -> Book:
    book = Book(conn, unique("p"), Counter())
    for cell, count in parcels.items():
        book.add(cell, count)
    return book


def holds(line: dict[str, Any], cell: Cell, names: tuple[str, ...]) -> bool:
    return str(cell[0]) == line["day"] and all(
        line[name] == value for name, value in zip(DIMENSIONS, cell[1:], strict=True) if name in names
    )


@settings(max_examples=40, deadline=None)
@given(parcels=_parcels, moves=_moves)
def test_tens_are_parcels_that_are_there_and_few_are_left(
    conn: Connection, parcels: dict[Cell, int], moves: list[tuple[int, Cell, int]]
) -> None:
    with conn.transaction(force_rollback=True):
        book = opened(conn, parcels)
        book.show()
        book.move(moves)
        book.show()
        lines = book.everything()
        # On each level: of what is equal in the dimensions that are still told, the tens that tell them or more.
        given_up = ("time", "network", "carrier", "state", "origin", "destination")
        for level in range(len(given_up) + 1):
            told = tuple(name for name in DIMENSIONS if name not in given_up[:level])
            shown: Counter[tuple[str, ...]] = Counter()
            for line in lines:
                if all(line[name] != WITHHELD for name in told):
                    shown[(line["day"], *(line[name] for name in told))] += line["parcels"]
            there: Counter[tuple[str, ...]] = Counter()
            for cell, count in book.exact.items():
                values = dict(zip(DIMENSIONS, cell[1:], strict=True))
                there[(str(cell[0]), *(values[name] for name in told))] += count
            assert all(0 <= there[key] - shown[key] <= LEFT for key in there | shown)


@settings(max_examples=40, deadline=None)
@given(parcels=_parcels, moves=_moves, asked=st.lists(questions(), min_size=2, max_size=6))
def test_any_two_answers_differ_by_nothing_or_by_ten_and_more(
    conn: Connection,
    parcels: dict[Cell, int],
    moves: list[tuple[int, Cell, int]],
    asked: list[Question],
) -> None:
    with conn.transaction(force_rollback=True):
        book = opened(conn, parcels)
        answers: list[int] = []
        for change in ([], moves[:4], moves[4:]):
            book.move(change)
            book.show()
            for question in asked:
                lines = [line["parcels"] for line in book.ask(question)]
                answers += [*lines, sum(lines)]
    assert all(abs(one - other) == 0 or abs(one - other) >= 10 for one, other in combinations(answers, 2))
    # Nor does adding up any of them, with whatever signs: they are all of tens.
    assert all(answer % 10 == 0 for answer in answers)


@settings(max_examples=40, deadline=None)
@given(parcels=_parcels, question=questions(), others=st.lists(st.sets(st.sampled_from(COLUMNS)), max_size=4))
def test_a_total_is_the_sum_of_its_parts_however_they_are_told_apart(
    conn: Connection, parcels: dict[Cell, int], question: Question, others: list[set[str]]
) -> None:
    with conn.transaction(force_rollback=True):
        book = opened(conn, parcels)
        book.show()
        kept = [
            line
            for line in book.everything()
            if all(line[name] == value for name, value in question.where.items())
            and str(question.begins) <= line["day"] <= str(question.ends)
        ]
        for by in ([], *others, question.by):
            answer = book.ask(Question(question.begins, question.ends, by, question.where))
            expected: Counter[tuple[str, ...]] = Counter()
            for line in kept:
                expected[tuple(line[name] if name in by else "" for name in COLUMNS)] += line["parcels"]
            assert {tuple(line[name] for name in COLUMNS): line["parcels"] for line in answer} == expected


@given(begins=st.dates(date(2000, 1, 1), date(2990, 1, 1)), more=st.integers(0, 365))
def test_spans_hold_each_day_once_and_are_few(begins: date, more: int) -> None:
    spans = list(spans_of(begins, begins + timedelta(days=more)))
    days = [first + timedelta(days=at) for span, first in spans for at in range(span)]
    assert days == [begins + timedelta(days=at) for at in range(more + 1)]
    assert all((first - FIRST).days % span == 0 for span, first in spans)
    assert len(spans) <= 2 * 6 + 365 // 64


def turns(conn: Connection, origin: str, secrets: int, upto: int) -> list[list[int]]:
    """For each of some secrets the counts at which another ten is shown."""
    rows = conn.execute(
        """
        select array_agg(n order by n) filter (where shown > before) as turns
        from (
          select secret, n, shown, lag(shown) over (partition by secret order by n) as before
          from (select sha256(s::text::bytea) as secret from generate_series(1, %s) s) as secrets,
               generate_series(0, %s) n,
               flow_tens(secret, '2026-11-11', %s, '*', '*', '*', '*', '*', n) shown) as steps
        group by secret
        """,
        (secrets, upto, origin),
    )
    return [row["turns"] for row in rows]


def test_a_ten_turns_up_once_it_is_there_at_a_count_that_none_can_foretell(conn: Connection) -> None:
    found = turns(conn, "浙江省", 400, 59)
    for number in range(4):
        at = [of_one[number] for of_one in found]
        assert set(at) == set(range(10 * (number + 1), 10 * (number + 1) + 10))
    # The next ten has a secret of its own: from one to the next are 1 to 19 parcels.
    assert {later - earlier for earlier, later, *_ in found} == set(range(1, 20))


def test_own_parcels_added_until_a_ten_turns_up_leave_ten_possible_counts(conn: Connection) -> None:
    """An insider with `own` parcels in a cell sees a ten turn up: with which counts of others can that be?"""
    turn = {of_one[0] for of_one in turns(conn, "广东省", 400, 29)}
    for own in range(1, 11):
        assert {at - own for at in turn} == set(range(10 - own, 20 - own))


def test_each_cell_and_each_book_has_a_secret_of_its_own(conn: Connection) -> None:
    cells = {tuple(turns(conn, f"cell {number}", 1, 59)[0]) for number in range(20)}
    assert len(cells) > 15
    with conn.transaction(force_rollback=True):
        rows = conn.execute(
            "insert into flow_book (name) values ('a-test'), ('b-test') returning secret"
        ).fetchall()
    assert len({row["secret"] for row in rows}) == 2
    assert all(len(row["secret"]) == 32 for row in rows)
