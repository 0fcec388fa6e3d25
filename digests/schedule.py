"""When a person's digest is due, where they live. Pure: the core is told the time.

A local time that does not exist runs at the offset before the gap, a doubled one once, the first
(RFC 5545 section 3.3.5): both are what `fold=0` means to zoneinfo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digests.model import WEEK, Person


@dataclass(frozen=True, slots=True)
class Slot:
    """One send time of one person: the local day it belongs to and the instant it comes."""

    on: date
    at: datetime
    zone: str


def due(person: Person, now: datetime) -> Slot | None:
    """The latest slot that has come on the person's own work day; it stays due until that local day ends."""
    if person.zone is None:
        return None
    today = now.astimezone(ZoneInfo(person.zone)).date()
    # A slot of yesterday that fell into a gap at midnight comes today.
    come = [slot for slot in _slots(person, today - timedelta(days=1), 2) if slot.at <= now]
    return next((slot for slot in reversed(come) if _local_day(slot) == today), None)


def next_slot(person: Person, now: datetime) -> Slot | None:
    """The first slot after `now`, None for a person who is never due."""
    if person.zone is None:
        return None
    today = now.astimezone(ZoneInfo(person.zone)).date()
    # Fifteen days: a weekly work day that a zone skipped (Apia, 2011-12-30) still has a next one.
    return next((slot for slot in _slots(person, today - timedelta(days=1), 16) if slot.at > now), None)


def is_working(person: Person, now: datetime) -> bool | None:
    """Whether the person is in their working hours; None where we do not know where they live."""
    if person.zone is None:
        return None
    local = now.astimezone(ZoneInfo(person.zone))
    starts, ends = person.work_hours
    if starts <= ends:
        return WEEK[local.weekday()] in person.work_days and starts <= local.time() < ends
    day = local.date() if local.time() >= starts else local.date() - timedelta(days=1)
    return WEEK[day.weekday()] in person.work_days and not ends <= local.time() < starts


def _slots(person: Person, start: date, days: int) -> Iterator[Slot]:
    assert person.zone is not None
    zone = ZoneInfo(person.zone)
    for day in (start + timedelta(days=n) for n in range(days)):
        if WEEK[day.weekday()] in person.work_days and _exists(day, zone):
            instants = sorted({datetime.combine(day, at, zone).astimezone(UTC) for at in person.send_at})
            yield from (Slot(day, at, person.zone) for at in instants)


def _exists(day: date, zone: ZoneInfo) -> bool:
    """False for a day a zone left out when it crossed the date line."""
    return datetime.combine(day, time(12), zone).astimezone(UTC).astimezone(zone).date() == day


def _local_day(slot: Slot) -> date:
    return slot.at.astimezone(ZoneInfo(slot.zone)).date()
