"""Who is at work, and when their night was. Pure: the instant is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from digests.model import Person
from digests.schedule import off

State = Literal["working", "off", "weekend"]
LOOK_BACK = timedelta(days=40)  # longer than most holidays; who has not worked in it has no night


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, `start <= t < end`, aware instants."""

    start: datetime
    end: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A person at an instant: what time it is for them, whether they work, and what they were or are away for.

    `night` runs from the end of their last working period to the start of the present one, or to now where
    they are off; None where they have not worked for weeks. `day_off` says why they do not work on this day.
    """

    person: Person
    zone: ZoneInfo
    local: datetime
    state: State
    night: Period | None
    working_until: datetime | None = None
    back_at: datetime | None = None
    day_off: str | None = None


def whereabouts(person: Person, now: datetime) -> Whereabouts | None:
    """Where in their day the person is; None where their zone is not known."""
    if person.zone is None:
        return None
    zone = ZoneInfo(person.zone)
    local = now.astimezone(zone)
    periods = list(working_periods(person, now - LOOK_BACK, now + LOOK_BACK))
    present = next((one for one in periods if one.holds(now)), None)
    day_off = off(person, local.date())
    ended = [one for one in periods if one.end <= now]
    night = Period(ended[-1].end, present.start if present else now) if ended else None
    return Whereabouts(
        person=person,
        zone=zone,
        local=local,
        state="working" if present else "weekend" if day_off else "off",
        night=night,
        working_until=present.end if present else None,
        back_at=next((one.start for one in periods if one.start > now), None) if not present else None,
        day_off=day_off,
    )


def working_periods(person: Person, start: datetime, end: datetime) -> Iterator[Period]:
    """The person's working periods that touch a span, in order. Hours that end before they start run over midnight."""
    zone = ZoneInfo(person.zone or "UTC")
    opens, closes = person.work_hours
    day: date = start.astimezone(zone).date() - timedelta(days=1)
    while day <= end.astimezone(zone).date():
        if off(person, day) is None:
            last = day if opens < closes else day + timedelta(days=1)
            period = Period(_instant(day, opens, zone), _instant(last, closes, zone))
            if period.end > start and period.start < end:
                yield period
        day += timedelta(days=1)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
