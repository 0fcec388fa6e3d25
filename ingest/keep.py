"""Batches into the log, and the one line that says what became of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ingest.sources import Level
from warehouse.log import Log
from warehouse.model import Batch, Entity, Event


@dataclass(frozen=True, slots=True)
class Summary:
    """What one unit of work brought; as text it is the canonical line others script against.

    `unknown` counts the events among them that no word of ours fits: they are kept, with what the source said.
    """

    source: str
    board: str
    events: int
    new: int
    offset: int
    seconds: float
    title: str = ""
    level: Level | None = None
    unknown: int = 0

    def __str__(self) -> str:
        level = f" level={self.level}" if self.level else ""
        line = (
            f"source={self.source} board={self.board}{level} events={self.events} new={self.new} "
            f"unknown={self.unknown} offset={self.offset} seconds={self.seconds:.2f}"
        )
        return f"{line} title={json.dumps(self.title, ensure_ascii=False)}" if self.title else line


def keep(
    log: Log,
    batches: Iterable[Batch],
    *,
    source: str,
    board: str,
    title: str = "",
    level: Level | None = None,
) -> Summary:
    """Append batches of one board, each whole or not at all, giving a waiting writer its turn between them."""
    started = time.perf_counter()
    events = new = offset = unknown = 0
    for batch in batches:
        appended = log.append(batch)
        events, new, offset = events + appended.events, new + appended.new, appended.upto
        unknown += sum(event.action == "unknown" for event in batch.events)
        log.yield_turn()
    return Summary(
        source, board, events, new, offset, time.perf_counter() - started, title, level=level, unknown=unknown
    )


def merged(batches: Iterable[Batch]) -> Batch:
    """Batches of one board as one: all events in order, everybody met, the newest snapshot, the last cursor."""
    events: list[Event] = []
    met: dict[str, Entity] = {}
    snapshot, cursor, people = None, None, None
    for batch in batches:
        events.extend(batch.events)
        met.update((person.entity_id, person) for person in (batch.people.entities if batch.people else ()))
        people = batch.people or people
        snapshot, cursor = batch.snapshot or snapshot, batch.cursor or cursor
    return Batch(tuple(events), snapshot, cursor, people and replace(people, entities=tuple(met.values())))
