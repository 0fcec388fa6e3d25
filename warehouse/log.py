"""The event log's one writer: appends whole batches, keeps state beside them, publishes for readers."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from warehouse import publish, state
from warehouse.damage import RESTORE, is_damage
from warehouse.home import Home
from warehouse.known import known
from warehouse.migrations import WarehouseBroken, migrate
from warehouse.model import Appended, Batch, Snapshot
from warehouse.taking import add_events, one_int, take_people, take_snapshot
from warehouse.transactions import transaction
from warehouse.turns import Turns, WarehouseBusy

__all__ = ["Log", "WarehouseBroken", "WarehouseBusy"]

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "checkpoint_threshold": publish.BETWEEN_CHECKPOINTS,
    "memory_limit": "192MB",  # a year of a team fits; beyond that it works on disk
    "storage_compatibility_version": "v1.3.0",  # a fifth smaller than what every version reads
}

TAKE_BACK = timedelta(minutes=10)
"""How long a writer that gave way waits for the file to come back."""


class Log:
    """The live warehouse, open for writing by this process alone. Use as a context manager.

    Three may be at work at once, each with a lock of its own: an append, what derives state or reads it, a publish.
    Who needs more than one takes the publish's first and the append's last.
    """

    def __init__(self, home: Home, turns: Turns) -> None:
        self._home = home
        self._turns = turns
        self._appending, self._deriving, self._publishing = (
            threading.RLock(),
            threading.Lock(),
            threading.Lock(),
        )
        self._connect()

    @classmethod
    def open(cls, home: Home, *, wait: timedelta = timedelta(seconds=10)) -> Log:
        """Take the warehouse for writing; WarehouseBusy when another process keeps it longer than `wait`.

        WarehouseBroken when the folder cannot be written, the file is damaged or newer code has written it.
        """
        turns = Turns(home.warehouse_dir)
        try:
            home.warehouse_dir.mkdir(parents=True, exist_ok=True)
            turns.take(wait)
        except OSError as error:
            raise WarehouseBroken(_not_writable(home.root, error)) from error
        try:
            log = cls(home, turns)
            publish.sweep(home)
        except BaseException:
            turns.release()
            raise
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The live database, for proofs; the product writes through `append` only."""
        return self._con

    def close(self) -> None:
        """Take in what was appended, and give the warehouse back."""
        with self._publishing, self._deriving, self._appending:
            try:
                with contextlib.suppress(duckdb.Error):  # it can wait for the next writer
                    state.derive(self._state)
            finally:
                self._disconnect()

    def append(self, batch: Batch) -> Appended:
        """Add what is new of a batch, and move its cursor: all in one transaction or nothing.

        Events told before (same source and event_id) are left out; the others get the next offsets in batch order.
        The cost does not grow with the log: state takes the batch in later, before anybody can read it.
        """
        with self._appending:
            self._con.begin()
            try:
                head = one_int(self._con, "select head from progress")
                new = add_events(self._con, batch.events, head)
                resaid = take_snapshot(self._con, batch.snapshot) + take_people(self._con, batch.people)
                moved = self._move_cursor(batch)
                if new or resaid or moved:
                    self._con.execute(
                        "update progress set revision = revision + 1, head = head + $new", {"new": new}
                    )
                self._con.commit()
            except duckdb.Error as error:
                self._undo()
                raise WarehouseBroken(_not_kept(self._home, batch, error)) from error
            except BaseException:
                self._undo()
                raise
        return Appended(events=len(batch.events), new=new, upto=head + new)

    def cursor(self, source: str, board_id: str) -> str | None:
        """How far the source has been read for this board, in its own terms; None where it never was."""
        with self._appending:
            # All of it is fetched: a result that waits for more keeps its transaction open, and no version can be made.
            rows = self._con.execute(
                "select position from source_cursors where source = $source and board_id = $board_id",
                {"source": source, "board_id": board_id},
            ).fetchall()
        return str(rows[0][0]) if rows else None

    def known(self, source: str, board_id: str) -> Snapshot:
        """What the log and the newest snapshot together say of each thing on a board that is not deleted."""
        with self._deriving, transaction(self._state):
            state.take_in(self._state)
            return known(self._state, source, board_id)

    def publish(self) -> None:
        """Let readers see what is new, if anything is. Appends may go on beside it, from another thread.

        WarehouseBroken when it cannot be written: readers keep the version before, the log what it holds.
        """
        with self._publishing:
            try:
                with self._deriving:
                    state.derive(self._state)  # nearly all there is, while appends go on
                    with self._appending:
                        with transaction(self._state):
                            state.take_in(self._state)
                            revision = one_int(self._state, "select revision from progress")
                        if publish.is_current(self._home, revision):
                            return
                        draft = publish.Draft(self._state, self._home, revision)
                try:
                    draft.publish()
                finally:
                    with self._deriving:
                        draft.close()
            except (duckdb.Error, OSError) as error:
                raise WarehouseBroken(_not_published(self._home, error)) from error

    def yield_turn(self) -> None:
        """Let a waiting writer have the file, then take it back. Cheap when nobody waits."""
        if not self._turns.awaited():
            return
        self.publish()
        with self._publishing, self._deriving, self._appending:
            self._disconnect()
            self._turns.take(TAKE_BACK)
            self._connect()

    def _connect(self) -> None:
        self._con = _connect(self._home.warehouse_dir / "live.duckdb")
        self._state = self._con.cursor()

    def _disconnect(self) -> None:
        self._state.close()
        self._con.close()
        self._turns.release()

    def _move_cursor(self, batch: Batch) -> bool:
        cursor = batch.cursor
        if cursor is None or self.cursor(cursor.source, cursor.board_id) == cursor.position:
            return False
        key = {"source": cursor.source, "board_id": cursor.board_id}
        self._con.execute("delete from source_cursors where source = $source and board_id = $board_id", key)
        self._con.execute(
            "insert into source_cursors values ($source, $board_id, $position, $moved_at)",
            key | {"position": cursor.position, "moved_at": _observed(batch)},
        )
        return True

    def _undo(self) -> None:
        with contextlib.suppress(duckdb.Error):  # the database may have ended the transaction itself
            self._con.rollback()


def _observed(batch: Batch) -> object:
    instants = [event.observed_at for event in batch.events]
    if batch.snapshot is not None:
        instants.append(batch.snapshot.taken_at)
    return max(instants, default=None)


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


def _not_published(home: Home, error: Exception) -> str:
    return (
        f"what is new in {home.warehouse_dir} could not be published: {error}\n"
        f"The log keeps it, readers have the version before{_then(error, '; is the disk full? The next publish tries again.')}"
    )


def _not_kept(home: Home, batch: Batch, error: duckdb.Error) -> str:
    return (
        f"a batch of {len(batch.events)} events could not be written to {home.warehouse_dir}: {error}\n"
        f"Nothing of it is kept{_then(error, ', so the same can be tried again; is the disk full?')}"
    )


def _then(error: Exception, otherwise: str) -> str:
    return f". {RESTORE}" if is_damage(error) else otherwise
