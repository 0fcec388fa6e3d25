"""Reads one board in order: its log by REST, then as it grows, without gap or repetition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from ingest.sources import Board, Clock, Entry, Level, Page, Source, Streaming
from warehouse.model import Batch, Cursor, Entity, Event, Snapshot


class Reader:
    """One board of a source from a position on; hands every new stretch of its log to `tell`, in order.

    `catch_up`, `listen` and `refresh` may be called from several threads.
    """

    def __init__(
        self,
        source: Source,
        board: Board,
        position: str,
        *,
        tell: Callable[[Board, Batch], None],
        clock: Clock,
    ) -> None:
        self.board = board
        self._source = source
        self._tell = tell
        self._clock = clock
        self._turn = threading.Lock()
        self._position = position
        self._people: dict[str, Entity] = {}
        self._known: set[str] = set()
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

    def refresh(self) -> None:
        """Hand on the board as it stands, with the people who acted on it and are no longer its members."""
        snapshot = self.look()
        members = {entity.entity_id for entity in snapshot.entities if entity.entity_type == "member"}
        with self._turn:
            self._known |= members
            left = tuple(person for member_id, person in self._people.items() if member_id not in members)
        self._tell(self.board, Batch(snapshot=replace(snapshot, entities=snapshot.entities + left)))

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
            self._people.update((person.entity_id, person) for person in page.people)
            cursor = Cursor(self._source.name, self.board.board_id, page.position)
            self._tell(self.board, Batch(page.events, cursor=cursor))
            self._strangers |= {who for event in page.events for who in _named(event)} - self._known
        return True

    def _meet_strangers(self) -> None:
        """Look again when somebody is named whom no snapshot showed; once for each, found or not."""
        with self._turn:
            strangers, self._strangers = self._strangers, set()
            self._known |= strangers
        if strangers:
            self.refresh()


def _seq(position: str) -> int:
    return int(position) if position.isdecimal() else 0


def _named(event: Event) -> set[str]:
    return {who for who in (event.actor_id, *event.after.get("member_ids", ())) if who}
