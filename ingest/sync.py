"""Reads sources into the warehouse: an export file, one pass over all boards, or following them for good."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingest.follow import follow
from ingest.keep import Keeper, Summary, keep
from ingest.looking import Looks
from ingest.reader import Reader
from ingest.reconcile import Drift, Reconciler
from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Source,
    trello,
)
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import Warehouse

__all__ = ["Drift", "Summary", "follow", "import_file", "pull", "reconcile"]


def import_file(home: Home, path: Path, now: datetime) -> Summary:
    """Append what a Trello export file says; a file that is none raises `trello.BadExport` and changes nothing."""
    batch = trello.read(path, now)
    assert batch.snapshot is not None
    board = batch.snapshot.board_id
    with Log.open(home) as log:
        batch = _without_known_creations(home, log, batch)
        summary = keep(log, [batch], source=trello.SOURCE, board=board, title=trello.title(batch))
        log.publish()
    return summary


def pull(home: Home, source: Source, *, clock: Clock) -> list[Summary]:
    """Read every board of a source up to now.

    Raises SourceUnavailable, SourceRefused or SourceChanged; what was read before that is kept.
    """
    return [summary for summary, _ in _read(home, source, clock, is_held=False)]


def reconcile(home: Home, source: Source, *, clock: Clock) -> Iterator[Drift]:
    """Read every board up to now and hold the log against it; what both of two looks show becomes inferred events.

    Boards that are read by looking cannot drift: each look says what differs.
    """
    yield from (drift for _, drift in _read(home, source, clock, is_held=True) if drift)


def _read(
    home: Home, source: Source, clock: Clock, *, is_held: bool
) -> Iterator[tuple[Summary, Drift | None]]:
    boards = source.boards()
    with Log.open(home) as log, _few_collections():
        try:
            for board in boards:
                with suppress(BoardGone):  # since it was listed
                    yield _read_board(log, source, board, clock, is_held=is_held)
        finally:
            log.publish()


@contextmanager
def _few_collections() -> Iterator[None]:
    """Parsed pages hold no cycles: Python would look through each of them again and again, and find nothing to free."""
    threshold, *others = gc.get_threshold()
    gc.set_threshold(100_000, *others)
    try:
        yield
    finally:
        gc.set_threshold(threshold, *others)


def _read_board(
    log: Log, source: Source, board: Board, clock: Clock, *, is_held: bool
) -> tuple[Summary, Drift | None]:
    """What one board brought and, where the log `is_held` against it, what of it the log had not told."""
    started = time.perf_counter()
    with Keeper(log, source=source.name, board=board.board_id) as keeper:
        reconciler, drift = Reconciler(log), None

        def tell(_: Board, batch: Batch) -> None:
            keeper.tell(batch)
            if is_held:
                reconciler.heard(batch)

        reader = Reader(source, board, log.cursor(source.name, board.board_id), tell=tell, clock=clock)
        level = reader.probe()
        if level != "log":
            looks = Looks(log)
            looked = looks.batch(reader.look(), None) or looks.batch(reader.look(), None)
            assert looked is not None  # the second look is believed
            keeper.tell(looked)
        else:
            if reader.is_first:
                reader.begin()
            if is_held:
                drift = _hold(reader, reconciler, keeper)
            else:
                reader.catch_up()
    kept = keeper.kept
    summary = Summary(
        source=source.name,
        board=board.board_id,
        events=sum(summary.events for summary in kept),
        new=sum(summary.new for summary in kept),
        offset=kept[-1].offset if kept else log.append(Batch()).upto,
        seconds=time.perf_counter() - started,
        title=board.title,
        level=level,
        unknown=sum(summary.unknown for summary in kept),
    )
    return summary, drift


def _hold(reader: Reader, reconciler: Reconciler, keeper: Keeper) -> Drift:
    """Read a board's log to its end and hold it against the board; once more where it does not fit."""
    for _ in range(2):
        seen = reader.look()
        reader.catch_up()
        keeper.flush()
        drift, batch = reconciler.hold(seen)
        keeper.tell(batch)
        if not drift.suspected:
            break
    return drift


def _without_known_creations(home: Home, log: Log, batch: Batch) -> Batch:
    """The batch without inferred creations of cards whose making an earlier file has already told."""
    if not any(event.inferred for event in batch.events):
        return batch
    log.publish()  # so that what is read next is all that the log holds
    with Warehouse.open(home) as warehouse:
        found = warehouse.frame(
            "select card_id from events where source = $source and action = 'card.created' and not inferred",
            {"source": trello.SOURCE},
        )
    made = set(found["card_id"])
    return replace(
        batch, events=tuple(event for event in batch.events if not (event.inferred and event.card_id in made))
    )
