"""How far each person has read: what they said on the page, and what was delivered to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, union_all, update

from digests.ledger import tables
from digests.ledger.transactions import reading, writing
from digests.ledger.visits import seen_in
from warehouse.home import Home
from warehouse.model import Window


@dataclass(frozen=True, slots=True)
class Reading:
    """How far somebody has read, and when they said so."""

    person_id: str
    window: Window
    read_at: datetime
    via: str


def caught_up(home: Home, person_id: str, upto: int, now: datetime, *, via: str = "page") -> None:
    """Move the person's cursor: everything up to `upto` is read."""
    with writing(home) as con:
        before = cursors_in(con, [person_id]).get(person_id)
        after = min(before.window.upto if before else 0, upto)
        row = {"person_id": person_id, "after": after, "upto": upto, "read_at": now, "via": via}
        con.execute(tables.readings.insert().values(row))
        seen_in(con, person_id, now)


def undo_caught_up(home: Home, person_id: str, now: datetime) -> bool:
    """Take the person's last "I'm caught up" back; False when there is none."""
    with writing(home) as con:
        last = con.execute(
            select(func.max(tables.readings.c.reading_id)).where(
                tables.readings.c.person_id == person_id, tables.readings.c.undone_at.is_(None)
            )
        ).scalar()
        if last is None:
            return False
        con.execute(update(tables.readings).where(tables.readings.c.reading_id == last).values(undone_at=now))
        return True


def cursor(home: Home, person_id: str) -> Reading | None:
    """The furthest the person has read or been told; None before the first time."""
    with reading(home) as con:
        return cursors_in(con, [person_id]).get(person_id)


def cursors(home: Home, person_ids: Collection[str] | None = None) -> dict[str, Reading]:
    """`cursor` of all these people (of everybody without them) at once; who never read or was told is missing."""
    with reading(home) as con:
        return cursors_in(con, person_ids)


def cursors_in(con: Connection, person_ids: Collection[str] | None) -> dict[str, Reading]:
    """`cursors` within a transaction."""
    said, told = tables.readings.c, tables.digests.c
    read = select(said.person_id, said.after, said.upto, said.read_at.label("at"), said.via).where(
        said.undone_at.is_(None)
    )
    sent = select(
        told.person_id, told.after, told.upto, told.created_at.label("at"), literal("digest").label("via")
    ).where(told.state == "sent")
    if person_ids is not None:
        read, sent = read.where(said.person_id.in_(person_ids)), sent.where(told.person_id.in_(person_ids))
    every = union_all(read, sent).subquery()
    furthest = func.row_number().over(
        partition_by=every.c.person_id, order_by=(every.c.upto.desc(), every.c.at.desc())
    )
    ranked = select(every, furthest.label("place")).subquery()
    return {
        row.person_id: Reading(row.person_id, Window(row.after, row.upto), row.at, row.via)
        for row in con.execute(select(ranked).where(ranked.c.place == 1))
    }
