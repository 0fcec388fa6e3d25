"""How far each person has read: what they said on the page, and what was delivered to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, Select, String, column, func, literal, select, update, values

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


def caught_up(home: Home, person_id: str, upto: int, now: datetime, *, via: str = "page") -> int:
    """Move the person's cursor: everything up to `upto` is read. The reading_id, by which this can be taken back."""
    with writing(home) as con:
        before = cursors_in(con, [person_id]).get(person_id)
        after = min(before.window.upto if before else 0, upto)
        row = {"person_id": person_id, "after": after, "upto": upto, "read_at": now, "via": via}
        said = con.execute(tables.readings.insert().values(row))
        seen_in(con, person_id, now)
        assert said.inserted_primary_key is not None
        return int(said.inserted_primary_key[0])


def undo_caught_up(home: Home, person_id: str, now: datetime, reading_id: int | None = None) -> bool:
    """Take an "I'm caught up" of the person's back, their last if none is named; False where it does not stand."""
    said = tables.readings.c
    with writing(home) as con:
        if reading_id is None:
            last = select(func.max(said.reading_id)).where(said.person_id == person_id, tables.STANDING)
            reading_id = con.execute(last).scalar()
        row = update(tables.readings).where(
            said.reading_id == reading_id, said.person_id == person_id, tables.STANDING
        )
        return bool(con.execute(row.values(undone_at=now)).rowcount)


def cursor(home: Home, person_id: str) -> Reading | None:
    """The furthest the person has read or been told; None before the first time."""
    with reading(home) as con:
        return cursors_in(con, [person_id]).get(person_id)


def cursors(home: Home, person_ids: Collection[str]) -> dict[str, Reading]:
    """`cursor` of all these people at once; who never read or was told is missing."""
    with reading(home) as con:
        return cursors_in(con, person_ids)


def cursors_in(con: Connection, person_ids: Collection[str]) -> dict[str, Reading]:
    """`cursors` within a transaction. Costs the same however long people have been told: one step in an index each."""
    if not person_ids:
        return {}
    asked = values(column("person_id", String)).data([(each,) for each in person_ids]).cte("asked")
    # Who has read what they were sent has read it: of two at one instant, what they said counts.
    rows = [*con.execute(_furthest_sent(asked)), *con.execute(_furthest_read(asked))]
    return {
        row.person_id: Reading(row.person_id, Window(row.after, row.upto), row.at, row.via)
        for row in sorted(rows, key=lambda row: (row.upto, row.at))
    }


def _furthest_read(asked: CTE) -> Select[Any]:
    said = tables.readings.c
    furthest = (
        select(said.reading_id)
        .where(said.person_id == asked.c.person_id, tables.STANDING)
        .order_by(said.upto.desc(), said.read_at.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(said.person_id, said.after, said.upto, said.read_at.label("at"), said.via).join_from(
        asked, tables.readings, said.reading_id == furthest
    )


def _furthest_sent(asked: CTE) -> Select[Any]:
    told = tables.digests.c
    furthest = (
        select(told.digest_id)
        .where(told.person_id == asked.c.person_id, tables.SENT)
        .order_by(told.upto.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    via = literal("digest").label("via")
    return select(told.person_id, told.after, told.upto, told.created_at.label("at"), via).join_from(
        asked, tables.digests, told.digest_id == furthest
    )
