"""Reads sources into the warehouse: an export file, one pass over all boards, or following them for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingest.follow import follow
from ingest.keep import Summary, keep
from ingest.reader import Reader
from ingest.sources import Board, BoardGone, Source, trello
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import Warehouse

__all__ = ["Summary", "follow", "import_file", "pull"]


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


def pull(home: Home, source: Source, *, say: Callable[[str], None]) -> list[Summary]:
    """Read every board of a source up to now, and say a line for each.

    Raises SourceUnavailable, SourceRefused or SourceChanged; what was read before that is kept.
    """
    boards = source.boards()
    summaries = []
    with Log.open(home) as log:
        try:
            for board in boards:
                if summary := _pull_board(log, source, board, say):
                    summaries.append(summary)
                    say(str(summary))
        finally:
            log.publish()
    return summaries


def _pull_board(log: Log, source: Source, board: Board, say: Callable[[str], None]) -> Summary | None:
    told: list[Batch] = []
    reader = Reader(source, board, _position(log, source, board), lambda _, batch: told.append(batch))
    try:
        if reader.start() == "log":
            reader.catch_up()
    except BoardGone as error:
        say(f"source={source.name} board={board.board_id} gone: {error}")
        return None
    return keep(log, told, source=source.name, board=board.board_id, title=board.title)


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


def _position(log: Log, source: Source, board: Board) -> int:
    return int(log.cursor(source.name, board.board_id) or 0)
