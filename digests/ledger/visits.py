"""Whether people come: when each was last here, and how many digests they were sent since."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, union

from digests.ledger import tables
from digests.ledger.rows import insert
from digests.ledger.transactions import reading, writing
from warehouse.home import Home

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def seen(home: Home, person_id: str, now: datetime) -> None:
    """Note that the person is here: they look at a page, or choose something. A mail program tells nobody."""
    with writing(home) as con:
        seen_in(con, person_id, now)


def seen_in(con: Connection, person_id: str, now: datetime) -> None:
    """`seen` within a transaction."""
    row = insert(con, tables.visits).values(person_id=person_id, seen_at=now)
    con.execute(row.on_conflict_do_update(index_elements=["person_id"], set_={"seen_at": now}))


def unread(home: Home) -> dict[str, int]:
    """How many digests in a row each person was sent without having been here since; nobody with none.

    Only those are counted, through an index: the cost does not grow with how long somebody has been told.
    """
    known = union(select(tables.people.c.person_id), select(tables.person_ids.c.person_id)).subquery()
    visits, sent = tables.visits.c, tables.digests.c
    last = func.coalesce(visits.seen_at, _NEVER)
    since = (
        select(func.count())
        .where(sent.person_id == known.c.person_id, sent.state == "sent", sent.changed_at > last)
        .correlate(known, tables.visits)
        .scalar_subquery()
    )
    with reading(home) as con:
        everybody = known.outerjoin(tables.visits, visits.person_id == known.c.person_id)
        rows = con.execute(select(known.c.person_id, since).select_from(everybody))
        return {person_id: number for person_id, number in rows if number}
