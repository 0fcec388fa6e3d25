"""Every zone, ten years, any work days, pauses, send times and outages: slots held against a clock on the wall."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wall_clock import DAY, MINUTE, Clock, days, first_shown

from digests.model import WEEK, Pause, Person
from digests.schedule import GRACE, due, slots_on
from digests.zones import zones

START, END = date(2011, 7, 1), date(2021, 7, 1)
"""Ten years in which Apia and Fakaofo left out a day, and Moscow, Pyongyang, Caracas and Casablanca changed their minds."""


def instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@dataclass(frozen=True)
class Life:
    """Somebody's choices for ten years, and when Daybreak was down meanwhile."""

    person: Person
    outages: tuple[tuple[datetime, datetime], ...]

    @classmethod
    def of(cls, zone: str, chance: random.Random, *, busy: int) -> Life:
        times = {time(chance.randrange(24), chance.randrange(60)) for _ in range(chance.randint(1, 2))}
        some_days = chance.sample(WEEK, chance.randint(1, busy))
        starts = [START + chance.randrange(3650) * DAY for _ in range(8)]
        pauses = tuple(Pause(one, one + chance.randrange(40) * DAY) for one in starts)
        begins = [instant(START) + chance.random() * 3650 * DAY for _ in range(40)]
        outages = tuple((one, one + chance.choice([9 * MINUTE, DAY / 3, 9 * DAY])) for one in begins)
        work_days = tuple(day for day in WEEK if day in some_days)
        return cls(Person("p", "P", None, zone, tuple(sorted(times)), work_days, pauses=pauses), outages)

    def up(self, at: datetime) -> bool:
        return not any(start <= at < end for start, end in self.outages)

    def looks(self, slots: list[datetime]) -> list[datetime]:
        """When it is worth looking: as a slot comes, a minute later, and as Daybreak is up again."""
        found = {*slots, *(slot + MINUTE for slot in slots), *(end for _, end in self.outages)}
        return [at for at in sorted(found) if slots[0] <= at <= slots[-1] and self.up(at)] if slots else []


def expected(clock: Clock, person: Person, start: date, end: date) -> list[datetime]:
    """The instants of a person's slots, as the clock on the wall has them."""
    found = set()
    for day in days(start, end):
        works = WEEK[day.weekday()] in person.work_days and not any(one.holds(day) for one in person.pauses)
        if works and clock.has(day):
            found |= {clock.first_shown(datetime.combine(day, at, UTC)) for at in person.send_at}
    return sorted(found)


def still_due(clock: Clock, slots: list[datetime], at: datetime) -> datetime | None:
    """What is due at an instant: the last slot that came, on the same local day or within the hour."""
    last = max((slot for slot in slots if slot <= at), default=None)
    if last and (clock.shown(last).date() == clock.shown(at).date() or at - last < GRACE):
        return last
    return None


def live(life: Life, clock: Clock, start: date, end: date) -> None:
    """Run through the years: every slot at the right minute, and at every look the one due that is due."""
    slots = expected(clock, life.person, start, end)
    assert [one.at for day in days(start, end) for one in slots_on(life.person, day)] == slots
    come: list[datetime] = []
    coming = iter([*slots, instant(end) + DAY])
    following = next(coming)
    for at in life.looks(slots):
        while following <= at:
            come, following = [*come[-3:], following], next(coming)
        slot = due(life.person, at)
        assert (slot and slot.at) == still_due(clock, come, at), (life.person, at)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_over_every_zone_and_ten_years_each_slot_comes_once_at_its_local_minute(part: int) -> None:
    chance = random.Random(part)  # a different life for each zone, the same in each run
    for zone in zones()[part::4]:
        clock = Clock.of(zone, instant(START) - 3 * DAY, instant(END) + 3 * DAY)
        live(Life.of(zone, chance, busy=2), clock, START, END)


@given(st.sampled_from(zones()), st.randoms(use_true_random=False), st.integers(0, 3600))
@settings(max_examples=40, deadline=None)
def test_in_any_zone_each_slot_comes_once_at_its_local_minute(
    zone: str, chance: random.Random, first: int
) -> None:
    start = START + first * DAY
    end = start + 120 * DAY
    clock = Clock.of(zone, instant(start) - 3 * DAY, instant(end) + 3 * DAY)
    live(Life.of(zone, chance, busy=7), clock, start, end)


@given(st.sampled_from(zones()), st.integers(0, 3650), st.times())
@settings(max_examples=40, deadline=None)
def test_the_slot_is_the_first_minute_the_clock_on_the_wall_shows_it(zone: str, day: int, at: time) -> None:
    local = datetime.combine(START + day * DAY, at.replace(second=0, microsecond=0), UTC)
    person = Person("p", "P", None, zone, (local.time(),), WEEK)

    slots = slots_on(person, local.date())

    assert [slot.at for slot in slots] == [first_shown(zone, local)]
