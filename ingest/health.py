"""How the reading of one source goes: says once what is wrong, however many notice, and once that it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ingest.sources import BoardGone, Clock, SourceChanged, SourceUnavailable

_LONG = timedelta(seconds=30)  # a rest worth saying until when


class Health:
    """What each reader of a source last met. `who` is a board, or "" for the list of boards."""

    def __init__(
        self, source: str, say: Callable[[str], None], clock: Clock, set_aside: Callable[[str, bytes], str]
    ) -> None:
        """`set_aside` keeps what a source said in a shape nobody knows, and says where."""
        self._source, self._say, self._clock, self._set_aside = source, say, clock, set_aside
        self._lock = threading.Lock()
        self._down: dict[str, datetime] = {}
        self._odd: dict[str, str] = {}
        self._rests_until: datetime | None = None

    def down(self, who: str, error: SourceUnavailable | SourceChanged | BoardGone) -> None:
        """`who` cannot read; trying goes on."""
        with self._lock:
            if isinstance(error, SourceUnavailable):
                self._silent(who, error)
            else:
                self._strange(who, error)

    def up(self, who: str) -> None:
        """`who` can read."""
        with self._lock:
            if self._odd.pop(who, None):
                self._say(f"{self._named(who)} can be read again")
            if self._down.pop(who, None) and not self._down:
                self._rests_until = None
                self._say(f"source={self._source} back")

    def forget(self, who: str) -> None:
        """Nobody reads this board any more."""
        with self._lock:
            self._odd.pop(who, None)
            self._down.pop(who, None)

    @property
    def is_well(self) -> bool:
        """Whether the source answers: a board of it may be in trouble all the same (see `troubles`)."""
        return "" not in self._down and "" not in self._odd

    def troubles(self) -> dict[str, str]:
        """What is wrong, by board."""
        with self._lock:
            silent = {
                who: f"no answer since {since:%Y-%m-%d %H:%M:%S} UTC" for who, since in self._down.items()
            }
            return silent | self._odd

    def _silent(self, who: str, error: SourceUnavailable) -> None:
        now, rest = self._clock(), error.retry_after or timedelta()
        until = now + rest if rest > _LONG else None
        is_longer = until is not None and (self._rests_until is None or until > self._rests_until + _LONG)
        if is_longer and until:
            self._rests_until = until
            self._say(f"source={self._source} down, resting until {until:%Y-%m-%d %H:%M:%S} UTC: {error}")
        elif not self._down:
            self._say(f"source={self._source} down, trying again until it is back: {error}")
        self._down.setdefault(who, now)

    def _strange(self, who: str, error: SourceChanged | BoardGone) -> None:
        words = str(error)
        if self._odd.get(who) != words:
            kept = self._set_aside(self._source, error.payload) if isinstance(error, SourceChanged) else ""
            self._say(f"{self._named(who)} cannot be read, looking again now and then: {words}{kept}")
        self._odd[who] = words

    def _named(self, who: str) -> str:
        return f"source={self._source} board={who}" if who else f"source={self._source}"
