"""Holds what the log knows of a board against the board itself; what stays different becomes inferred events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.diff import comparable, diff
from warehouse.log import Log
from warehouse.model import Batch, Event, Snapshot

Thing = tuple[str, str]
"""Kind and id."""

_REMEMBERED = 5000  # events; a board that tells more between two words of its reader is compared another time


@dataclass(frozen=True, slots=True)
class Drift:
    """What came of one comparison; as text it is the line others script against.

    `drift` counts the events that had to be inferred; `suspected` the differences that a second look must confirm.
    """

    source: str
    board: str
    things: int
    drift: int
    suspected: int

    def __str__(self) -> str:
        return (
            f"reconcile source={self.source} board={self.board} things={self.things} "
            f"drift={self.drift} suspected={self.suspected}"
        )


def drifted(known: Snapshot, seen: Snapshot, gone_on: frozenset[Thing] = frozenset()) -> tuple[Event, ...]:
    """What must have happened that the log does not tell. Pure.

    `known` is what the log says after it was read to its end, later than `seen`; things that have `gone_on` since are
    left alone.
    """
    found = diff(comparable(known, seen), seen)
    return tuple(event for event in found if not gone_on & _about(event))


class Reconciler:
    """Compares boards twice before believing that something is missing: a source may show what it logs a little later."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._suspected: dict[tuple[str, str], tuple[Snapshot, set[str]]] = {}
        self._recent: dict[tuple[str, str], deque[tuple[datetime, frozenset[Thing]]]] = {}

    def heard(self, batch: Batch) -> None:
        """Remember what was told lately."""
        for event in batch.events[-_REMEMBERED:]:
            key = (event.source, event.board_id)
            self._recent.setdefault(key, deque(maxlen=_REMEMBERED)).append((event.observed_at, _about(event)))

    def hold(self, seen: Snapshot) -> tuple[Drift, Batch]:
        """What to keep of a comparison of the log, read to its end after `seen` was taken. Append it at once.

        A difference that only this look shows is suspected; one that the look before showed too has happened.
        """
        key = (seen.source, seen.board_id)
        recent = self._recent.pop(key, deque(maxlen=_REMEMBERED))
        since = [things for observed_at, things in recent if observed_at >= seen.taken_at]
        if len(since) == _REMEMBERED:
            return Drift(*key, things=0, drift=0, suspected=0), Batch()
        found = drifted(self._log.known(*key), seen, frozenset().union(*since))
        first, before = self._suspected.pop(key, (None, set()))
        held = tuple(
            _reconciled(event, first.taken_at) for event in found if first and _what(event) in before
        )
        suspected = {_what(event) for event in found} - {_what(event) for event in held}
        if suspected:
            self._suspected[key] = (seen, suspected)
        drift = Drift(*key, things=len(seen.entities), drift=len(held), suspected=len(suspected))
        # What nobody can compare (an address, say) is as the board shows it, once nothing else is in doubt.
        return drift, Batch(held, None if suspected else seen)


def _about(event: Event) -> frozenset[Thing]:
    """The things an event is about, by kind and id: some sources number each kind from 1."""
    things = ((event.entity_type, event.entity_id), ("card", event.card_id))
    return frozenset((kind, name) for kind, name in things if name)


def _what(event: Event) -> str:
    """What an event says, whenever it is said."""
    return repr((event.action, event.entity_type, event.entity_id, event.before, event.after))


def _reconciled(event: Event, first_seen_at: datetime) -> Event:
    return replace(
        event, payload={**event.payload, "reconciled": {"first_seen_at": first_seen_at.isoformat()}}
    )
