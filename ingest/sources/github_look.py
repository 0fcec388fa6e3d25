"""One look at a GitHub repository: what its three lists tell, gathered into pages, and where each has been read to. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from ingest.sources import Page
from ingest.sources.values import instant, mapping, texts
from warehouse.model import Entity, Event

LISTS = ("issues", "events", "comments")
"""In the order they are read in: a card is made before anything happens to it."""

STRETCH = 1000
"""Events in one page of ours, about."""

OVERLAP = timedelta(minutes=1)
"""Lists are asked from a little before where they were left: what GitHub lists late is not missed, and the log knows the rest."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far each of the three lists has been read: the newest instant seen in it, "" for nothing yet.

    `known` are the facts told of the last moments before, which the next look meets again.
    """

    issues: str = ""
    events: str = ""
    comments: str = ""
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Position:
        """The position that `str` gave; an unreadable one is the beginning."""
        try:
            told = mapping(json.loads(text)) if text else {}
        except ValueError:
            told = {}
        reached = {name: told[name] for name in LISTS if instant(told.get(name))}
        return cls(**reached, known=tuple(texts(told.get("known"))))

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a page of one of the lists tells: events, each with its thing's place in the list, and who is named."""

    list_name: str
    told: list[tuple[datetime | None, Event]]
    people: tuple[Entity, ...]
    reached: str


class Look:
    """Gathers what one look finds, and where it has come to."""

    def __init__(self, begun: Position) -> None:
        self.begun, self.position, self._known = begun, begun, frozenset(begun.known)
        self._events: list[Event] = []
        self._people: dict[str, Entity] = {}
        self._recent: dict[str, tuple[str, datetime]] = {}

    def add(self, stretch: Stretch) -> bool:
        """Take a stretch; whether there is enough for a page."""
        reached = {name: getattr(self.position, name) for name in LISTS} | {
            stretch.list_name: stretch.reached
        }
        self.position = Position(**reached, known=self.position.known)
        for at, event in stretch.told:
            if event.event_id not in self._known:
                self._events.append(event)
            if at:
                self._recent[event.event_id] = (stretch.list_name, at)
        self._recent = {key: told for key, told in self._recent.items() if self._is_recent(*told)}
        self._people |= {each.entity_id: each for each in stretch.people}
        return len(self._events) >= STRETCH

    def page(self) -> Page | None:
        """What has been gathered, sorted by time; None where nothing has and the position is the same."""
        position = replace(self.position, known=tuple(sorted(self._recent)))
        if not self._events and position == self.begun:
            return None
        # What shares an instant stays in the order it was told: a card is made before it moves.
        events = tuple(sorted(self._events, key=lambda event: event.occurred_at))
        page = Page(events, str(position), tuple(self._people.values()))
        self._events, self._people = [], {}
        self.begun, self._known = position, frozenset(position.known)
        return page

    def _is_recent(self, list_name: str, at: datetime) -> bool:
        reached = instant(getattr(self.position, list_name))
        return reached is None or at >= reached - OVERLAP
