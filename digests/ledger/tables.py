"""The ledger's tables, and transactions on them. SQLite in WAL mode: readers never wait, writers take turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

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
    text,
)
from sqlalchemy.pool import NullPool

from warehouse.home import Home

_meta = MetaData()
people = Table(
    "people",
    _meta,
    Column("person_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("entry", String, nullable=False),  # the validated entry of people.toml, as JSON
    Column("imported_at", DateTime, nullable=False),
)
person_ids = Table(
    "person_ids",
    _meta,
    Column("member", String, primary_key=True),
    Column("person_id", String, nullable=False),
)
readings = Table(
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
digests = Table(
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


def utc(instant: datetime) -> datetime:
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
def writing(home: Home) -> Iterator[Connection]:
    """A transaction that writes: it waits for its turn, and is kept whole or not at all."""
    yield from _transaction(home, "begin immediate")


@contextmanager
def reading(home: Home) -> Iterator[Connection]:
    """A transaction that sees one state of the ledger."""
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
