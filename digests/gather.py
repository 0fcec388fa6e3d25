"""The shell around `told`: reads the published warehouse and the ledger, and asks what people are told, however many.

What many people are told is read, parsed and folded once a board; asking for one person is the same with one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from digests import ledger
from digests.board import BoardNews
from digests.catchup import Cutoff, Span, news, told
from digests.ledger import Reading
from digests.model import CatchUp, Elsewhere, Person
from digests.world import Worlds
from warehouse.home import Home
from warehouse.model import Event, Window
from warehouse.reading import Warehouse

FIRST = timedelta(days=7)
"""How far a first window looks back; what is older is accounted as `before_first`."""


class NoSuchWindow(ValueError):
    """The window asked for lies beyond the log; the message says where the log ends."""


def gather(
    home: Home,
    person: Person,
    *,
    now: datetime,
    after: int | None = None,
    since: datetime | None = None,
    upto: int | None = None,
    page_url: str = "",
) -> CatchUp:
    """What the person is told: since their cursor, or `after` an offset, or `since` an instant.

    Without any of them it is the first window. Cards whose board gives them no address of their own lead to the
    live board of the dashboard at `page_url`. Raises NothingPublished and NoSuchWindow.
    """
    with Gathering.open(home, now=now, page_url=page_url) as gathering:
        return gathering.told(person, after=after, since=since, upto=upto)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One person's window: what they are told of it begins `after`; what lies before is too early."""

    window: Window
    after: int
    reading: Reading | None
    cutoff: Cutoff | None

    @property
    def early(self) -> Window:
        """What of the window lies before what is told."""
        return Window(self.window.after, self.after)

    @property
    def everywhere(self) -> bool:
        """Whether the cutoff holds for all boards."""
        return self.cutoff is not None and self.cutoff.boards is None


@dataclass
class _Log:
    """A board's events after `start`, up to the end of the log, and their offsets."""

    start: int
    events: list[Event]
    offsets: list[int] = field(init=False)
    news: dict[object, BoardNews] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.offsets = [event.event_offset or 0 for event in self.events]

    def within(self, after: int, upto: int) -> list[Event]:
        """The events of a window that does not begin before `start`."""
        return self.events[bisect_right(self.offsets, after) : bisect_right(self.offsets, upto)]


class Gathering:
    """What people are told from one published version. Not for several threads."""

    def __init__(self, warehouse: Warehouse, home: Home, *, now: datetime, page_url: str = "") -> None:
        self._warehouse, self._home, self._now = warehouse, home, now
        self._worlds = Worlds(warehouse, page_url)
        self._logs: dict[str, _Log] = {}
        self._early: dict[tuple[str, Window], Sequence[int]] = {}
        self._offsets_before: dict[datetime, int] = {}
        self._asked_for: dict[str, _Asked] = {}

    @classmethod
    @contextmanager
    def open(cls, home: Home, *, now: datetime, page_url: str = "") -> Iterator[Gathering]:
        """From the newest version. Raises NothingPublished."""
        with Warehouse.open(home) as warehouse:
            yield cls(warehouse, home, now=now, page_url=page_url)

    def expect(self, people: Iterable[Person]) -> None:
        """These people will be asked for next: their boards are read together. Where that fails, each is read alone."""
        expected = list(people)
        readings = ledger.cursors(self._home, {person.person_id for person in expected})
        asked = [(person, self._asked(readings.get(person.person_id))) for person in expected]
        self._read(asked)
        self._asked_for |= {person.person_id: one for person, one in asked}

    def told(
        self,
        person: Person,
        *,
        after: int | None = None,
        since: datetime | None = None,
        upto: int | None = None,
    ) -> CatchUp:
        """What the person is told; see `gather`. Raises NoSuchWindow."""
        asked = self._asked_for.pop(person.person_id, None)
        if asked is None or (after, since, upto) != (None, None, None):
            own_start = after is None and since is None
            reading = ledger.cursor(self._home, person.person_id) if own_start else None
            asked = self._asked(reading, after=after, since=since, upto=upto)
            self._read([(person, asked)])
        return self._told(person, asked)

    @cached_property
    def _head(self) -> int:
        return self._warehouse.head()

    def _asked(
        self,
        reading: Reading | None,
        *,
        after: int | None = None,
        since: datetime | None = None,
        upto: int | None = None,
    ) -> _Asked:
        upto = self._head if upto is None else min(upto, self._head)
        if since is not None:
            after = min(self._offset_before(since), upto)
        if after is not None and after > upto:
            raise NoSuchWindow(
                f"There is nothing after offset {after}: the log ends at {upto}. Give a smaller offset."
            )
        start = after if after is not None else reading.window.upto if reading else 0
        window = Window(min(start, upto), upto)
        cutoff = None if after is not None and since is None else self._cutoff(window, since)
        if cutoff is None or cutoff.boards is not None:
            return _Asked(window, window.after, reading, cutoff)
        # A long history is not read to be left out: up to the first event late enough, only offsets are.
        start = min(max(window.after, self._offset_before(cutoff.at)), upto)
        return _Asked(window, start, reading, cutoff)

    def _cutoff(self, window: Window, since: datetime | None) -> Cutoff:
        """What is too old to tell: before the instant asked for; else, of boards the reader was never told of, a week.

        So an imported history floods nobody: neither a first reader nor one who has been told of other boards before.
        """
        if since is not None:
            return Cutoff(since, "before_since")
        begun = frozenset(one for one, first in self._begins.items() if first > window.after)
        return Cutoff(self._now - FIRST, "before_first", begun if window.after else None)

    @cached_property
    def _begins(self) -> Mapping[str, int]:
        """Each board's first offset."""
        return self._warehouse.begins()

    def _offset_before(self, instant: datetime) -> int:
        if instant not in self._offsets_before:
            self._offsets_before[instant] = self._warehouse.offset_before(instant)
        return self._offsets_before[instant]

    def _read(self, asked: Iterable[tuple[Person, _Asked]]) -> None:
        """Read what these windows hold and is not here yet, all boards together."""
        starts: dict[str, int] = {}
        early: dict[Window, set[str]] = defaultdict(set)
        for person, one in asked:
            for board_id in self._worlds.boards_of(person):
                log = self._logs.get(board_id)
                if log is None or one.after < log.start:
                    starts[board_id] = min(one.after, starts.get(board_id, one.after))
                if one.early.upto > one.early.after and (board_id, one.early) not in self._early:
                    early[one.early].add(board_id)
        if starts:
            self._take(starts, self._warehouse.events_since(starts))
        for window, board_ids in early.items():
            found = self._warehouse.offsets(window, board_ids=board_ids)
            self._early |= {(board_id, window): found.get(board_id, array("q")) for board_id in board_ids}

    def _take(self, starts: Mapping[str, int], events: Sequence[Event]) -> None:
        by_board: dict[str, list[Event]] = {board_id: [] for board_id in starts}
        for event in events:
            by_board[event.board_id].append(event)
        self._worlds.read(events)
        self._logs |= {board_id: _Log(starts[board_id], some) for board_id, some in by_board.items()}

    def _told(self, person: Person, asked: _Asked) -> CatchUp:
        boards = [self._news(board_id, asked) for board_id in self._worlds.boards_of(person)]
        here = (offset for board in boards for part in (board.early, board.offsets) for offset in part)
        span = Span(
            asked.window,
            self._from_at(asked, boards),
            self._now,
            late=asked.reading is not None,
            first=asked.everywhere and asked.cutoff is not None and asked.cutoff.reason == "before_first",
            too_early=asked.cutoff.reason if asked.cutoff else "before_first",
        )
        world = self._worlds.of_person(person)
        return told(person, world, boards, span, elsewhere=Elsewhere(asked.window, here))

    def _news(self, board_id: str, asked: _Asked) -> BoardNews:
        """The board's news in that window, made once for all whose window it is."""
        log = self._logs[board_id]
        not_after = asked.cutoff.on(board_id) if asked.cutoff else None
        key = (asked.window, asked.after, not_after)
        if key not in log.news:
            log.news[key] = news(
                board_id,
                self._worlds.of_board(board_id),
                self._worlds.everybody,
                log.within(asked.after, asked.window.upto),
                self._now,
                not_after=not_after,
                early=self._early.get((board_id, asked.early), ()),
            )
        return log.news[key]

    def _from_at(self, asked: _Asked, boards: Iterable[BoardNews]) -> datetime:
        if asked.reading:
            return asked.reading.read_at
        if asked.everywhere and asked.cutoff:
            return asked.cutoff.at
        return min((event.occurred_at for board in boards for event in board.events), default=self._now)
