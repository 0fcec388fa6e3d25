"""A clock on a wall: the slow, independent reference that slots are held against.

It only ever turns UTC into local time, minute by minute, and looks what it shows. Code that turns local time into UTC,
where gaps and doubled hours are, is what it checks. What the clock shows is written as if it were UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def shown(zone: str, at: datetime) -> datetime:
    """What the clock shows at an instant."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)


def first_shown(zone: str, local: datetime) -> datetime:
    """The instant a local time comes, found by watching the clock each minute.

    The first minute it shows that time; where it leaps over it, as long after the leap as it would have been (the
    offset before the gap, RFC 5545 section 3.3.5).
    """
    start = local - timedelta(hours=27)
    before, leap = shown(zone, start), None
    for minute in (start + n * MINUTE for n in range(1, 54 * 60)):
        now = shown(zone, minute)
        if now == local:
            return minute
        if before < local < now and leap is None:
            leap = minute + (local - before - MINUTE)
        before = now
    assert leap is not None
    return leap


@dataclass(frozen=True)
class Clock:
    """The same for years of one zone: when its offset changed, found by halving the time between two looks."""

    zone: str
    changes: tuple[datetime, ...]
    offsets: tuple[timedelta, ...]

    @classmethod
    def of(cls, zone: str, start: datetime, end: datetime) -> Clock:
        looks = [start + n * DAY for n in range((end - start) // DAY + 1)]
        changes, offsets = [], [_offset(zone, start)]
        for one, other in pairwise(looks):
            if _offset(zone, other) != offsets[-1]:
                changes.append(_change(zone, one, other))
                offsets.append(_offset(zone, other))
        return cls(zone, tuple(changes), tuple(offsets))

    def shown(self, at: datetime) -> datetime:
        """What the clock shows at an instant."""
        return at + self.offsets[bisect_right(self.changes, at)]

    def first_shown(self, local: datetime) -> datetime:
        """See the function of that name."""
        near = bisect_right(self.changes, local)
        for place in range(max(0, near - 2), len(self.offsets)):
            at = local - self.offsets[place]
            if place == len(self.changes) or at < self.changes[place]:  # not after this stretch
                leapt = place > 0 and at < self.changes[place - 1]  # but before it: no stretch shows it
                return local - self.offsets[place - 1] if leapt else at
        raise AssertionError("the last stretch has no end")

    def has(self, day: date) -> bool:
        """Whether the clock shows any minute of that day."""
        return self.shown(self.first_shown(datetime.combine(day, time(12), UTC))).date() == day


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


def _change(zone: str, one: datetime, other: datetime) -> datetime:
    """The first second of the later offset."""
    first = _offset(zone, one)
    while other - one > timedelta(seconds=1):
        middle = one + (other - one) // 2
        middle = middle.replace(microsecond=0)
        one, other = (middle, other) if _offset(zone, middle) == first else (one, middle)
    return other


def days(start: date, end: date) -> Iterator[date]:
    """Each day from `start` until before `end`."""
    yield from (start + n * DAY for n in range((end - start).days))
