"""A source of our own that tells no log: how its board stands is what a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ingest.sources import Board, Entry, Level, Page
from warehouse.model import Entity, Event, Snapshot

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
GARDEN = Board("b-1", "Garden")


def card(card_id: str = "c-1", **fields: object) -> Entity:
    return Entity("card", card_id, {"title": "Tulips", "column_id": "k-1", "archived": False} | fields)


@dataclass
class Standing:
    """One board; each look is a minute later than the one before."""

    things: tuple[Entity, ...] = (card(),)
    level: Level = "poll"
    name: str = "standing"
    rest: timedelta = timedelta(milliseconds=50)
    looks: int = 0
    rings: list[None] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)

    def clock(self) -> datetime:
        return START + timedelta(minutes=self.looks)

    def _fail(self, where: str) -> None:
        if where in self.fails:
            raise self.fails[where]

    def boards(self) -> list[Board]:
        self._fail("boards")
        return [GARDEN]

    def probe(self, board_id: str) -> Level:
        return self.level

    def snapshot(self, board_id: str, clock) -> Snapshot:
        self._fail("snapshot")
        self.looks += 1
        return Snapshot(self.name, board_id, self.clock(), self.things)

    def activity(self, board_id: str, after: str, clock) -> Iterator[Page]:
        self._fail("activity")
        done = int(after or 0)
        if self.log[done:]:
            yield Page(
                tuple(replace(each, observed_at=self.clock()) for each in self.log[done:]), str(len(self.log))
            )

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Ringing(Standing):
    """It also rings, as often as a test has written."""

    level: Level = "bell"

    def stream(self, board_id: str, after: str | None, clock) -> Iterator[Entry | None]:
        while self.rings:
            yield self.rings.pop()
