"""What people were told: who they are, how far each has read, every digest and its state. SQLite, several processes.

A digest's row and its rendered message are written in one transaction before anything is sent; what a crash leaves
in `rendered` or `sending` is sent again as the same mail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Row

from digests.ledger import tables
from warehouse.home import Home
from warehouse.model import Window

STATES = tuple("rendered sending sent deferred refused skipped".split())
ATTEMPTS = 5
"""After so many deferrals a digest counts as refused."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far somebody has read, and when they said so."""

    person_id: str
    window: Window
    read_at: datetime
    via: str


@dataclass(frozen=True, slots=True)
class Digest:
    """One row of the ledger: a mail, or the receipt of why there was none."""

    digest_id: int
    person_id: str
    window: Window
    slot_at: datetime
    state: str
    reason: str
    counts: Mapping[str, Any]
    recipient: str
    message_id: str | None
    message: bytes | None
    attempts: int
    changed_at: datetime


def caught_up(home: Home, person_id: str, upto: int, now: datetime, *, via: str = "page") -> None:
    """Move the person's cursor: everything up to `upto` is read."""
    with tables.writing(home) as con:
        before = _cursor(con, person_id)
        after = min(before.window.upto if before else 0, upto)
        row = {"person_id": person_id, "after": after, "upto": upto, "read_at": tables.utc(now), "via": via}
        con.execute(tables.readings.insert().values(row))


def undo_caught_up(home: Home, person_id: str, now: datetime) -> bool:
    """Take the person's last "I'm caught up" back; False when there is none."""
    with tables.writing(home) as con:
        last = con.execute(
            select(func.max(tables.readings.c.reading_id)).where(
                tables.readings.c.person_id == person_id, tables.readings.c.undone_at.is_(None)
            )
        ).scalar()
        if last is None:
            return False
        con.execute(
            update(tables.readings)
            .where(tables.readings.c.reading_id == last)
            .values(undone_at=tables.utc(now))
        )
        return True


def cursor(home: Home, person_id: str) -> Reading | None:
    """The furthest the person has read or been told; None before the first time."""
    with tables.reading(home) as con:
        return _cursor(con, person_id)


def _cursor(con: Connection, person_id: str) -> Reading | None:
    read = select(
        tables.readings.c.after,
        tables.readings.c.upto,
        tables.readings.c.read_at.label("at"),
        tables.readings.c.via,
    ).where(tables.readings.c.person_id == person_id, tables.readings.c.undone_at.is_(None))
    sent = select(
        tables.digests.c.after,
        tables.digests.c.upto,
        tables.digests.c.created_at.label("at"),
        text("'digest' as via"),
    ).where(tables.digests.c.person_id == person_id, tables.digests.c.state == "sent")
    rows = [*con.execute(read), *con.execute(sent)]
    if not rows:
        return None
    last = max(rows, key=lambda row: (row.upto, row.at))
    return Reading(person_id, Window(last.after, last.upto), last.at.replace(tzinfo=UTC), last.via)


def digests(home: Home, person_id: str | None = None, *, states: Sequence[str] = ()) -> list[Digest]:
    """Digests and receipts, oldest first."""
    query = select(tables.digests).order_by(tables.digests.c.digest_id)
    if person_id is not None:
        query = query.where(tables.digests.c.person_id == person_id)
    if states:
        query = query.where(tables.digests.c.state.in_(states))
    with tables.reading(home) as con:
        return [_digest(row) for row in con.execute(query)]


def answer(home: Home, person_id: str, slot_at: datetime) -> Digest | None:
    """What became of that slot so far."""
    query = select(tables.digests).where(
        tables.digests.c.person_id == person_id, tables.digests.c.slot_at == tables.utc(slot_at)
    )
    with tables.reading(home) as con:
        row = con.execute(query).first()
        return _digest(row) if row else None


def skip(
    home: Home, person_id: str, window: Window, slot_at: datetime, reason: str, counts: object, now: datetime
) -> None:
    """Leave a receipt: the slot came, and why no mail went out."""
    with tables.writing(home) as con:
        row = _row(person_id, window, slot_at, "skipped", counts, now) | {"reason": reason}
        con.execute(insert(tables.digests).values(row).on_conflict_do_nothing())


def claim(
    home: Home,
    person_id: str,
    window: Window,
    slot_at: datetime,
    *,
    counts: object,
    recipient: str,
    message_id: str,
    message: bytes,
    now: datetime,
) -> Digest | None:
    """Take the slot and keep the message to be sent, in one transaction; None when another run has it.

    A digest of the same window that was given up is taken over: its content is the same.
    """
    mail = {"recipient": recipient, "message_id": message_id, "message": message, "reason": "", "attempts": 0}
    row = _row(person_id, window, slot_at, "rendered", counts, now) | mail
    again = update(tables.digests).where(
        tables.digests.c.person_id == person_id,
        tables.digests.c.upto == window.upto,
        tables.digests.c.state == "refused",
    )
    with tables.writing(home) as con:
        if not con.execute(again.values(row)).rowcount:
            con.execute(insert(tables.digests).values(row).on_conflict_do_nothing())
        found = con.execute(
            select(tables.digests).where(
                tables.digests.c.person_id == person_id, tables.digests.c.slot_at == tables.utc(slot_at)
            )
        ).first()
        return _digest(found) if found and found.state == "rendered" else None


def move(home: Home, digest_id: int, state: str, now: datetime, *, reason: str = "") -> None:
    """The digest's next state; a deferral counts an attempt, and the last one refuses."""
    values: dict[str, object] = {"state": state, "reason": reason, "changed_at": tables.utc(now)}
    with tables.writing(home) as con:
        if state == "deferred":
            values["attempts"] = tables.digests.c.attempts + 1
        con.execute(update(tables.digests).where(tables.digests.c.digest_id == digest_id).values(values))
        con.execute(
            update(tables.digests)
            .where(
                tables.digests.c.digest_id == digest_id,
                tables.digests.c.state == "deferred",
                tables.digests.c.attempts >= ATTEMPTS,
            )
            .values(state="refused")
        )


def save_people(home: Home, rows: Mapping[str, tuple[str, object]], now: datetime) -> None:
    """Write entries of people.toml (person_id to name and entry), all or none."""
    with tables.writing(home) as con:
        for person_id, (name, entry) in rows.items():
            row = {
                "name": name,
                "entry": json.dumps(entry, ensure_ascii=False),
                "imported_at": tables.utc(now),
            }
            statement = insert(tables.people).values(person_id=person_id, **row)
            con.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=row))


def saved_people(home: Home) -> dict[str, Any]:
    """The imported entries by person_id, in the order they came."""
    with tables.reading(home) as con:
        rows = con.execute(select(tables.people).order_by(text("rowid")))
        return {row.person_id: json.loads(row.entry) for row in rows}


def person_ids(home: Home) -> dict[str, str]:
    """The person_id each member was given when first met."""
    with tables.reading(home) as con:
        return {
            row.member: row.person_id
            for row in con.execute(select(tables.person_ids).order_by(text("rowid")))
        }


def keep_person_ids(home: Home, given: Mapping[str, str]) -> None:
    """Keep the ids of members that have none yet; the first word stands."""
    if not given:
        return
    with tables.writing(home) as con:
        for member, person_id in given.items():
            con.execute(
                insert(tables.person_ids).values(member=member, person_id=person_id).on_conflict_do_nothing()
            )


def _row(
    person_id: str, window: Window, slot_at: datetime, state: str, counts: object, now: datetime
) -> dict[str, object]:
    return {
        "person_id": person_id,
        "after": window.after,
        "upto": window.upto,
        "slot_at": tables.utc(slot_at),
        "state": state,
        "counts": json.dumps(counts),
        "created_at": tables.utc(now),
        "changed_at": tables.utc(now),
    }


def _digest(row: Row[Any]) -> Digest:
    return Digest(
        row.digest_id,
        row.person_id,
        Window(row.after, row.upto),
        row.slot_at.replace(tzinfo=UTC),
        row.state,
        row.reason,
        json.loads(row.counts),
        row.recipient,
        row.message_id,
        row.message,
        row.attempts,
        row.changed_at.replace(tzinfo=UTC),
    )
