"""Keeps the board in SQLite: one writer at a time, readers never wait, and each change with its log entries in one commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPIConnection

from board.model import Actor, Record, stamp
from board.tables import ENTITY_TYPES, activity, boards, metadata, served


def new_id() -> str:
    """A random id, as a UUID."""
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction under way: who acts and when. Whatever is written through it is logged in it."""

    connection: Connection
    actor: Actor
    at: str
    new_id: Callable[[], str]
    change_id: str
    touched: set[str] = field(default_factory=set)

    def by(self, actor: Actor, at: datetime) -> Change:
        """The same transaction, continued by somebody else at another instant."""
        return Change(self.connection, actor, stamp(at), self.new_id, self.new_id(), self.touched)

    def add(self, table: Table, action: str, **values: object) -> Record:
        """Insert a thing and log that it was created."""
        record = {column.name: values.get(column.name) for column in table.columns} | {
            "id": self.new_id(),
            "created_at": self.at,
            "updated_at": self.at,
            "version": 1,
        }
        self.connection.execute(insert(table), record)
        self.record(table, action, before=None, after=record)
        return record

    def revise(self, table: Table, before: Record, action: str, **values: object) -> Record:
        """Set values on a thing, raise its version and log it; nothing happens when nothing differs."""
        if all(before[name] == value for name, value in values.items()):
            return before
        after = before | values | {"updated_at": self.at, "version": before["version"] + 1}
        changed = {name: after[name] for name in (*values, "updated_at", "version")}
        self.connection.execute(_revision(table), changed | {"thing_id": before["id"]})
        self.record(table, action, before=before, after=after)
        return after

    def record(
        self, table: Table, action: str, *, before: Record | None, after: Record, board_id: str | None = None
    ) -> None:
        """Write the log entry: next `seq` of the board, at an instant not before the previous entry's."""
        board_id = board_id or (after["id"] if table is boards else after["board_id"])
        seq, at = self.connection.execute(_NEXT_SEQ, {"board": board_id, "at": self.at}).one()
        self.connection.execute(
            _ENTRY,
            {
                "board_id": board_id,
                "seq": seq,
                "id": self.new_id(),
                "change_id": self.change_id,
                "card_id": after["id"] if ENTITY_TYPES[table.name] == "card" else after.get("card_id"),
                "actor_id": self.actor.id,
                "actor_name": self.actor.name,
                "actor_kind": self.actor.kind,
                "action": action,
                "entity_type": ENTITY_TYPES[table.name],
                "entity_id": after["id"],
                "before": before and served(table, before),
                "after": served(table, after),
                "created_at": at,
            },
        )
        self.touched.add(board_id)


@cache
def _revision(table: Table) -> Update:
    """One statement object a table: building it anew costs as much as running it."""
    return update(table).where(table.c.id == bindparam("thing_id"))


_ENTRY = insert(activity)
_NEXT_SEQ = (
    update(boards)
    .where(boards.c.id == bindparam("board"))
    .values(
        last_seq=boards.c.last_seq + 1,
        last_activity_at=func.max(boards.c.last_activity_at, bindparam("at")),
    )
    .returning(boards.c.last_seq, boards.c.last_activity_at)
)


class Store:
    """The board's file. `reading` gives a consistent view, `change` the one writer's turn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = threading.Lock()
        self.listeners: list[Callable[[str], None]] = []  # told the board's id after each commit

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the file, and make it when it is not there."""
        engine = create_engine(f"sqlite:///{path}", pool_size=20, max_overflow=30)
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        metadata.create_all(engine)
        return cls(engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A view of the board as it is now, unchanged while it is open."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one writer's turn, for what is not on a board (keys, members, workspaces)."""
        with self._writer, self._engine.connect() as connection:
            connection = connection.execution_options(board_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def change(self, actor: Actor, at: datetime, ids: Callable[[], str] = new_id) -> Iterator[Change]:
        """One change to boards: committed whole with its log entries, then told to the listeners."""
        with self.writing() as connection:
            change = Change(connection, actor, stamp(at), ids, ids())
            yield change
        self.tell(change.touched)

    def tell(self, board_ids: set[str]) -> None:
        """Tell everybody who listens that these boards have changed."""
        for board_id in board_ids:
            for listener in self.listeners:
                listener(board_id)


def _set_up(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below; the driver would say it too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("board_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def one(connection: Connection, table: Table, thing_id: str) -> Record | None:
    """The thing with this id, unless it is not there or deleted."""
    row = (
        connection.execute(select(table).where(table.c.id == thing_id, table.c.deleted_at.is_(None)))
        .mappings()
        .first()
    )
    return dict(row) if row else None
