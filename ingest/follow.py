"""Follows the boards of several sources for good: threads listen, one loop writes what they tell."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence

from ingest.health import Health
from ingest.keep import keep, merged
from ingest.listening import Failure, Held, Listener, Lister, Look, News, Pace, Post, Word
from ingest.looking import Looks
from ingest.reconcile import Reconciler
from ingest.rings import take_rings
from ingest.sources import Board, Clock, Source, SourceRefused
from ingest.status import Status
from ingest.unreadable import set_aside
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch

_HANDFUL = 64  # words taken in one go
_QUEUED = 16  # words that wait; a page of a log is one, so this bounds the memory of a long catch-up
_RING = 0.2  # seconds between looks for rings, and until a stop is noticed


def follow(
    home: Home,
    sources: Sequence[Source],
    *,
    clock: Clock,
    stop: threading.Event,
    say: Callable[[str], None],
    pace: Pace = Pace(),  # noqa: B008 - a value that never changes
) -> None:
    """Append what happens on every board of the sources, as it happens, until `stop` is set.

    A source that is down is waited for. One that refuses (SourceRefused) or breaks is left, and said; the others go
    on. When the last one is left, its error is raised. A broken warehouse ends this at once.
    """
    with Log.open(home) as log:
        _Loop(home, log, sources, clock=clock, say=say, pace=pace).run(stop)


class _Team:
    """The threads that read one source."""

    def __init__(self, source: Source, post: Post) -> None:
        self.source, self.post = source, post
        self.lister = Lister(post, source)
        self.listeners: dict[str, Listener] = {}
        self.lister.listeners = self.listeners.values()

    def listen_to(self, boards: Iterable[Board], position: Callable[[str], str | None]) -> None:
        """Start listening to boards that are new, leave those that are gone."""
        offered = {board.board_id: board for board in boards}
        listening = dict(self.listeners)
        for board_id in set(listening) - set(offered):
            listening.pop(board_id).halt()
            self.post.health.forget(board_id)
        for board_id in offered.keys() - listening.keys():
            listener = Listener(self.post, self.source, offered[board_id], position(board_id))
            listening[board_id] = listener
            listener.begin()
        self.listeners = listening
        self.lister.listeners = listening.values()

    def ring(self, board_id: str) -> None:
        """Look at a board now; at the list of boards where it is not known yet."""
        self.listeners.get(board_id, self.lister).wake()

    def halt(self) -> None:
        """Wake every thread and let it end."""
        for thread in (self.lister, *self.listeners.values()):
            thread.halt()
        self.source.close()

    def join(self, until: float) -> None:
        """Wait for the threads, though not for one that hangs in a connection."""
        for thread in (self.lister, *self.listeners.values()):
            thread.join(until - time.monotonic())

    @property
    def is_well(self) -> bool:
        """Whether anything of the source is being read."""
        return self.post.health.is_well


class _Publisher:
    """Lets readers see what is new, beside the loop: at once when quiet, at most every half second when busy."""

    def __init__(
        self, log: Log, pace: Pace, is_well: Callable[[], bool], fail: Callable[[Exception], None]
    ) -> None:
        self._log, self._pace, self._is_well, self._fail = log, pace, is_well, fail
        self.news, self._over = threading.Event(), threading.Event()
        self.news.set()
        self._thread = threading.Thread(target=self._run, name="ingest publisher", daemon=True)

    def begin(self) -> None:
        """Start."""
        self._thread.start()

    def end(self) -> None:
        """Stop, when the publish under way is done; publish what is left."""
        self._over.set()
        self.news.set()
        self._thread.join()
        self._log.publish()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                if not self.news.wait(1.0) and not self._is_well():
                    continue  # nothing is new, but nobody knows: readers see how old it is
                self.news.clear()
                started = time.monotonic()
                self._log.publish()
                took = time.monotonic() - started
                # Half of the time is left to all else, however long publishes take.
                self._over.wait(max(self._pace.publish - took, took))
        except Exception as error:  # noqa: BLE001 - the loop raises it where somebody sees it
            self._fail(error)


class _Loop:
    """The one that owns the log."""

    def __init__(
        self,
        home: Home,
        log: Log,
        sources: Sequence[Source],
        *,
        clock: Clock,
        say: Callable[[str], None],
        pace: Pace,
    ) -> None:
        self._home, self._log, self._say, self._clock = home, log, say, clock
        self._inbox: queue.Queue[tuple[str, Word]] = queue.Queue(maxsize=_QUEUED)
        self._looks, self._reconciler = Looks(log), Reconciler(log)
        self._status = Status(home)
        self._teams = {source.name: _Team(source, self._post(source, pace)) for source in sources}
        self._last_error: Exception | None = None
        self._publisher = _Publisher(log, pace, self._is_well, self._broken)

    def run(self, stop: threading.Event) -> None:
        for team in self._teams.values():
            team.lister.begin()
        self._publisher.begin()
        try:
            while not stop.is_set():
                for name, words in self._gather():
                    self._take(name, words)
                self._ring()
                self._status.write(self._clock())
                self._log.yield_turn()
        finally:
            self._end()

    def _post(self, source: Source, pace: Pace) -> Post:
        def put(word: Word, timeout: float) -> None:
            self._inbox.put((source.name, word), timeout=timeout)

        health = Health(source.name, self._say, self._clock, lambda *told: set_aside(self._home, *told))
        return Post(put, health, pace, self._clock)

    def _gather(self) -> list[tuple[str, list[Word]]]:
        """All that was told by now, at once: while one append runs the next gathers. By source, in order."""
        told: list[tuple[str, Word]] = []
        try:
            told.append(self._inbox.get(timeout=_RING))
            while len(told) < _HANDFUL:
                told.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        by_source: dict[str, list[Word]] = {}
        for name, word in told:
            by_source.setdefault(name, []).append(word)
        return list(by_source.items())

    def _take(self, name: str, words: list[Word]) -> None:
        """Keep what one source told: what a board's log says in a row in one append."""
        news: dict[str, list[News]] = {}
        for word in words:
            if name not in self._teams:
                break  # it was left meanwhile
            if isinstance(word, News):
                news.setdefault(word.board.board_id, []).append(word)
                continue
            if isinstance(word, Look | Held):
                self._keep_news(name, news.pop(word.board.board_id, []))
            self._take_one(name, word)
        for told in news.values():
            self._keep_news(name, told)

    def _take_one(self, name: str, word: Word) -> None:
        if isinstance(word, Failure):
            self._leave(name, word.error)
        elif isinstance(word, Look):
            self._keep_look(name, word)
        elif isinstance(word, Held):
            self._keep_held(name, word)
        elif isinstance(word, list):
            self._teams[name].listen_to(word, lambda board_id: self._log.cursor(name, board_id))
            self._status.boards(name, {board.board_id: board.title for board in word}, self._clock())

    def _keep_news(self, name: str, told: list[News]) -> None:
        if not told:
            return
        batch = merged(one.batch for one in told)
        self._keep(name, told[-1], batch)
        self._reconciler.heard(batch)

    def _keep_look(self, name: str, look: Look) -> None:
        is_first = self._looks.is_first(look.snapshot)
        batch = self._looks.batch(look.snapshot, look.interval)
        if is_first:
            self._say(
                f"source={name} board={look.board.board_id} level={look.level} first look: "
                "what is there is taken as it stands, what changes is told from now on"
            )
        if batch is None:
            self._say(
                f"source={name} board={look.board.board_id} level={look.level} most of the board is missing: "
                "it counts as gone when the next look shows the same"
            )
        else:
            self._keep(name, look, batch)

    def _keep_held(self, name: str, held: Held) -> None:
        drift, batch = self._reconciler.hold(held.snapshot)
        self._say(str(drift))
        self._status.reconciled(name, held.board.board_id, drift.drift, self._clock())
        if drift.suspected:
            self._teams[name].lister.suspected.add(held.board.board_id)
        if batch != Batch():
            self._keep(name, News(held.board, batch, "log"), batch)

    def _keep(self, name: str, word: News | Look, batch: Batch) -> None:
        board = word.board
        summary = keep(
            self._log, [batch], source=name, board=board.board_id, title=board.title, level=word.level
        )
        self._publisher.news.set()
        self._status.read(summary, self._clock())
        if summary.events:
            self._say(str(summary))

    def _ring(self) -> None:
        """Wake the readers of boards whose webhooks have rung."""
        for name, team in self._teams.items():
            for board_id in take_rings(self._home, name):
                team.ring(board_id)
            self._status.troubles(name, team.post.health.troubles())

    def _leave(self, name: str, error: Exception) -> None:
        """Go on without a source; with none left, it is over."""
        team = self._teams.pop(name)
        team.halt()
        if not self._teams:
            self._teams[name] = team
            raise error
        if not isinstance(error, SourceRefused):
            self._say("".join(traceback.format_exception(error)).rstrip())
        self._say(f"source={name} is not read any more, the others are: {error}")
        self._status.left(name, str(error))
        team.join(time.monotonic() + 0.5)

    def _is_well(self) -> bool:
        return any(team.is_well for team in tuple(self._teams.values()))

    def _broken(self, error: Exception) -> None:
        self._inbox.put(("", Failure(error)))

    def _end(self) -> None:
        for team in self._teams.values():
            team.halt()
        until = time.monotonic() + 0.5
        for team in self._teams.values():
            team.join(until)
        self._publisher.end()
        self._status.write(self._clock(), at_once=True)
