"""The event log's one writer: appends whole batches, keeps state beside them, publishes for readers."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from warehouse import publish, state
from warehouse.home import Home
from warehouse.migrations import WarehouseBroken, migrate
from warehouse.model import Appended, Batch, Event, Snapshot
from warehouse.rows import event_rows, snapshot_rows
from warehouse.turns import Turns, WarehouseBusy

__all__ = ["Log", "WarehouseBroken", "WarehouseBusy"]

TAKE_BACK = timedelta(minutes=10)
"""How long a writer that gave way waits for the file to come back."""


class Log:
    """The live warehouse, open for writing by this process alone. Use as a context manager."""

    def __init__(self, home: Home, turns: Turns) -> None:
        self._home = home
        self._turns = turns
        self._publisher = publish.Publisher(home)
        self._con = _connect(home.warehouse_dir / "live.duckdb")

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
        """Give the warehouse back."""
        self._con.close()
        self._turns.release()

    def append(self, batch: Batch) -> Appended:
        """Add what is new of a batch, with the state it changes and its cursor: all in one transaction or nothing.

        Events told before (same source and event_id) are left out; the others get the next offsets in batch order.
        """
        self._con.begin()
        try:
            before = self._count("select coalesce(max(event_offset), 0) from events")
            new = self._add_events(batch.events, before)
            resaid = self._take_snapshot(batch.snapshot)
            moved = self._move_cursor(batch)
            if new or resaid:
                state.refresh(self._con, before)
            if new or resaid or moved:
                self._con.execute("update revisions set revision = revision + 1")
            self._con.commit()
        except duckdb.Error as error:
            self._undo()
            raise WarehouseBroken(_not_kept(self._home, batch, error)) from error
        except BaseException:
            self._undo()
            raise
        return Appended(events=len(batch.events), new=new, upto=before + new)

    def cursor(self, source: str, board_id: str) -> str | None:
        """How far the source has been read for this board, in its own terms."""
        row = self._con.execute(
            "select position from source_cursors where source = $source and board_id = $board_id",
            {"source": source, "board_id": board_id},
        ).fetchone()
        return None if row is None else str(row[0])

    def publish(self) -> None:
        """Let readers see what is new, if anything is."""
        self._publisher.publish(self._con, self._count("select revision from revisions"))

    def publish_due(self) -> bool:
        """Whether a busy loop should publish now: the last one is at least half a second ago."""
        return self._publisher.due()

    def yield_turn(self) -> None:
        """Let a waiting writer have the file, then take it back. Cheap when nobody waits."""
        if not self._turns.awaited():
            return
        self.publish()
        self._con.close()
        self._turns.release()
        self._turns.take(TAKE_BACK)
        self._con = _connect(self._home.warehouse_dir / "live.duckdb")

    def _add_events(self, events: tuple[Event, ...], before: int) -> int:
        if not events:
            return 0
        self._con.register("told", event_rows(events).with_row_index("told_at"))
        added = self._count(
            """
            insert into events
            select $before + row_number() over (order by told_at), told.* exclude (told_at)
            from told
            anti join (select source, event_id from events semi join told using (source, event_id))
                using (source, event_id)
            order by told_at
            """,
            before=before,
        )
        self._con.unregister("told")
        return added

    def _take_snapshot(self, snapshot: Snapshot | None) -> int:
        """Replace what the board's last snapshot said; how many things it says differently (in `resaid`)."""
        self._con.execute(
            "create or replace temp table resaid (source varchar, entity_type varchar, entity_id varchar)"
        )
        if snapshot is None or self._has_newer(snapshot):
            return 0
        board = {"source": snapshot.source, "board_id": snapshot.board_id}
        self._con.register("shown", snapshot_rows(snapshot))
        # People and the board itself stay known when a later snapshot leaves them out.
        self._con.execute(
            """
            insert into resaid
            select source, entity_type, entity_id from shown
            anti join snapshots using (source, board_id, entity_type, entity_id, fields)
            union all
            select source, entity_type, entity_id from snapshots
            anti join shown using (source, board_id, entity_type, entity_id)
            where source = $source and board_id = $board_id and entity_type not in ('member', 'board')
            """,
            board,
        )
        self._con.execute(
            """
            delete from snapshots where source = $source and board_id = $board_id
            and (entity_type, entity_id) in (select (entity_type, entity_id) from resaid)
            """,
            board,
        )
        self._con.execute(
            "insert into snapshots from shown where (entity_type, entity_id) in (select (entity_type, entity_id) from resaid)"
            " order by entity_type, entity_id"
        )
        self._con.unregister("shown")
        self._con.execute("delete from snapshot_times where source = $source and board_id = $board_id", board)
        self._con.execute(
            "insert into snapshot_times values ($source, $board_id, $at)", board | {"at": snapshot.taken_at}
        )
        return self._count("select count(*) from resaid")

    def _has_newer(self, snapshot: Snapshot) -> bool:
        return bool(
            self._count(
                "select count(*) from snapshot_times where source = $source and board_id = $board_id and taken_at > $at",
                source=snapshot.source,
                board_id=snapshot.board_id,
                at=snapshot.taken_at,
            )
        )

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

    def _count(self, sql: str, **params: object) -> int:
        row = self._con.execute(sql, params).fetchone()
        assert row is not None
        return int(row[0])


def _observed(batch: Batch) -> object:
    instants = [event.observed_at for event in batch.events]
    if batch.snapshot is not None:
        instants.append(batch.snapshot.taken_at)
    return max(instants, default=None)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        con = duckdb.connect(str(path))
    except duckdb.Error as error:
        raise _refused(path, error) from error
    try:
        con.execute("set TimeZone = 'UTC'")
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
    return WarehouseBroken(
        f"{path} cannot be opened: {error}\n"
        f"Move it away and ingest again, or start from the newest copy in {path.parent / 'published'}."
    )


def _not_writable(path: Path, error: Exception) -> str:
    return f"cannot write in {path} ({error}).\nMake it writable, or name another folder with --home or DAYBREAK_HOME."


def _not_kept(home: Home, batch: Batch, error: duckdb.Error) -> str:
    return (
        f"a batch of {len(batch.events)} events could not be written to {home.warehouse_dir}: {error}\n"
        f"Nothing of it is kept, so the same can be tried again; is the disk full?"
    )
