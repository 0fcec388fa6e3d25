"""The threads that read while one loop writes: one listens to each board, one looks for new boards."""

from __future__ import annotations

import queue
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.reader import Reader
from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Level,
    Source,
    SourceChanged,
    SourceUnavailable,
    Streaming,
)
from warehouse.model import Batch


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done, in seconds. The defaults suit people who look at a board; tests hurry."""

    gather: float = 0.1  # appends of a busy source are at least this far apart
    publish: float = 0.5  # publishes are at least this far apart
    relist: float = 30.0  # between looks for new boards
    check: float = 60.0  # between reads of the log although the stream is silent
    first_retry: float = 0.2
    last_retry: float = 10.0
    jitter: Callable[[], float] = field(default=random.random)

    def retry(self, attempt: int) -> float:
        """Seconds before the next attempt: doubling, with jitter so that readers do not come back all at once."""
        longest = min(self.last_retry, self.first_retry * 2.0 ** min(attempt, 30))
        return longest * (0.5 + self.jitter() / 2)


@dataclass(frozen=True, slots=True)
class Failure:
    """A thread ended by an error that is for the one who started us."""

    error: Exception


Word = tuple[Board, Batch] | list[Board] | Failure
"""What threads tell the loop: news of a board, the boards there are, or that it is over."""


class Health:
    """Says once that a source is down, however many threads notice, and once that it is back."""

    def __init__(self, source: str, say: Callable[[str], None]) -> None:
        self._source, self._say = source, say
        self._lock = threading.Lock()
        self._down: set[str] = set()

    def down(self, who: str, error: Exception) -> None:
        """`who` cannot read; trying goes on."""
        with self._lock:
            if not self._down:
                self._say(f"source={self._source} down, trying again until it is back: {error}")
            self._down.add(who)

    def up(self, who: str) -> None:
        """`who` can read."""
        with self._lock:
            if self._down and not (self._down - {who}):
                self._say(f"source={self._source} back")
            self._down.discard(who)

    @property
    def is_well(self) -> bool:
        """Whether everybody can read."""
        return not self._down


@dataclass(frozen=True, slots=True)
class Post:
    """Where a worker stands: whom it tells, how it does, how fast, and by which clock."""

    inbox: queue.Queue[Word]
    health: Health
    pace: Pace
    clock: Clock


class Worker(ABC):
    """A thread that does its work over and over, patient with a source that is down, until told to halt."""

    def __init__(self, name: str, post: Post) -> None:
        self.name, self.post = name, post
        self.halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ingest {name or 'boards'}", daemon=True)

    def begin(self) -> None:
        """Start."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the end, at most this long."""
        self._thread.join(max(0.0, seconds))

    @abstractmethod
    def work(self) -> float:
        """Do what there is to do; the seconds to rest after it."""

    def tell(self, word: Word) -> None:
        """Hand a word to the loop; waits while the loop has its hands full."""
        while not self.halt.is_set():
            with suppress(queue.Full):
                self.post.inbox.put(word, timeout=0.2)
                break

    def _run(self) -> None:
        attempt = 0
        while not self.halt.is_set():
            started = time.monotonic()
            try:
                rest = self.work()
                attempt = 0
            except (SourceUnavailable, SourceChanged, BoardGone) as error:
                if time.monotonic() - started > self.post.pace.first_retry * 10:
                    attempt = 0  # it went well for a while
                rest = self._patience(error, attempt)
                attempt += 1
            except Exception as error:  # noqa: BLE001 - the loop raises it where somebody sees it
                self.tell(Failure(error))
                break
            self.halt.wait(rest)

    def _patience(self, error: Exception, attempt: int) -> float:
        if isinstance(error, BoardGone) or self.halt.is_set():
            return self.post.pace.last_retry  # the list of boards will tell whether it is gone for good
        self.post.health.down(self.name, error)
        asked = error.retry_after if isinstance(error, SourceUnavailable) else None
        return max(self.post.pace.retry(attempt), asked.total_seconds() if asked else 0.0)


class Listener(Worker):
    """Reads one board as well as it can be read: its log to the end, then its stream; or only how it stands."""

    def __init__(self, post: Post, source: Source, board: Board, position: str) -> None:
        super().__init__(board.board_id, post)
        self._source = source
        self._reader = Reader(
            source, board, position, tell=lambda board, batch: self.tell((board, batch)), clock=post.clock
        )
        self.level: Level | None = None

    def work(self) -> float:
        """Read what there is, and listen until the stream ends; the seconds to rest after it."""
        if self.level is None or self.level == "poll":
            self.level = self._reader.start()
        if self.level == "log":
            self._reader.catch_up()
        self.post.health.up(self.name)
        if self.level == "poll" or not isinstance(self._source, Streaming):
            return self._source.rest.total_seconds()
        listening = self._reader.listen if self.level == "log" else self._reader.watch
        for _ in listening(self._source):
            if self.halt.is_set():
                break
        return self.post.pace.first_retry

    def check(self) -> None:
        """Read the log although the stream is silent: a stream may have died without a word."""
        if self.level == "log":
            self._reader.catch_up()


class Lister(Worker):
    """Looks which boards there are, and now and then whether the streams have missed something."""

    def __init__(self, post: Post, source: Source) -> None:
        super().__init__("", post)
        self._source = source
        self._check_at = time.monotonic() + post.pace.check
        self.listeners: tuple[Listener, ...] = ()

    def work(self) -> float:
        """List the boards; check those that are listened to when it is time."""
        self.tell(self._source.boards())
        self.post.health.up(self.name)
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + self.post.pace.check
            for listener in self.listeners:
                listener.check()
        return self.post.pace.relist
