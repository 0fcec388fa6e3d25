"""When a person's digest is due, where they live, and why not on the other days. Pure: the core is told the time.

A local time that does not exist runs at the offset before the gap, a doubled one once, the first
(RFC 5545 section 3.3.5): both are what `fold=0` means to zoneinfo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from digests.holidays import holiday
from digests.model import WEEK, Cadence, Person

ABSENT = 4
"""So many digests in a row not read, and mail comes weekly."""
GRACE = timedelta(hours=1)
"""So long at least a slot stays due, also where its day ends before."""
HORIZON = 800
"""Days looked ahead for a next slot: no pause that somebody means is longer."""
DAY = timedelta(days=1)
PAUSE, WEEKEND, DAY_OFF = "pause", "weekend", "day off"


@dataclass(frozen=True, slots=True)
class Slot:
    """One send time of one person: the local day and time it belongs to and the instant it comes."""

    on: date
    wall: time
    at: datetime
    zone: str

    @property
    def local(self) -> datetime:
        """The instant as a clock where they live shows it."""
        return self.at.astimezone(ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Skip:
    """Days in a row without mail for one reason; no `last`: for good."""

    first: date
    last: date | None
    why: str


def due(person: Person, now: datetime) -> Slot | None:
    """The latest slot that has come and still is to be answered: until its local day ends, and for an hour at least.

    A weekly one that nobody was there for stays due on the days its reader works: two weeks of silence look broken.
    """
    if person.zone is None:
        return None
    today = _today(person.zone, now)
    come = (slot for day in (today - DAY, today) for slot in slots_on(person, day) if slot.at <= now)
    still = (slot for slot in come if slot.local.date() == today or now - slot.at < GRACE)
    # By the instant: one of yesterday may have fallen into a gap at midnight, behind an early one of today.
    return max(still, key=lambda slot: slot.at, default=None) or _missed(person, now)


def at_once(person: Person, now: datetime) -> Slot | None:
    """A slot of this minute for whoever wants to know at once and is at work; None for everybody else."""
    if person.zone is None or pace(person).name != "mentions" or not is_working(person, now):
        return None
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    local = minute.astimezone(ZoneInfo(person.zone))
    return Slot(local.date(), local.time(), minute, person.zone)


def next_slot(person: Person, now: datetime) -> Slot | None:
    """The first slot after `now`; None for a person who is not due within two years."""
    return next((one for one in upcoming(person, now, 1) if isinstance(one, Slot)), None)


def upcoming(person: Person, now: datetime, count: int = 10) -> Iterator[Slot | Skip]:
    """The next `count` slots after `now`, and between them the days without one, with the reason. None without a zone."""
    if person.zone is None:
        return
    if (never := _never(person)) is not None:
        yield Skip(_today(person.zone, now), None, never)
        return
    for one in _joined(_day_by_day(person, person.zone, now)):
        yield one
        count -= isinstance(one, Slot)
        if count <= 0:
            return


def _day_by_day(person: Person, zone: str, now: datetime) -> Iterator[Slot | Skip]:
    today = _today(zone, now)
    # A slot of yesterday that fell into a gap at midnight comes today.
    for day in (today + n * DAY for n in range(-1, HORIZON)):
        if (why := why_not(person, day)) is None:
            yield from (slot for slot in slots_on(person, day) if slot.at > now)
        elif day >= today:
            yield Skip(day, day, why)


def _joined(days: Iterable[Slot | Skip]) -> Iterator[Slot | Skip]:
    """Days in a row without mail for one reason as one."""
    skip: Skip | None = None
    for one in days:
        if skip and isinstance(one, Skip) and one.why == skip.why:
            skip = replace(skip, last=one.last)
            continue
        if skip:
            yield skip
        skip = one if isinstance(one, Skip) else None
        if isinstance(one, Slot):
            yield one
    if skip:
        yield skip


def slots_on(person: Person, day: date) -> list[Slot]:
    """The slots that belong to a local day, in the order they come. The person has a zone."""
    if not person.send_at or why_not(person, day):
        return []
    assert person.zone is not None
    zone = ZoneInfo(person.zone)
    # Two local times may be one instant, where the clock leaps over the first.
    at = {datetime.combine(day, wall, zone).astimezone(UTC): wall for wall in reversed(person.send_at)}
    slots = [Slot(day, at[instant], instant, person.zone) for instant in sorted(at)]
    return slots if pace(person).name in ("each", "mentions") else slots[:1]


def why_not(person: Person, day: date) -> str | None:
    """Why no digest comes on a local day; None if one does."""
    if (never := _never(person)) is not None:
        return never
    cadence, reason = pace(person), off(person, day)
    if cadence.name != "weekly" or reason == PAUSE:
        return reason
    since = (day.weekday() - WEEK.index(cadence.on)) % 7
    if any(_opens(person, day - n * DAY, cadence.on) for n in range(1, since + 1)):
        slowed = "" if cadence == person.cadence else f"slowed, {person.unread} in a row not read: "
        return f"{slowed}weekly on {cadence.on}"
    return None if _opens(person, day, cadence.on) else reason


def off(person: Person, day: date) -> str | None:
    """Why a person does not work on a local day: a pause, the weekend, a holiday by its name; None if they do."""
    if any(pause.holds(day) for pause in person.pauses):
        return PAUSE
    if WEEK[day.weekday()] not in person.work_days:
        return WEEKEND if day.weekday() >= WEEK.index("sat") else DAY_OFF
    if person.country and (name := holiday(person.country, day)):
        return f"holiday: {name}"
    return None if person.zone is None or _exists(day, person.zone) else f"no such day in {person.zone}"


def pace(person: Person) -> Cadence:
    """The cadence that holds: weekly for whoever has not read the last four, unless they want it otherwise."""
    absent = person.slows_down and person.unread >= ABSENT and person.cadence.name != "never"
    if not absent or person.cadence.name == "weekly":
        return person.cadence
    return Cadence("weekly", next(iter(person.work_days), "mon"))


def is_working(person: Person, now: datetime) -> bool | None:
    """Whether the person is in their working hours; None where we do not know where they live."""
    if person.zone is None:
        return None
    local = now.astimezone(ZoneInfo(person.zone))
    starts, ends = person.work_hours
    if starts <= ends:
        return off(person, local.date()) is None and starts <= local.time() < ends
    day = local.date() if local.time() >= starts else local.date() - DAY
    return off(person, day) is None and not ends <= local.time() < starts


def _missed(person: Person, now: datetime) -> Slot | None:
    """The week's slot, from its time of day on; not one from before the person chose when mail comes."""
    local = now.astimezone(ZoneInfo(person.zone or "UTC"))
    if pace(person).name != "weekly" or off(person, local.date()):
        return None
    week = (slot for n in range(1, 7) for slot in slots_on(person, local.date() - n * DAY))
    slot = next(week, None)
    if slot is None or local.time() < slot.wall or (person.chosen_at and slot.at < person.chosen_at):
        return None
    return slot


def _never(person: Person) -> str | None:
    if person.cadence.name == "never":
        return "never"
    if not person.send_at:
        return "no send time"
    return None if person.work_days or pace(person).name == "weekly" else "no work days"


def _opens(person: Person, day: date, on: str) -> bool:
    """Whether a weekly mail could come: the day chosen for it need not be a work day."""
    reason = off(person, day)
    chosen = WEEK[day.weekday()] == on and reason in (WEEKEND, DAY_OFF)
    return reason is None or (chosen and person.zone is not None and _exists(day, person.zone))


def _today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


@lru_cache(4096)
def _exists(day: date, zone: str) -> bool:
    """False for a day a zone left out when it crossed the date line."""
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(noon.tzinfo).date() == day
