"""Boards that tell no log: what happened is what differs from the last look."""

from __future__ import annotations

from datetime import timedelta

from ingest.diff import comparable, diff
from warehouse.log import Log
from warehouse.model import Batch, Cursor, Snapshot


class Looks:
    """Remembers how each board was seen last, across restarts by what the warehouse knows."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seen: dict[tuple[str, str], Snapshot] = {}

    def batch(self, seen: Snapshot, interval: timedelta | None) -> Batch:
        """What to keep of a look: the board as it stands, and what must have happened since the last one.

        Nothing happened before the first look: what is there then is only how it stands. Append it before the next.
        """
        key = (seen.source, seen.board_id)
        before = self._seen.get(key) or self._remembered(seen)
        self._seen[key] = seen
        if before is None:
            return Batch(snapshot=seen, cursor=Cursor(*key, ""))  # from here on it has been looked at
        return Batch(diff(before, seen, interval=interval), seen)

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
