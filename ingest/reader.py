"""Reads one board in order: its log by REST, then as it grows, without gap or repetition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from ingest.looking import looked_until
from ingest.sources import Board, Clock, Entry, Level, Page, Source, Streaming
from warehouse.model import Batch, Cursor, Entity, Event, Snapshot


class Reader:
    """One board of a source from a position on; hands every new stretch of its log to `tell`, in order.

    `catch_up` and `listen` may be called from several threads.
    """

    def __init__(
        self,
        source: Source,
        board: Board,
        position: str | None,
        *,
        tell: Callable[[Board, Batch], None],
        clock: Clock,
    ) -> None:
        """`position` is where the log was left the last time, None where nobody has read it yet."""
        self.board = board
        self.is_first = position is None
        # A board that was looked at until it told a log: what the looks have told is not told again.
        self._looked_until = looked_until(position or "")
        self._source = source
        self._tell = tell
        self._clock = clock
        self._turn = threading.Lock()
        self._position = "" if self._looked_until else position or ""
        self._met: dict[str, Entity] = {}
        self._strangers: set[str] = set()

    @property
    def position(self) -> str:
        """The place in the board's log after what was handed on last."""
        return self._position

    def probe(self) -> Level:
        """How well the board can be read from here on."""
        return self._source.probe(self.board.board_id)

    def look(self) -> Snapshot:
        """The board as it stands."""
        return self._source.snapshot(self.board.board_id, self._clock)

    def listen(self, source: Streaming) -> Iterator[None]:
        """Take what the stream tells, until the source ends it; comes up for air after every word."""
        for entry in source.stream(self.board.board_id, self._position, self._clock):
            self._hear(entry)
            yield

    def rings(self, source: Streaming) -> Iterator[None]:
        """Every word of the stream as a ring: it is time to look at the board again."""
        for _ in source.stream(self.board.board_id, None, self._clock):
            yield

    def catch_up(self) -> None:
        """Read the log from the position to its end."""
        while not self._read_on():
            pass  # somebody else read on meanwhile: go on from there
        self._meet_strangers()

    def begin(self) -> None:
        """Hand on the board as it stands: what it shows then has no story but the log that follows."""
        snapshot = self.look()
        cursor = Cursor(self._source.name, self.board.board_id, self._position)
        self._tell(self.board, Batch(snapshot=snapshot, cursor=cursor))
        self._meet(_people(snapshot))

    def _read_on(self) -> bool:
        """Read the log to its end; False where another thread moved the position before we were there."""
        since = self._position
        for page in self._source.activity(self.board.board_id, since, self._clock):
            if not self._take(page, since):
                return False
            since = page.position
        return True

    def _hear(self, entry: Entry | None) -> None:
        """Take a streamed entry: the next one as it is; one after a gap, or without words, means to read the log."""
        since = self._position
        if entry is None or entry.seq > _seq(since) + 1:
            self.catch_up()
        elif entry.seq == _seq(since) + 1:
            people = (entry.actor,) if entry.actor else ()
            self._take(Page((entry.event,), str(entry.seq), people), since)
            self._meet_strangers()

    def _take(self, page: Page, since: str) -> bool:
        """Hand on what follows `since`, if that is where we stand."""
        with self._turn:
            if self._position != since:
                return False
            if page.position == since and not page.events:
                return True
            self._position = page.position
            events = self._untold(page.events)
            if not events and self._looked_until:
                return True  # the cursor waits too: who starts again must know what the looks have told
            new = self._meet(page.people)
            cursor = Cursor(self._source.name, self.board.board_id, page.position)
            people = self._as_people(new, self._clock())
            self._tell(self.board, Batch(events, cursor=cursor, people=people))
            self._strangers |= _named(events) - self._met.keys()
        return True

    def _untold(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """The events of a log that looks have not told before it."""
        until = self._looked_until
        if until is None:
            return events
        untold = tuple(event for event in events if event.occurred_at > until)
        if untold:
            self._looked_until = None
        return untold

    def _meet(self, people: Iterable[Entity]) -> list[Entity]:
        """Who of these is new to us, or has another name now."""
        new = [person for person in people if self._met.get(person.entity_id) != person]
        self._met.update((person.entity_id, person) for person in new)
        return new

    def _meet_strangers(self) -> None:
        """Look who it is when somebody is named whom nobody introduced; once for each, found or not."""
        with self._turn:
            strangers, self._strangers = self._strangers - self._met.keys(), set()
            self._met.update((who, Entity("member", who, {})) for who in strangers)
        if strangers:
            shown = self.look()
            new = self._meet(_people(shown))
            self._tell(self.board, Batch(people=self._as_people(new, shown.taken_at)))

    def _as_people(self, people: Iterable[Entity], at: datetime) -> tuple[Snapshot, ...]:
        met = tuple(people)
        return (Snapshot(self._source.name, self.board.board_id, at, met),) if met else ()


def _people(snapshot: Snapshot) -> Iterator[Entity]:
    return (entity for entity in snapshot.entities if entity.entity_type == "member")


def _seq(position: str) -> int:
    return int(position) if position.isdecimal() else 0


def _named(events: Iterable[Event]) -> set[str]:
    """Whoever acts or is assigned in these events."""
    actors = {event.actor_id for event in events if event.actor_id}
    assigned = (event.after["member_ids"] for event in events if "member_ids" in event.after)
    return actors.union(*assigned)
