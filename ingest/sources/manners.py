"""How a source is asked: one request at a time, at a pace, slower when that was too much, not at all while it rests.

And how what it said last is remembered, so that it need not say it again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from ingest.sources import SourceUnavailable

PATIENCE = timedelta(seconds=30)
"""The longest rest that is sat out; a longer one is for the caller, who can say so."""

_FIRST_SLOW, _SLOWEST, _RECOVERY = 0.25, 60.0, 0.9
_MOST_ANSWERS, _MOST_BYTES = 64, 16_000_000


class Manners:
    """Whose turn it is to ask, and when. `closing` ends every wait."""

    def __init__(self, pace: timedelta, closing: threading.Event) -> None:
        self._base = self.pace = pace.total_seconds()
        self._closing = closing
        self._turn = threading.Lock()
        self._next_at = self._rests_until = 0.0

    @contextmanager
    def turn(self, asked: str) -> Iterator[None]:
        """The right to ask once, when it is time; SourceUnavailable while the source rests for long."""
        with self._turn:
            rest = self._rests_until - time.monotonic()
            if rest > PATIENCE.total_seconds():
                wait = timedelta(seconds=rest)
                raise SourceUnavailable(f"{asked} is not asked: it wants to rest for {rest:.0f} s more", wait)
            self._closing.wait(max(0.0, rest, self._next_at - time.monotonic()))
            try:
                yield
            finally:
                self._next_at = time.monotonic() + self.pace

    def too_much(self) -> None:
        """Ask half as often from now on."""
        self.pace = min(_SLOWEST, max(_FIRST_SLOW, self.pace * 2))

    def rest(self, wait: timedelta) -> None:
        """Ask nothing for a while."""
        self._rests_until = max(self._rests_until, time.monotonic() + wait.total_seconds())

    def went_well(self) -> None:
        """Ask a little more often, up to the pace we began with."""
        if self.pace > self._base:
            slower = self.pace * _RECOVERY
            self.pace = slower if slower > max(self._base, _FIRST_SLOW / 10) else self._base


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and the marks by which its source knows it again."""

    body: bytes
    marks: Mapping[str, str]


class Memory:
    """The last answers that can be asked for again by "only if it is another one". Few and not too large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Said] = OrderedDict()
        self._bytes = 0

    def recall(self, asked: str) -> Said | None:
        """What was said last, None where it is not known any more."""
        with self._lock:
            said = self._answers.get(asked)
            if said:
                self._answers.move_to_end(asked)
            return said

    def keep(self, asked: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Remember an answer that has marks."""
        pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
        marks = {ours: headers[theirs] for ours, theirs in pairs if theirs in headers}
        with self._lock:
            if old := self._answers.pop(asked, None):
                self._bytes -= len(old.body)
            if marks and len(body) <= _MOST_BYTES // 2:
                self._answers[asked] = Said(body, marks)
                self._bytes += len(body)
            while len(self._answers) > _MOST_ANSWERS or self._bytes > _MOST_BYTES:
                self._bytes -= len(self._answers.popitem(last=False)[1].body)
