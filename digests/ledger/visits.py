"""Whether people come: when each was last here, and how many digests they were sent since."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select, union_all

from digests.ledger import tables
from digests.ledger.rows import insert
from digests.ledger.transactions import reading, writing
from warehouse.home import Home


def seen(home: Home, person_id: str, now: datetime) -> None:
    """Note that the person is here: they look at a page, or choose something. A mail program tells nobody."""
    with writing(home) as con:
        row = insert(con, tables.visits).values(person_id=person_id, seen_at=now)
        con.execute(row.on_conflict_do_update(index_elements=["person_id"], set_={"seen_at": now}))


def unread(home: Home) -> dict[str, int]:
    """How many digests in a row each person was sent without having been here since; nobody with none."""
    here = union_all(
        select(tables.visits.c.person_id, tables.visits.c.seen_at.label("at")),
        select(tables.readings.c.person_id, tables.readings.c.read_at.label("at")),
    ).subquery()
    last = select(here.c.person_id, func.max(here.c.at).label("at")).group_by(here.c.person_id).subquery()
    sent = tables.digests.c
    since = (
        select(sent.person_id, func.count().label("number"))
        .outerjoin(last, last.c.person_id == sent.person_id)
        .where(sent.state == "sent", or_(last.c.at.is_(None), sent.changed_at > last.c.at))
        .group_by(sent.person_id)
    )
    with reading(home) as con:
        return {row.person_id: row.number for row in con.execute(since)}
