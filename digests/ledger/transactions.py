"""Transactions on the ledger: a SQLite file in the home, or a PostgreSQL by URL that several workers share.

Writers take turns on both, so a claim is right by construction; readers never wait. Nothing slow (gathering,
rendering, a mail server) happens inside a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DisconnectionError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from digests.ledger import migrations
from warehouse.home import Home

TURN = 30
"""Seconds a writer waits for its turn; PostgreSQL also ends a transaction that has said nothing for so long."""
_WRITERS = 0x44_41_59
"""The advisory lock that PostgreSQL's writers take turns by."""


_FORM = "Write postgresql+psycopg://user:password@host/database, or leave it out for a file in the home."


class LedgerUnavailable(Exception):
    """The ledger cannot be used now: names it, why, and what to look at."""


@contextmanager
def writing(home: Home) -> Iterator[Connection]:
    """A transaction that writes: it waits for its turn, and is kept whole or not at all. Raises LedgerUnavailable."""
    with _connected(home) as con, _turn(con):
        yield con


@contextmanager
def reading(home: Home) -> Iterator[Connection]:
    """A transaction that sees one state of the ledger. Raises LedgerUnavailable."""
    with _connected(home) as con, con.begin():
        yield con


def close(home: Home) -> None:
    """Close the connections that are kept for the next transaction."""
    _engine(_url(home)).dispose()


@contextmanager
def _connected(home: Home) -> Iterator[Connection]:
    url = _url(home)
    try:
        with _engine(url).connect() as con:
            _bring_up_to_date(con, url)
            yield con
    except (OperationalError, InterfaceError, DatabaseError) as error:
        if isinstance(error, DatabaseError) and type(error) not in (DatabaseError, OperationalError):
            raise  # what we asked was wrong, not the place we asked
        raise LedgerUnavailable(_unavailable(url, str(error.orig))) from error


@contextmanager
def _turn(con: Connection) -> Iterator[None]:
    with con.execution_options(writes=True).begin():
        if con.dialect.name == "postgresql":
            con.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITERS})")
        yield


def _bring_up_to_date(con: Connection, url: URL) -> None:
    """Once a connection."""
    if "ledger" not in con.info:
        with con.begin():
            found = migrations.number(con)
        if found != migrations.NEWEST:
            with _turn(con):
                migrations.migrate(con, _name(url))
        con.info["ledger"] = migrations.NEWEST


def _url(home: Home) -> URL:
    if not home.ledger_url:
        home.root.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite", database=str(home.ledger))
    try:
        url = make_url(home.ledger_url)
    except ArgumentError as error:
        raise LedgerUnavailable(f"DAYBREAK_LEDGER is not a database's URL. {_FORM}") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerUnavailable(f"DAYBREAK_LEDGER names {url.drivername}, which is not known here. {_FORM}")
    return url


@cache
def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": TURN})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "checkout", _same_file)
        event.listen(engine, "begin", _begin)
        return engine
    limits = f"-c lock_timeout={TURN}s -c idle_in_transaction_session_timeout={TURN}s"
    told: dict[str, Any] = {"connect_timeout": 10, "application_name": "daybreak", "options": limits}
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,  # a log is no place for people's mail
            connect_args={key: value for key, value in told.items() if key not in url.query},
        )
    except NoSuchModuleError as error:
        raise LedgerUnavailable(
            f"DAYBREAK_LEDGER names {url.drivername}, which is not known here. {_FORM}"
        ) from error
    except ModuleNotFoundError as error:
        raise LedgerUnavailable(
            f"The ledger {_name(url)} needs {error.name}: start Daybreak with `uv run --extra postgres daybreak …`."
        ) from error


def _prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun below, so that a writer waits its turn
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    entry.info["file"] = _file(connection)


def _same_file(connection: sqlite3.Connection, entry: ConnectionPoolEntry, _: object) -> None:
    """A kept connection goes on with a file that was moved away; one that was put back shall be seen."""
    if entry.info["file"] != _file(connection):
        raise DisconnectionError


def _file(connection: sqlite3.Connection) -> int | None:
    _, _, path = connection.execute("pragma database_list").fetchone()
    return Path(path).stat().st_ino if Path(path).exists() else None


def _begin(con: Connection) -> None:
    con.exec_driver_sql("begin immediate" if con.get_execution_options().get("writes") else "begin")


def _name(url: URL) -> str:
    return url.database or "" if url.get_backend_name() == "sqlite" else str(url)  # without the password


def _unavailable(url: URL, why: str) -> str:
    look = "folder, disk and who else uses it" if url.get_backend_name() == "sqlite" else "DAYBREAK_LEDGER"
    return f"The ledger {_name(url)} cannot be used ({why.strip()}). Check {look}, and try again."
