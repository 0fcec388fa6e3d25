"""Who is at work and when their night was: cases where clocks change, laws for every zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import WEEK, Pause, Person
from pages._zones import whereabouts, working_periods

ZONES = (
    "Europe/Berlin Asia/Kathmandu America/St_Johns Australia/Lord_Howe Pacific/Apia Pacific/Honolulu".split()
)


def someone(zone: str | None, **more: object) -> Person:
    return Person("p", "P", zone=zone, **more)  # type: ignore[arg-type]


def berlin(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("now", "state", "night"),
    [
        (berlin(2026, 3, 10, 10), "working", (berlin(2026, 3, 9, 17, 30), berlin(2026, 3, 10, 9))),
        (berlin(2026, 3, 10, 20), "off", (berlin(2026, 3, 10, 17, 30), berlin(2026, 3, 10, 20))),
        (berlin(2026, 3, 14, 12), "weekend", (berlin(2026, 3, 13, 17, 30), berlin(2026, 3, 14, 12))),
        (berlin(2026, 3, 30, 9), "working", (berlin(2026, 3, 27, 17, 30), berlin(2026, 3, 30, 9))),
    ],
    ids=["at work", "evening", "saturday", "monday after the clocks changed"],
)
def test_the_night_is_since_the_last_working_period(
    now: datetime, state: str, night: tuple[datetime, datetime]
) -> None:
    where = whereabouts(someone("Europe/Berlin"), now)
    assert where
    assert where.night
    assert (where.state, (where.night.start, where.night.end)) == (state, night)


def test_the_weekend_of_the_change_is_an_hour_shorter() -> None:
    where = whereabouts(someone("Europe/Berlin"), berlin(2026, 3, 30, 9))
    assert where
    assert where.night
    assert where.night.end - where.night.start == timedelta(days=2, hours=14, minutes=30)


def test_a_night_shift_is_one_period_over_midnight() -> None:
    nurse = someone("Europe/Berlin", work_hours=(time(22), time(6)))
    where = whereabouts(nurse, berlin(2026, 3, 11, 3))
    assert where
    assert (where.state, where.working_until) == ("working", berlin(2026, 3, 11, 6))


def test_without_a_zone_nothing_is_claimed() -> None:
    assert whereabouts(someone(None), berlin(2026, 3, 10, 10)) is None


def test_who_never_works_has_no_night() -> None:
    where = whereabouts(someone("Europe/Berlin", work_days=()), berlin(2026, 3, 10, 10))
    assert where
    assert (where.state, where.night, where.back_at) == ("weekend", None, None)


def test_a_holiday_and_a_pause_are_days_off_and_the_night_lasts_until_after_them() -> None:
    easter = berlin(2026, 4, 3, 10)
    away = (Pause(date(2026, 4, 7), date(2026, 4, 8)),)
    where = whereabouts(someone("Europe/Berlin", country="DE", pauses=away), easter)
    assert where
    assert (where.state, where.day_off) == ("weekend", "holiday: Good Friday")
    assert where.back_at == berlin(2026, 4, 9, 9)


@given(
    zone=st.sampled_from(ZONES),
    now=st.floats(0, 18 * 365).map(lambda days: datetime(2011, 12, 20, tzinfo=UTC) + timedelta(days=days)),
    days=st.sets(st.sampled_from(WEEK), min_size=1),
)
def test_a_night_ends_where_work_begins_or_now(zone: str, now: datetime, days: set[str]) -> None:
    person = someone(zone, work_days=tuple(days))
    where = whereabouts(person, now)
    assert where
    assert where.night
    assert where.night.start <= where.night.end <= now
    assert (where.state == "working") == (where.working_until is not None)
    between = working_periods(person, where.night.start, where.night.end)
    assert not [one for one in between if one.end > where.night.start and one.start < where.night.end]
