"""SQL of the flows room: answers, sums of what is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from vault_gateway.database import Connection, Row
from vault_gateway.flows.spans import spans_of

T = TypeVar("T")
DIMENSIONS = ("origin", "destination", "carrier", "network", "state", "time")
# What stands for a value that is withheld.
WITHHELD = "*"
# What the tens are added up by beforehand (`cutting.py` has them by number), the fewest lines first; the last answers
# every question.
_FACES = tuple(
    tuple(names.split())
    for names in (
        "carrier network state time",
        "origin destination",
        "origin carrier state",
        "destination carrier state",
        "origin carrier network state time",
        "destination carrier network state time",
        "origin destination carrier network state time",
    )
)
# What lines can be told apart by, in the order that they are sorted by.
COLUMNS = ("day", *DIMENSIONS)


@dataclass(frozen=True, slots=True)
class Question:
    """Parcels made from `begins` to `ends`, both included, that have all of `where`."""

    begins: date
    ends: date
    by: Collection[str]
    where: Mapping[str, str]

    @property
    def face(self) -> int:
        """The one with the fewest lines that tells apart what is asked for."""
        needed = {*self.by, *self.where} - {"day"}
        return _number(next(face for face in _FACES if needed.issubset(face)))


def _number(face: Collection[str]) -> int:
    """As PostgreSQL's `grouping` numbers it."""
    return sum(32 >> at for at, name in enumerate(DIMENSIONS) if name not in face)


def lines(
    conn: Connection, book: str, question: Question, after: Sequence[str] | None, limit: int
) -> list[Row]:
    """The first lines in the order of `COLUMNS`, those after the line of these values; '' stands where nothing is told
    apart. Many lines are begun where they begin: by day with the first days, by origin with the first origins."""
    if "day" in question.by:
        first = question.begins if after is None else max(question.begins, date.fromisoformat(after[0]))
        days = [first + timedelta(days=at) for at in range((question.ends - first).days + 1)]
        return _until_enough(
            days,
            # Few lines a day: a month at once.
            32 if question.face == _number(_FACES[0]) else 1,
            limit,
            lambda some, n: _sums(conn, book, question, [(1, day) for day in some], None, after, n),
        )
    spans = list(spans_of(question.begins, question.ends))
    if question.face == 0 and "origin" in question.by and "origin" not in question.where:
        origins = _origins(conn, book, spans, "" if after is None else after[1])
        return _until_enough(
            origins, 1, limit, lambda some, n: _sums(conn, book, question, spans, some, after, n)
        )
    return _sums(conn, book, question, spans, None, after, limit)


def _until_enough(
    places: Sequence[T], width: int, limit: int, find: Callable[[Sequence[T], int], list[Row]]
) -> list[Row]:
    """Looks in the first `width` places, then in twice as many more: until `limit` lines are found."""
    found: list[Row] = []
    at = 0
    while at < len(places) and len(found) < limit:
        found += find(places[at : at + width], limit - len(found))
        at, width = at + width, width * 2
    return found


def _origins(conn: Connection, book: str, spans: Sequence[tuple[int, date]], since: str) -> list[str]:
    rows = conn.execute(
        """
        select distinct s.origin from flow_book b
        cross join unnest(%s::integer[], %s::date[]) as part (span, day)
        join flow_shown s on s.book = b.id and s.face = 15 and s.span = part.span and s.day = part.day
        where b.name = %s and s.origin >= %s order by 1
        """,
        ([span for span, _ in spans], [day for _, day in spans], book, since),
        prepare=False,
    )
    return [row["origin"] for row in rows]


def _sums(
    conn: Connection,
    book: str,
    question: Question,
    spans: Sequence[tuple[int, date]],
    origins: Sequence[str] | None,
    after: Sequence[str] | None,
    limit: int,
) -> list[Row]:
    return conn.execute(
        """
        select coalesce(day::text, '') as day, origin, destination, carrier, network, state, time, parcels from (
          select case when %(by_day)s then s.day end as day,
                 case when %(by_origin)s then s.origin else '' end as origin,
                 case when %(by_destination)s then s.destination else '' end as destination,
                 case when %(by_carrier)s then s.carrier else '' end as carrier,
                 case when %(by_network)s then s.network else '' end as network,
                 case when %(by_state)s then s.state else '' end as state,
                 case when %(by_time)s then s.time else '' end as time,
                 sum(s.parcels)::bigint as parcels
          from flow_book b
          cross join unnest(%(spans)s::integer[], %(days)s::date[]) as part (span, day)
          join flow_shown s on s.book = b.id and s.face = %(face)s and s.span = part.span and s.day = part.day
          where b.name = %(book)s
            and (%(origin)s::text is null or s.origin = %(origin)s)
            and (%(origins)s::text[] is null or s.origin = any(%(origins)s::text[]))
            and (%(destination)s::text is null or s.destination = %(destination)s)
            and (%(carrier)s::text is null or s.carrier = %(carrier)s)
            and (%(network)s::text is null or s.network = %(network)s)
            and (%(state)s::text is null or s.state = %(state)s)
            and (%(time)s::text is null or s.time = %(time)s)
          group by 1, 2, 3, 4, 5, 6, 7) as line
        where %(after)s::text[] is null
           or array[coalesce(day::text, ''), origin, destination, carrier, network, state, time]
              collate "C" > %(after)s::text[]
        order by 1, 2, 3, 4, 5, 6, 7
        limit %(limit)s
        """,
        {
            **{f"by_{name}": name in question.by for name in COLUMNS},
            **{name: question.where.get(name) for name in DIMENSIONS},
            "book": book,
            "face": question.face,
            "spans": [span for span, _ in spans],
            "days": [day for _, day in spans],
            "origins": None if origins is None else list(origins),
            "after": None if after is None else list(after),
            "limit": limit,
        },
        # Planned for what is asked each time.
        prepare=False,
    ).fetchall()
