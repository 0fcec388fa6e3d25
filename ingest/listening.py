"""The threads that read while one loop writes: one listens to each board, one looks for new boards."""

from __future__ import annotations

import queue
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from ingest.health import Health
from ingest.reader import Reader
from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Level,
    Source,
    SourceChanged,
    SourceUnavailable,
    StreamEnded,
    Streaming,
)
from warehouse.model import Batch, Snapshot


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done, in seconds. The defaults suit people who look at a board; tests hurry."""

    publish: float = 0.5  # publishes are at least this far apart
    relist: float = 30.0  # between looks for new boards, and at what is odd
    check: float = 60.0  # between reads of the log although the stream is silent
    reconcile: float = 3600.0  # between comparisons of the log with how the board stands
    first_reconcile: float = 60.0
    first_retry: float = 0.2
    last_retry: float = 10.0
    longest_reconnect: float = 60.0  # whatever a stream asks for
    rest: float | None = None  # between looks where nothing rings; None: as each source has it
    jitter: Callable[[], float] = field(default=random.random)

    def retry(self, attempt: int) -> float:
        """Seconds before the next attempt: doubling, with jitter so that readers do not come back all at once."""
        longest = min(self.last_retry, self.first_retry * 2.0 ** min(attempt, 30))
        return longest * (0.5 + self.jitter() / 2)

    def reconnect(self, asked: timedelta | None, attempt: int) -> float:
        """Seconds before listening again: what the stream asked for and a little more, or as after a failure."""
        if asked is None:
            return self.retry(attempt)
        return min(self.longest_reconnect, asked.total_seconds() * (1 + self.jitter() / 2))


@dataclass(frozen=True, slots=True)
class News:
    """A stretch of a board's log."""

    board: Board
    batch: Batch
    level: Level


@dataclass(frozen=True, slots=True)
class Look:
    """A board as it stands, where that is all it tells; looks come `interval` apart, None where a bell asks for them."""

    board: Board
    snapshot: Snapshot
    level: Level
    interval: timedelta | None


@dataclass(frozen=True, slots=True)
class Held:
    """A board as it stands, to be held against the log, which was read to its end afterwards."""

    board: Board
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Failure:
    """A thread ended by an error that is for a person."""

    error: Exception


Word = News | Look | Held | list[Board] | Failure
"""What threads tell the loop: what a board tells, the boards there are, or that it is over."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a worker stands: whom it tells, how its source does, how fast, and by which clock."""

    put: Callable[[Word, float], None]
    health: Health
    pace: Pace
    clock: Clock


class Worker(ABC):
    """A thread that does its work over and over, patient with a source that is down, until told to halt."""

    def __init__(self, name: str, post: Post) -> None:
        self.name, self.post = name, post
        self.halted = False
        self._alarm = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ingest {name or 'boards'}", daemon=True)

    def begin(self) -> None:
        """Start."""
        self._thread.start()

    def halt(self) -> None:
        """Stop as soon as what is being read allows."""
        self.halted = True
        self._alarm.set()

    def wake(self) -> None:
        """Rest no longer."""
        self._alarm.set()

    def join(self, seconds: float) -> None:
        """Wait for the end, at most this long."""
        self._thread.join(max(0.0, seconds))

    @abstractmethod
    def work(self) -> float:
        """Do what there is to do; the seconds to rest after it."""

    def tell(self, word: Word) -> None:
        """Hand a word to the loop; waits while the loop has its hands full."""
        while not self.halted:
            with suppress(queue.Full):
                self.post.put(word, 0.2)
                break

    def _run(self) -> None:
        attempt = 0
        while not self.halted:
            started = time.monotonic()
            self._alarm.clear()
            try:
                rest = self.work()
                attempt = 0
            except (SourceUnavailable, SourceChanged, BoardGone) as error:
                if time.monotonic() - started > self.post.pace.first_retry * 10:
                    attempt = 0  # it went well for a while
                rest = self._patience(error, attempt)
                attempt += 1
            except Exception as error:  # noqa: BLE001 - the loop says it where somebody sees it
                self.tell(Failure(error))
                break
            if not self.halted:
                self._alarm.wait(rest)

    def _patience(self, error: SourceUnavailable | SourceChanged | BoardGone, attempt: int) -> float:
        """Seconds to rest after an error that may pass."""
        if self.halted:
            return 0.0
        self.post.health.down(self.name, error)
        if not isinstance(error, SourceUnavailable):
            return self.post.pace.relist  # trying at once would change nothing
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        return max(self.post.pace.retry(attempt), asked)


class Listener(Worker):
    """Reads one board as well as it can be read: its log to the end, then its stream; or only how it stands."""

    def __init__(self, post: Post, source: Source, board: Board, position: str | None) -> None:
        super().__init__(board.board_id, post)
        self._source, self._board = source, board
        self._reader = Reader(source, board, position, tell=self._tell, clock=post.clock)
        self._short = 0  # streams in a row that ended as soon as they began
        self.level: Level | None = None

    def work(self) -> float:
        """Read what there is, and listen until the stream ends; the seconds to rest after it."""
        if self.level is None:
            self.level = self._reader.probe()
            if self.level == "log" and self._reader.is_first:
                self._reader.begin()
        self._read()
        self.post.health.up(self.name)
        if self.level == "poll" or not isinstance(self._source, Streaming):
            return self._rest.total_seconds()
        return self._listen(self._source)

    def check(self) -> None:
        """Read the log although the stream is silent: a stream may have died without a word."""
        if self.level == "log" and isinstance(self._source, Streaming):
            self._guarded(self._reader.catch_up)

    def reconcile(self) -> None:
        """Have the board as it stands held against the log."""
        if self.level == "log":
            self._guarded(self._hold)

    @property
    def _rest(self) -> timedelta:
        pace = self.post.pace.rest
        return self._source.rest if pace is None else timedelta(seconds=pace)

    def _tell(self, board: Board, batch: Batch) -> None:
        self.tell(News(board, batch, self.level or "log"))

    def _read(self) -> None:
        if self.level == "log":
            self._reader.catch_up()
        else:
            interval = self._rest if self.level == "poll" else None
            self.tell(Look(self._board, self._reader.look(), self.level or "poll", interval))

    def _listen(self, source: Streaming) -> float:
        """Take what the stream tells until it ends; the seconds until it is worth listening again."""
        began, asked = time.monotonic(), None
        try:
            for _ in self._reader.listen(source) if self.level == "log" else self._reader.rings(source):
                if self.halted:
                    break
                if self.level != "log":
                    self._read()
        except StreamEnded as end:
            if end.for_good:
                return self.post.pace.relist  # the log is read on all the same
            asked = end.retry_after
        self._short = self._short + 1 if time.monotonic() - began < self.post.pace.first_retry * 10 else 0
        return self.post.pace.reconnect(asked, self._short)

    def _hold(self) -> None:
        snapshot = self._reader.look()
        self._reader.catch_up()
        self.tell(Held(self._board, snapshot))

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do this board's work on another thread than its own: what goes wrong is this board's alone."""
        try:
            work()
        except (SourceUnavailable, SourceChanged, BoardGone) as error:
            self._patience(error, 0)
        else:
            self.post.health.up(self.name)


class Lister(Worker):
    """Looks which boards there are, now and then whether the streams have missed something or the log has drifted."""

    def __init__(self, post: Post, source: Source) -> None:
        super().__init__("", post)
        self._source = source
        now = time.monotonic()
        self._check_at, self._reconcile_at = now + post.pace.check, now + post.pace.first_reconcile
        self.listeners: Collection[Listener] = ()
        self.suspected: set[str] = set()

    def work(self) -> float:
        """List the boards; check those that are listened to when it is time."""
        self.tell(self._source.boards())
        self.post.health.up(self.name)
        now, pace = time.monotonic(), self.post.pace
        is_check, is_reconcile = now >= self._check_at, now >= self._reconcile_at
        self._check_at = now + pace.check if is_check else self._check_at
        self._reconcile_at = now + pace.reconcile if is_reconcile else self._reconcile_at
        for listener in tuple(self.listeners):
            if self.halted:
                break
            if is_reconcile or listener.name in self.suspected:
                self.suspected.discard(listener.name)
                listener.reconcile()
            elif is_check:
                listener.check()
        return pace.relist
