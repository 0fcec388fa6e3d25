"""The warehouse that is written: a file of this machine, or a lake that several machines share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import duckdb

from warehouse import publish
from warehouse.damage import RESTORE
from warehouse.deriving import Deriving
from warehouse.home import Home
from warehouse.lake.live import LiveLake
from warehouse.migrations import WarehouseBroken, migrate
from warehouse.model import Batch
from warehouse.turns import Turns, WarehouseBusy
from warehouse.versions import FileVersions, Sizes
from warehouse.whole import BETWEEN_CHECKPOINTS

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "checkpoint_threshold": BETWEEN_CHECKPOINTS,
    "memory_limit": "96MB",  # a year of a team fits; beyond that it works on disk
    "threads": 1,  # it shares a machine with the board and the readers; a second one asks for half the memory again
    "storage_compatibility_version": "v1.3.0",  # a fifth smaller than what every version reads
}


class Versions(Protocol):
    """What makes versions of the live warehouse for readers, one thread at a time. Appends go on beside it."""

    def publish(self) -> None:
        """Let readers see what is new, if anything is."""

    def finish(self) -> None:
        """Leave readers of every kind what the last publish showed; the writer ends."""

    def close(self) -> None:
        """Let go of the warehouse."""


class Live(Protocol):
    """What the log needs of the place it is kept in."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def cause(self) -> str:
        """What is most often behind a write that failed, as a question."""

    def take(self, wait: timedelta) -> None:
        """Become a writer, waiting at most `wait`; WarehouseBusy after that, WarehouseBroken where it cannot be."""

    def release(self) -> None:
        """Stop being a writer; nothing if we are none."""

    def awaited(self) -> bool:
        """Whether another process waits for us to stop."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The database, brought to the newest schema; its name is that of its default tables."""

    def beside(self, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """A second connection to the same database, for a transaction of its own."""

    def keepable(self, batch: Batch) -> Batch:
        """The batch as it can be kept here."""

    def turn(self) -> AbstractContextManager[None]:
        """Keep other writers out for a transaction."""

    def versions(self, deriving: Deriving, appending: AbstractContextManager[object]) -> Versions:
        """What publishes that which `deriving` works on; who holds `appending` keeps appends out."""


def live(home: Home, sizes: Sizes) -> Live:
    """The home's live warehouse; nothing is opened yet."""
    return LiveFile(home, sizes) if home.lake is None else LiveLake(home.lake)


class LiveFile:
    """One file that one process writes at a time, and publishes copies of."""

    def __init__(self, home: Home, sizes: Sizes) -> None:
        self._home, self._sizes = home, sizes
        self._turns = Turns(home.warehouse_dir)

    @property
    def name(self) -> str:
        return self._home.warehouse

    @property
    def cause(self) -> str:
        return "is the disk full?"

    def take(self, wait: timedelta) -> None:
        try:
            self._home.warehouse_dir.mkdir(parents=True, exist_ok=True)
            self._turns.take(wait)
        except OSError as error:
            raise WarehouseBroken(_not_writable(self._home.root, error)) from error

    def release(self) -> None:
        self._turns.release()

    def awaited(self) -> bool:
        return self._turns.awaited()

    def connect(self) -> duckdb.DuckDBPyConnection:
        con = _connect(self._home.warehouse_dir / "live.duckdb")
        publish.sweep(self._home)
        return con

    def beside(self, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        return con.cursor()

    def keepable(self, batch: Batch) -> Batch:
        return batch

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        yield  # the file is ours alone

    def versions(self, deriving: Deriving, appending: AbstractContextManager[object]) -> Versions:
        return FileVersions(self._home, deriving, appending, self._sizes)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    if not path.exists() and any((path.parent / "published").glob("*.duckdb")):
        # To begin anew would give out offsets that readers have been told already.
        raise WarehouseBroken(f"{path} is missing, though versions of it are published.\n{RESTORE}")
    try:
        con = duckdb.connect(str(path), config=_SETTINGS)
    except duckdb.Error as error:
        raise _refused(path, error) from error
    try:
        con.execute("set global TimeZone = 'UTC'")  # cursors start from the global settings
        migrate(con, path)
    except BaseException:
        con.close()
        raise
    return con


def _refused(path: Path, error: duckdb.Error) -> WarehouseBusy | WarehouseBroken:
    if "Could not set lock" in str(error) or "being used by another process" in str(error):
        return WarehouseBusy(
            f"another tool has {path} open: {error}\n"
            f"Close it there; {path.parent.parent / 'warehouse.duckdb'} is the file made for reading."
        )
    if "Permission denied" in str(error):
        return WarehouseBroken(_not_writable(path, error))
    return WarehouseBroken(f"{path} cannot be opened: {error}\n{RESTORE}")


def _not_writable(path: Path, error: Exception) -> str:
    return f"cannot write in {path} ({error}).\nMake it writable, or name another folder with --home or DAYBREAK_HOME."
