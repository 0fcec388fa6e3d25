"""Reads sources into the warehouse: an export file, one pass over all boards, or following them for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingest.follow import follow
from ingest.keep import Summary, keep
from ingest.reader import Reader
from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Source,
    SourceChanged,
    SourceRefused,
    SourceUnavailable,
    trello,
)
from ingest.sources.flux import Flux
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Finding
from warehouse.reading import Warehouse

__all__ = ["Summary", "check", "follow", "import_file", "pull"]


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
    boards = source.boards()
    with Log.open(home) as log:
        try:
            found = [_pull_board(log, source, board, clock) for board in boards]
        finally:
            log.publish()
    return [summary for summary in found if summary]


def _pull_board(log: Log, source: Source, board: Board, clock: Clock) -> Summary | None:
    """What one board brought; None where it is gone since it was listed."""
    told: list[Batch] = []
    position = log.cursor(source.name, board.board_id) or ""
    reader = Reader(source, board, position, tell=lambda _, batch: told.append(batch), clock=clock)
    try:
        if reader.start() == "log":
            reader.catch_up()
    except BoardGone:
        return None
    return keep(log, told, source=source.name, board=board.board_id, title=board.title)


def check(base_url: str, api_key: str) -> list[Finding]:
    """Whether the Flux at this address lets us read, and how well each board can be read (for `doctor`)."""
    subject, step = (
        f"board {base_url}",
        "start the board (`daybreak up`), or check FLUX_BASE_URL and FLUX_API_KEY",
    )
    try:
        with Flux(base_url, api_key, attempts=1) as source:
            boards = source.boards()
            levels = [source.probe(board.board_id) for board in boards]
    except (SourceUnavailable, SourceRefused, SourceChanged, BoardGone) as error:
        return [Finding(ok=False, subject=subject, text=str(error), next_step=step)]
    if not boards:
        return [Finding(ok=False, subject=subject, text="the key sees no boards", next_step=step)]
    read = ", ".join(f"{levels.count(level)} by {level}" for level in sorted(set(levels)))
    return [Finding(ok=True, subject=subject, text=f"answers; boards it lets us read: {read}")]


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
