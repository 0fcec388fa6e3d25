"""Boards that tell no log: what happened is what differs from the last look."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.diff import comparable, diff
from warehouse.log import Log
from warehouse.model import Batch, Cursor, Snapshot

_LOOKED = "looked "
_FEW = 10  # cards that may vanish between two looks without a doubt, on the smallest board


class Looks:
    """Remembers how each board was seen last, across restarts by what the warehouse knows."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seen: dict[tuple[str, str], Snapshot] = {}
        self._doubted: set[tuple[str, str]] = set()

    def batch(self, seen: Snapshot, interval: timedelta | None) -> Batch | None:
        """What to keep of a look: the board as it stands, and what must have happened since the last one.

        Nothing happened before the first look: what is there then is only how it stands. None where most of the board
        is missing: an answer may be cut short, so the next look must show it too. Append it before the next.
        """
        key = (seen.source, seen.board_id)
        before = self._seen.get(key) or self._remembered(seen)
        if before and key not in self._doubted and _misses_most(before, seen):
            self._doubted.add(key)
            return None
        self._doubted.discard(key)
        self._seen[key] = seen
        events = diff(before, seen, interval=interval) if before else ()
        is_told = before is None or bool(events)
        return Batch(events, seen, Cursor(*key, _position(seen.taken_at)) if is_told else None)

    def is_first(self, seen: Snapshot) -> bool:
        """Whether nobody has looked at this board before."""
        return (
            seen.source,
            seen.board_id,
        ) not in self._seen and self._log.cursor(seen.source, seen.board_id) is None

    def _remembered(self, seen: Snapshot) -> Snapshot | None:
        if self._log.cursor(seen.source, seen.board_id) is None:
            return None
        return comparable(self._log.known(seen.source, seen.board_id), seen)


def looked_until(position: str) -> datetime | None:
    """Up to when looks have told what happened; None where the position is one in a log."""
    return datetime.fromisoformat(position.removeprefix(_LOOKED)) if position.startswith(_LOOKED) else None


def _position(taken_at: datetime) -> str:
    return f"{_LOOKED}{taken_at.isoformat()}"


def _misses_most(before: Snapshot, seen: Snapshot) -> bool:
    were, are = (
        {one.entity_id for one in look.entities if one.entity_type == "card"} for look in (before, seen)
    )
    return len(were - are) > max(_FEW, len(were) // 2)
