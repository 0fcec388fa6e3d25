"""Batches into the log, and the one line that says what became of them."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from ingest.sources import Level
from warehouse.log import Log
from warehouse.model import Batch, Event, Snapshot

_PAGES = 2  # of a log that wait, or are kept at once: what bounds the memory of a long history


@dataclass(frozen=True, slots=True)
class Summary:
    """What one unit of work brought; as text it is the canonical line others script against.

    `unknown` counts the events among them that no word of ours fits: they are kept, with what the source said.
    """

    source: str
    board: str
    events: int
    new: int
    offset: int
    seconds: float
    title: str = ""
    level: Level | None = None
    unknown: int = 0

    def __str__(self) -> str:
        level = f" level={self.level}" if self.level else ""
        line = (
            f"source={self.source} board={self.board}{level} events={self.events} new={self.new} "
            f"unknown={self.unknown} offset={self.offset} seconds={self.seconds:.2f}"
        )
        return f"{line} title={json.dumps(self.title, ensure_ascii=False)}" if self.title else line


def keep(
    log: Log,
    batches: Iterable[Batch],
    *,
    source: str,
    board: str,
    title: str = "",
    level: Level | None = None,
) -> Summary:
    """Append batches of one board, each whole or not at all, giving a waiting writer its turn between them."""
    started = time.perf_counter()
    events = new = offset = unknown = 0
    for batch in batches:
        appended = log.append(batch)
        events, new, offset = events + appended.events, new + appended.new, appended.upto
        unknown += sum(event.action == "unknown" for event in batch.events)
        log.yield_turn()
    return Summary(
        source, board, events, new, offset, time.perf_counter() - started, title, level=level, unknown=unknown
    )


class Keeper:
    """Appends what one board tells on a thread of its own, so that the next page is read meanwhile.

    What has come by the time an append is done goes into the next one together. Use as a context manager: leaving it
    waits for everything to be kept, and raises what went wrong.
    """

    def __init__(self, log: Log, *, source: str, board: str, level: Level | None = None) -> None:
        self._log, self._source, self._board, self._level = log, source, board, level
        self._waiting: queue.Queue[Batch | None] = queue.Queue(maxsize=_PAGES)
        self._thread = threading.Thread(target=self._run, name=f"keep {board}", daemon=True)
        self._error: Exception | None = None
        self.kept: list[Summary] = []

    def tell(self, batch: Batch) -> None:
        """Hand on what is to be kept; waits while there is too much, raises what went wrong with what came before."""
        self._raise()
        self._waiting.put(batch)

    def flush(self) -> None:
        """Wait until all that was told is kept; raises what went wrong."""
        self._waiting.join()
        self._raise()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if error is None:
            self._raise()

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batches = [self._waiting.get()]
            with suppress(queue.Empty):
                while batches[-1] and len(batches) < _PAGES:
                    batches.append(self._waiting.get_nowait())
            is_over = batches[-1] is None
            try:
                if self._error is None and (told := [batch for batch in batches if batch]):
                    self.kept.append(
                        keep(
                            self._log,
                            [merged(told)],
                            source=self._source,
                            board=self._board,
                            level=self._level,
                        )
                    )
            except Exception as error:  # noqa: BLE001 - raised where the reading ends
                self._error = error
            for _ in batches:
                self._waiting.task_done()


def merged(batches: Iterable[Batch]) -> Batch:
    """Batches of one board as one: all events in order, everybody met, the newest snapshot, the last cursor."""
    events: list[Event] = []
    met: list[Snapshot] = []
    snapshot, cursor = None, None
    for batch in batches:
        events.extend(batch.events)
        met.extend(batch.people)
        snapshot, cursor = batch.snapshot or snapshot, batch.cursor or cursor
    return Batch(tuple(events), snapshot, cursor, tuple(met))
