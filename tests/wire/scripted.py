"""A source of our own for the reading side: its log, stream and members are what a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from ingest.sources import Board, Entry, Level, Page
from warehouse.model import Entity, Event, Snapshot

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
GARDEN = Board("b-1", "Garden")


def entry(seq: int, actor: str = "ana") -> Entry:
    event = Event("scripted", f"e-{seq}", "b-1", "card.updated", "card", "c-1", NOW, NOW, actor_id=actor)
    return Entry(seq, event, Entity("member", actor, {"name": actor.title()}))


@dataclass
class Scripted:
    """A source whose log, stream and members a test writes."""

    log: list[Entry] = field(default_factory=list)
    words: list[Entry | None] = field(default_factory=list)
    members: tuple[str, ...] = ("ana",)
    level: Level = "log"
    asked: list[str] = field(default_factory=list)
    name: str = "scripted"
    rest: timedelta = timedelta(seconds=0.1)

    def boards(self) -> list[Board]:
        return [GARDEN]

    def probe(self, board_id: str) -> Level:
        return self.level

    def snapshot(self, board_id: str, clock) -> Snapshot:
        self.asked.append("snapshot")
        return Snapshot(
            self.name, board_id, NOW, tuple(Entity("member", each, {"name": each}) for each in self.members)
        )

    def activity(self, board_id: str, after: str, clock) -> Iterator[Page]:
        self.asked.append(f"activity after {after}")
        for each in self.log:
            if each.seq > int(after or 0):
                yield Page((each.event,), str(each.seq), (each.actor,) if each.actor else ())

    def stream(self, board_id: str, after: str | None, clock) -> Iterator[Entry | None]:
        yield from self.words

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
