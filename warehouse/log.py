"""The event log's one writer: appends whole batches, keeps state beside them, publishes for readers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from types import TracebackType
from typing import Self

import duckdb

from warehouse.damage import RESTORE, is_damage
from warehouse.deriving import Deriving
from warehouse.home import Home
from warehouse.known import known
from warehouse.live import Live, live
from warehouse.migrations import WarehouseBroken
from warehouse.model import Appended, Batch, Snapshot
from warehouse.taking import add_events, one_int, take_people, take_snapshot
from warehouse.transactions import transaction
from warehouse.turns import WarehouseBusy
from warehouse.versions import SIZES, Sizes

__all__ = ["Log", "Sizes", "WarehouseBroken", "WarehouseBusy"]

TAKE_BACK = timedelta(minutes=10)
"""How long a writer that gave way waits for the file to come back."""


class Log:
    """The live warehouse, open for writing: a file by this process alone, a lake beside others. Use as a context manager.

    Three may be at work at once, each with a lock of its own: an append, what derives state or reads it, a publish.
    Who needs more than one takes the publish's first and the append's last. Among machines, each transaction is a turn.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._appending, self._reading, self._publishing = (
            threading.RLock(),
            threading.RLock(),
            threading.Lock(),
        )
        self._connect()

    @classmethod
    def open(cls, home: Home, *, wait: timedelta = timedelta(seconds=10), sizes: Sizes = SIZES) -> Log:
        """Take the warehouse for writing; WarehouseBusy when another process keeps it longer than `wait`.

        WarehouseBroken when the folder cannot be written, the file is damaged or newer code has written it.
        """
        place = live(home, sizes)
        place.take(wait)
        try:
            return cls(place)
        except BaseException:
            place.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The live database, to look at; it is written through `append` and `transaction`."""
        return self._con

    def close(self) -> None:
        """Take in what was appended, and give the warehouse back."""
        with self._publishing, self._reading, self._appending:
            try:
                # It can wait for the next writer.
                with contextlib.suppress(duckdb.Error, OSError, WarehouseBusy, WarehouseBroken):
                    self._deriving.catch_up()
                    self._versions.finish()
            finally:
                self._disconnect()

    def append(self, batch: Batch) -> Appended:
        """Add what is new of a batch, and move its cursor: all in one transaction or nothing.

        Events told before (same source and event_id) are left out; the others get the next offsets in batch order.
        The cost does not grow with the log: state takes the batch in later, before anybody can read it.
        """
        batch = self._live.keepable(batch)
        try:
            with self.transaction() as con:
                head = one_int(con, "select head from progress")
                new = add_events(con, batch.events, head)
                resaid = take_snapshot(con, batch.snapshot) + take_people(con, batch.people)
                moved = self._move_cursor(batch)
                if new or resaid or moved:
                    con.execute(
                        "update progress set revision = revision + 1, head = head + $new", {"new": new}
                    )
        except duckdb.Error as error:
            raise WarehouseBroken(_not_kept(self._live, batch, error)) from error
        return Appended(events=len(batch.events), new=new, upto=head + new)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write past `append`, with every other writer kept out: all in one transaction or nothing."""
        with self._appending, self._live.turn(), transaction(self._con):
            yield self._con

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
        with self._reading, self._deriving.up_to_date():
            return known(self._deriving.con, source, board_id)

    def publish(self) -> None:
        """Let readers see what is new, if anything is. Appends may go on beside it, from another thread.

        WarehouseBroken when it cannot be written: readers keep the version before, the log what it holds.
        """
        with self._publishing:
            try:
                self._versions.publish()
            except (duckdb.Error, OSError) as error:
                raise WarehouseBroken(_not_published(self._live, error)) from error

    def yield_turn(self) -> None:
        """Let a waiting writer have the file, then take it back. Cheap when nobody waits."""
        if not self._live.awaited():
            return
        self.publish()
        with self._publishing, self._reading, self._appending:
            self._disconnect()
            self._live.take(TAKE_BACK)
            self._connect()

    def _connect(self) -> None:
        self._con = self._live.connect()
        self._deriving = Deriving(self._live.beside(self._con), self._reading, self._live.turn)
        self._versions = self._live.versions(self._deriving, self._appending)

    def _disconnect(self) -> None:
        self._versions.close()
        self._deriving.close()
        self._con.close()
        self._live.release()

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


def _observed(batch: Batch) -> object:
    instants = [event.observed_at for event in batch.events]
    if batch.snapshot is not None:
        instants.append(batch.snapshot.taken_at)
    return max(instants, default=None)


def _not_published(live: Live, error: Exception) -> str:
    return (
        f"what is new in {live.name} could not be published: {error}\n"
        f"The log keeps it, readers have the version before{_then(error, f'; {live.cause} The next publish tries again.')}"
    )


def _not_kept(live: Live, batch: Batch, error: duckdb.Error) -> str:
    return (
        f"a batch of {len(batch.events)} events could not be written to {live.name}: {error}\n"
        f"Nothing of it is kept{_then(error, f', so the same can be tried again; {live.cause}')}"
    )


def _then(error: Exception, otherwise: str) -> str:
    return f". {RESTORE}" if is_damage(error) else otherwise
