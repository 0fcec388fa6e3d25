"""Follows the boards of a source for good: a thread listens to each, one loop writes what they tell."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from ingest.keep import keep, merged
from ingest.listening import Failure, Health, Listener, Lister, Pace, Post
from ingest.sources import Board, Clock, Source
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch

_HANDFUL = 64  # words taken in one go: at most so many pages of a log in memory


def follow(
    home: Home,
    source: Source,
    *,
    clock: Clock,
    stop: threading.Event,
    say: Callable[[str], None],
    pace: Pace = Pace(),  # noqa: B008 - a value that never changes
) -> None:
    """Append what happens on every board of the source, as it happens, until `stop` is set.

    A source that is down is waited for; one that refuses (SourceRefused) ends this, as does a broken warehouse.
    """
    with Log.open(home) as log:
        post = Post(queue.Queue(maxsize=_HANDFUL), Health(source.name, say), pace, clock)
        _Following(log, source, post, say).run(stop)


class _Following:
    """The one loop that owns the log, and the threads that feed it."""

    def __init__(self, log: Log, source: Source, post: Post, say: Callable[[str], None]) -> None:
        self._log, self._source, self._post, self._say = log, source, post, say
        self._listeners: dict[str, Listener] = {}
        self._appended_at = self._published_at = self._confirmed_at = 0.0
        self._unpublished = True
        self._lister = Lister(post, source)

    def run(self, stop: threading.Event) -> None:
        self._lister.begin()
        try:
            while not stop.is_set():
                self._write(self._gather())
                self._publish()
                self._log.yield_turn()
        finally:
            self._end()
            self._log.publish()

    def _gather(self) -> dict[str, tuple[Board, list[Batch]]]:
        """What was told: at once when quiet, what comes within a moment when busy. Empty when nothing was."""
        told: dict[str, tuple[Board, list[Batch]]] = {}
        deadline = time.monotonic() + self._post.pace.gather
        ready_at = self._appended_at + self._post.pace.gather
        for _ in range(_HANDFUL):
            limit = ready_at if told else deadline
            try:
                word = self._post.inbox.get(timeout=max(0.0, limit - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(word, Failure):
                raise word.error
            if isinstance(word, list):
                self._listen_to(word)
            else:
                board, batch = word
                told.setdefault(board.board_id, (board, []))[1].append(batch)
        return told

    def _write(self, told: dict[str, tuple[Board, list[Batch]]]) -> None:
        for board, batches in told.values():
            summary = keep(
                self._log,
                [merged(batches)],
                source=self._source.name,
                board=board.board_id,
                title=board.title,
            )
            self._unpublished = True
            if summary.events:
                self._say(str(summary))
        if told:
            self._appended_at = time.monotonic()

    def _publish(self) -> None:
        """Publish what is new, at once when quiet; while all is well, say each second that nothing is."""
        moment = time.monotonic()
        if self._unpublished and moment - self._published_at >= self._post.pace.publish:
            self._log.publish()
            self._unpublished, self._published_at, self._confirmed_at = False, time.monotonic(), moment
        elif not self._unpublished and moment - self._confirmed_at >= 1.0 and self._post.health.is_well:
            self._log.publish()
            self._confirmed_at = moment

    def _listen_to(self, boards: list[Board]) -> None:
        """Start listening to boards that are new, leave those that are gone."""
        offered = {board.board_id: board for board in boards}
        for board_id in set(self._listeners) - set(offered):
            self._listeners.pop(board_id).halt.set()
        for board_id in set(offered) - set(self._listeners):
            position = self._log.cursor(self._source.name, board_id) or ""
            listener = Listener(self._post, self._source, offered[board_id], position)
            self._listeners[board_id] = listener
            listener.begin()
        self._lister.listeners = tuple(self._listeners.values())

    def _end(self) -> None:
        """Wake every thread and wait for it, though not for one that hangs in a connection."""
        threads = [self._lister, *self._listeners.values()]
        for thread in threads:
            thread.halt.set()
        self._source.close()
        deadline = time.monotonic() + 0.5
        for thread in threads:
            thread.join(deadline - time.monotonic())
