"""What is shown of exact counts: whole tens, and never ten that are fewer.

A page is one day of one book. Its cells are cut into tens: ten parcels of one cell that are shown together, each parcel
in at most one ten. What is left of a cell (up to 18 parcels) goes to the next coarser cell, where it meets what is left
of others: first the time to delivery is withheld, then the network, the carrier, the state, the origin and at last the
destination. What is left in the end, 18 parcels of a day at most, is not shown at all. So the tens are one partition of
the page, the same for every question. An answer is a sum of tens; a total is the sum of its parts, whatever they are
told apart by; and two answers, however they were filtered and whenever they were given, differ by tens. Statistical
offices know it as cell suppression and controlled rounding (Willenborg and de Waal, Elements of Statistical Disclosure
Control, 2001); that nobody is in a group of fewer than k is Sweeney's k-anonymity (2002).

A ten is shown once it is there and 0 to 9 parcels more. How many more is a secret of the book, the cell and the number
of the ten. So a count that is shown leaves 19 that are possible, and the parcel with which it grows by ten is one that
nobody can foretell.

Who adds parcels of their own until a ten turns up knows that the count is ten and the secret: ten counts are possible
then, none likelier than another. The next ten has a secret of its own, so that what others brought from the one to the
next is known to 9 more or fewer. Two things remain. With nine parcels of their own and luck (one in ten) they see that
there is one that is not theirs. And who keeps a cell at its edge, adding and cancelling parcels of their own, sees that
others came or went since, once a minute at most, though not whose. It takes the reader of a book and a merchant in it
who work together; and as a merchant, a platform and a carrier read of no parcel here that they cannot list one by one,
that is the book of all, or an answer that was passed on.

A ten hides who is in it, not what all in it have in common: where ten parcels of one way are all delivered, each is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from vault_gateway.database import Connection, patiently
from vault_gateway.flows.cutting import cut, due_pages
from vault_gateway.flows.store import alone, fold

# A page is not shown anew before.
SHOWN_EVERY = timedelta(minutes=1)
# What the first cut of a page of a million cells needs on a slow machine, nine tenths of it for writing its sums down:
# 90,000 cells become 740,000 of them in nine seconds. A page that was cut before takes a fraction of a second.
_LONGEST_S = 600


def keep_showing(conn: Connection, now: datetime, every: timedelta = SHOWN_EVERY) -> None:
    """The chore: folds all that was counted, and shows the pages that have changed and are due."""
    while _once(conn, lambda: fold(conn)):
        pass
    while _once(conn, lambda: _show(conn, now, now - every)):
        pass


def _show(conn: Connection, now: datetime, due: datetime) -> int:
    pages = due_pages(conn, due)
    if pages:
        cut(conn, pages, now)
    return len(pages)


def _once(conn: Connection, step: Callable[[], int]) -> int:
    with patiently(conn, _LONGEST_S):
        return step() if alone(conn) else 0
