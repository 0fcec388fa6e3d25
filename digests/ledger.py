"""What people were told: who they are, how far each has read, every digest and its state. SQLite, several processes.

A digest's row and its rendered message are written in one transaction before anything is sent; what a crash leaves
in `rendered` or `sending` is sent again as the same mail.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Row
from sqlalchemy.pool import NullPool

from warehouse.home import Home
from warehouse.model import Window

STATES = "due rendered sending sent deferred refused skipped".split()
ATTEMPTS = 5
"""After so many deferrals a digest counts as refused."""

_meta = MetaData()
_people = Table(
    "people",
    _meta,
    Column("person_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("entry", String, nullable=False),  # the validated entry of people.toml, as JSON
    Column("imported_at", DateTime, nullable=False),
)
_person_ids = Table(
    "person_ids",
    _meta,
    Column("member", String, primary_key=True),
    Column("person_id", String, nullable=False),
)
_readings = Table(
    "readings",
    _meta,
    Column("reading_id", Integer, primary_key=True),
    Column("person_id", String, nullable=False, index=True),
    Column("after", Integer, nullable=False),
    Column("upto", Integer, nullable=False),
    Column("read_at", DateTime, nullable=False),
    Column("via", String, nullable=False),  # page or mail
    Column("undone_at", DateTime),
)
_digests = Table(
    "digests",
    _meta,
    Column("digest_id", Integer, primary_key=True),
    Column("person_id", String, nullable=False),
    Column("after", Integer, nullable=False),
    Column("upto", Integer, nullable=False),
    Column("slot_at", DateTime, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, default=""),
    Column("counts", String, nullable=False),
    Column("recipient", String, nullable=False, default=""),
    Column("message_id", String),
    Column("message", LargeBinary),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", DateTime, nullable=False),
    Column("changed_at", DateTime, nullable=False),
    # One digest a window and one answer a slot. A receipt (skipped) tells no window.
    Index("one_digest_a_window", "person_id", "upto", unique=True, sqlite_where=text("state <> 'skipped'")),
    Index("one_answer_a_slot", "person_id", "slot_at", unique=True),
)


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
    with _writing(home) as con:
        before = _cursor(con, person_id)
        after = min(before.window.upto if before else 0, upto)
        row = {"person_id": person_id, "after": after, "upto": upto, "read_at": _utc(now), "via": via}
        con.execute(_readings.insert().values(row))


def undo_caught_up(home: Home, person_id: str, now: datetime) -> bool:
    """Take the person's last "I'm caught up" back; False when there is none."""
    with _writing(home) as con:
        last = con.execute(
            select(func.max(_readings.c.reading_id)).where(
                _readings.c.person_id == person_id, _readings.c.undone_at.is_(None)
            )
        ).scalar()
        if last is None:
            return False
        con.execute(update(_readings).where(_readings.c.reading_id == last).values(undone_at=_utc(now)))
        return True


def cursor(home: Home, person_id: str) -> Reading | None:
    """The furthest the person has read or been told; None before the first time."""
    with _reading(home) as con:
        return _cursor(con, person_id)


def _cursor(con: Connection, person_id: str) -> Reading | None:
    read = select(
        _readings.c.after, _readings.c.upto, _readings.c.read_at.label("at"), _readings.c.via
    ).where(_readings.c.person_id == person_id, _readings.c.undone_at.is_(None))
    sent = select(
        _digests.c.after, _digests.c.upto, _digests.c.created_at.label("at"), text("'digest' as via")
    ).where(_digests.c.person_id == person_id, _digests.c.state == "sent")
    rows = [*con.execute(read), *con.execute(sent)]
    if not rows:
        return None
    last = max(rows, key=lambda row: (row.upto, row.at))
    return Reading(person_id, Window(last.after, last.upto), last.at.replace(tzinfo=UTC), last.via)


def digests(home: Home, person_id: str | None = None, *, states: Sequence[str] = ()) -> list[Digest]:
    """Digests and receipts, oldest first."""
    query = select(_digests).order_by(_digests.c.digest_id)
    if person_id is not None:
        query = query.where(_digests.c.person_id == person_id)
    if states:
        query = query.where(_digests.c.state.in_(states))
    with _reading(home) as con:
        return [_digest(row) for row in con.execute(query)]


def answer(home: Home, person_id: str, slot_at: datetime) -> Digest | None:
    """What became of that slot so far."""
    query = select(_digests).where(_digests.c.person_id == person_id, _digests.c.slot_at == _utc(slot_at))
    with _reading(home) as con:
        row = con.execute(query).first()
        return _digest(row) if row else None


def skip(
    home: Home, person_id: str, window: Window, slot_at: datetime, reason: str, counts: object, now: datetime
) -> None:
    """Leave a receipt: the slot came, and why no mail went out."""
    with _writing(home) as con:
        row = _row(person_id, window, slot_at, "skipped", counts, now) | {"reason": reason}
        con.execute(insert(_digests).values(row).on_conflict_do_nothing())


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
    again = update(_digests).where(
        _digests.c.person_id == person_id, _digests.c.upto == window.upto, _digests.c.state == "refused"
    )
    with _writing(home) as con:
        if not con.execute(again.values(row)).rowcount:
            con.execute(insert(_digests).values(row).on_conflict_do_nothing())
        found = con.execute(
            select(_digests).where(_digests.c.person_id == person_id, _digests.c.slot_at == _utc(slot_at))
        ).first()
        return _digest(found) if found and found.state == "rendered" else None


def move(home: Home, digest_id: int, state: str, now: datetime, *, reason: str = "") -> None:
    """The digest's next state; a deferral counts an attempt, and the last one refuses."""
    values: dict[str, object] = {"state": state, "reason": reason, "changed_at": _utc(now)}
    with _writing(home) as con:
        if state == "deferred":
            values["attempts"] = _digests.c.attempts + 1
        con.execute(update(_digests).where(_digests.c.digest_id == digest_id).values(values))
        con.execute(
            update(_digests)
            .where(
                _digests.c.digest_id == digest_id,
                _digests.c.state == "deferred",
                _digests.c.attempts >= ATTEMPTS,
            )
            .values(state="refused")
        )


def save_people(home: Home, rows: Mapping[str, tuple[str, object]], now: datetime) -> None:
    """Write entries of people.toml (person_id to name and entry), all or none."""
    with _writing(home) as con:
        for person_id, (name, entry) in rows.items():
            row = {"name": name, "entry": json.dumps(entry, ensure_ascii=False), "imported_at": _utc(now)}
            statement = insert(_people).values(person_id=person_id, **row)
            con.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=row))


def saved_people(home: Home) -> dict[str, Any]:
    """The imported entries by person_id, in the order they came."""
    with _reading(home) as con:
        rows = con.execute(select(_people).order_by(text("rowid")))
        return {row.person_id: json.loads(row.entry) for row in rows}


def person_ids(home: Home) -> dict[str, str]:
    """The person_id each member was given when first met."""
    with _reading(home) as con:
        return {row.member: row.person_id for row in con.execute(select(_person_ids).order_by(text("rowid")))}


def keep_person_ids(home: Home, given: Mapping[str, str]) -> None:
    """Keep the ids of members that have none yet; the first word stands."""
    if not given:
        return
    with _writing(home) as con:
        for member, person_id in given.items():
            con.execute(
                insert(_person_ids).values(member=member, person_id=person_id).on_conflict_do_nothing()
            )


def _row(
    person_id: str, window: Window, slot_at: datetime, state: str, counts: object, now: datetime
) -> dict[str, object]:
    return {
        "person_id": person_id,
        "after": window.after,
        "upto": window.upto,
        "slot_at": _utc(slot_at),
        "state": state,
        "counts": json.dumps(counts),
        "created_at": _utc(now),
        "changed_at": _utc(now),
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


def _utc(instant: datetime) -> datetime:
    """SQLite keeps no zones: every instant is kept as UTC without one."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def _engine(home: Home) -> Engine:
    engine = create_engine(f"sqlite:///{home.ledger}", poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, so that a writer waits its turn
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")

    return engine


@contextmanager
def _writing(home: Home) -> Iterator[Connection]:
    yield from _transaction(home, "begin immediate")


@contextmanager
def _reading(home: Home) -> Iterator[Connection]:
    yield from _transaction(home, "begin")


def _transaction(home: Home, begin: str) -> Iterator[Connection]:
    engine = _engine(home)
    if not home.ledger.exists() or home.ledger.stat().st_size == 0:
        home.root.mkdir(parents=True, exist_ok=True)
        _create(engine)
    with engine.connect() as con:
        con.exec_driver_sql(begin)
        try:
            yield con
        except BaseException:
            con.exec_driver_sql("rollback")
            raise
        con.exec_driver_sql("commit")


def _create(engine: Engine) -> None:
    with engine.connect() as con:
        con.exec_driver_sql("begin immediate")
        _meta.create_all(con)
        con.exec_driver_sql("commit")
