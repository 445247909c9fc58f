"""SQL of the flows room: answers, sums of what is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vault_gateway.database import Connection, Row

DIMENSIONS = ("origin", "destination", "carrier", "network", "state", "time")
# What stands for a value that is withheld.
WITHHELD = "*"
# What the tens are added up by beforehand, the fewest lines first; the last answers every question.
_FACES = tuple(
    tuple(names.split())
    for names in (
        "carrier network state time",
        "origin destination",
        "origin carrier network state",
        "destination carrier network state",
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
        face = next(face for face in _FACES if needed.issubset(face))
        # As PostgreSQL's `grouping` numbers them.
        return sum(32 >> at for at, name in enumerate(DIMENSIONS) if name not in face)


def sums(
    conn: Connection, book: str, question: Question, after: Sequence[str] | None, limit: int
) -> list[Row]:
    """Lines in the order of `COLUMNS`, those after the line of these values; '' stands where nothing is told apart."""
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
          from flow_book b join flow_shown s on s.book = b.id
          where b.name = %(book)s and s.face = %(face)s and s.day between %(begins)s and %(ends)s
            and (%(origin)s::text is null or s.origin = %(origin)s)
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
            "begins": question.begins,
            "ends": question.ends,
            "after": None if after is None else list(after),
            "limit": limit,
        },
        # Planned for what is asked each time.
        prepare=False,
    ).fetchall()
