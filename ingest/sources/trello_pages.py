"""Trello's pages, newest first and cut at instants, put so that nothing is skipped; and the place a reader stood. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.sources import SourceChanged
from ingest.sources.trello_events import EPOCH
from ingest.sources.trello_fields import made_at
from ingest.sources.values import instant
from warehouse.model import Event

_LATE = timedelta(minutes=1)  # how long after its instant an action may still appear
_SECOND, _MILLISECOND, _DAY = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(days=1)
_LAST_YEAR = 9999  # nothing can be added to it

Json = Mapping[str, Any]
When = Callable[[Json], datetime | None]
Ask = Callable[[str | None], list[Json]]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a board was told: up to an instant, and the events told of the last minute before it.

    An action that appears late, but within that minute, is told late; the others are not told twice.
    """

    at: datetime | None = None
    told: frozenset[str] = frozenset()

    @classmethod
    def of(cls, position: str) -> Place:
        """The place a position means; what is no position of ours is the beginning."""
        at, *told = position.split() or [""]
        return cls(instant(at), frozenset(told))

    def __str__(self) -> str:
        return " ".join((self.at.isoformat(), *sorted(self.told))) if self.at else ""

    @property
    def since(self) -> datetime | None:
        """From when on to look again. A whole second, since Trello may compare by seconds."""
        return (self.at - _LATE).replace(microsecond=0) if self.at else None

    def after(self, events: list[Event], now: datetime) -> Place:
        """The place after telling these. An instant that is not here yet moves nothing."""
        instants = [event.occurred_at for event in events if EPOCH < event.occurred_at < now + _DAY]
        place = Place(max([*instants, *([self.at] if self.at else [])], default=None))
        if place.since is None:
            return self
        told = {each for each in self.told if (made_at(each) or EPOCH) >= place.since}
        told |= {event.event_id for event in events if event.occurred_at >= place.since}
        return Place(place.at, frozenset(told))


def walk(ask: Ask, when: When, size: int) -> Iterator[tuple[str | None, list[Json]]]:
    """Pages of `size` things from the newest back, each with the `before` it was asked with. Neighbours overlap.

    `when` tells a thing's instant. Raises SourceChanged where what is older cannot be reached without a gap.
    """
    page = ask(None)
    yield None, page
    while len(page) >= size:
        before, page = _older(ask, when, size, page)
        yield before, page


def _older(ask: Ask, when: When, size: int, page: list[Json]) -> tuple[str, list[Json]]:
    """The page before a full one, and what it was asked with.

    Trello has compared by whole seconds and left out what shared one (trello-archive/api-docs#68), so the
    border is the end of the oldest second. Where a whole page is of one second it is the end of the oldest
    millisecond, and that page must show again what we know: else there is a gap.
    """
    oldest = _oldest(page, when)
    if oldest:
        border = edge(oldest.replace(microsecond=0) + _SECOND)
        older = ask(border)
        if len(older) < size or (_oldest(older, when) or oldest) < oldest:
            return border, older
        border = edge(oldest + _MILLISECOND)
        older = ask(border)
        goes_on = len(older) < size or (_oldest(older, when) or oldest) < oldest
        if goes_on and not _ids(page).isdisjoint(_ids(older)):
            return border, older
    raise SourceChanged(
        f"Trello told {size} things of one instant ({page[-1].get('id')!r} last): what is older cannot be"
        " reached without a gap; look at the board's history at that time"
    )


def _oldest(page: list[Json], when: When) -> datetime | None:
    return min((at for each in page if (at := when(each)) and at.year < _LAST_YEAR), default=None)


def _ids(page: list[Json]) -> set[str]:
    return {str(each.get("id")) for each in page}


def edge(at: datetime) -> str:
    """An instant as Trello takes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
