"""Reads one board in order: its log by REST, then as it grows, without gap or repetition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ingest.sources import Board, Clock, Entry, Level, Source
from warehouse.model import Batch, Cursor, Entity, Event


class Reader:
    """One board of a source from a position on; hands every new stretch of its log to `tell`, in order.

    `catch_up`, `listen` and `refresh` may be called from several threads.
    """

    def __init__(
        self,
        source: Source,
        board: Board,
        position: int,
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
    def position(self) -> int:
        """The `seq` of the last entry handed on."""
        return self._position

    def start(self) -> Level:
        """Look at the board once, and say how well it can be read from here on."""
        level = self._source.probe(self.board.board_id)
        self.refresh()
        return level

    def listen(self) -> Iterator[None]:
        """Take what the stream tells, until the source ends it; comes up for air after every word."""
        for entry in self._source.stream(self.board.board_id, self._position, self._clock):
            self._hear(entry)
            yield

    def watch(self) -> Iterator[None]:
        """Take every word of the stream as a bell: look at the board again."""
        for _ in self._source.stream(self.board.board_id, None, self._clock):
            self.refresh()
            yield

    def catch_up(self) -> None:
        """Read the log from the position to its end."""
        for page in self._source.activity(self.board.board_id, self._position, self._clock):
            self._take(page)
        self._meet_strangers()

    def _hear(self, entry: Entry | None) -> None:
        """Take a streamed entry: the next one as it is; one after a gap, or without words, means to read the log."""
        if entry is None or entry.seq > self._position + 1:
            self.catch_up()
        else:
            self._take([entry])
            self._meet_strangers()

    def refresh(self) -> None:
        """Hand on the board as it stands, with the people who acted on it and are no longer its members."""
        snapshot = self._source.snapshot(self.board.board_id, self._clock)
        members = {entity.entity_id for entity in snapshot.entities if entity.entity_type == "member"}
        with self._turn:
            self._known |= members
            left = tuple(person for member_id, person in self._people.items() if member_id not in members)
        self._tell(self.board, Batch(snapshot=replace(snapshot, entities=snapshot.entities + left)))

    def _take(self, entries: Iterable[Entry]) -> None:
        with self._turn:
            new = [entry for entry in entries if entry.seq > self._position]
            if not new:
                return
            self._position = new[-1].seq
            for entry in new:
                if entry.actor:
                    self._people[entry.actor.entity_id] = entry.actor
            cursor = Cursor(self._source.name, self.board.board_id, str(self._position))
            self._tell(self.board, Batch(tuple(entry.event for entry in new), cursor=cursor))
            self._strangers |= {who for entry in new for who in _named(entry.event)} - self._known

    def _meet_strangers(self) -> None:
        """Look again when somebody is named whom no snapshot showed; once for each, found or not."""
        with self._turn:
            strangers, self._strangers = self._strangers, set()
            self._known |= strangers
        if strangers:
            self.refresh()


def _named(event: Event) -> set[str]:
    return {who for who in (event.actor_id, *event.after.get("member_ids", ())) if who}
