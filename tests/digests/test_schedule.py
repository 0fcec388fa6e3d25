"""When a digest is due: a table of awkward places, and laws that hold in every zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digests.model import WEEK, Cadence, Person
from digests.schedule import GRACE, due, is_working, next_slot

ZONES = sorted(available_timezones() - {"localtime"})


def person(zone: str | None, *send_at: str, days: tuple[str, ...] = WEEK) -> Person:
    times = tuple(time.fromisoformat(at) for at in send_at or ("08:00",))
    return Person("p", "P", "p@example.org", zone, times, days)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "send_at", "now", "slot"),
    [
        ("Europe/Berlin", "08:00", "2026-03-10T06:59:59", None),
        ("Europe/Berlin", "08:00", "2026-03-10T07:00:00", "2026-03-10T07:00"),
        ("Europe/Berlin", "08:00", "2026-03-10T22:59:59", "2026-03-10T07:00"),  # due until the day ends there
        ("Europe/Berlin", "08:00", "2026-03-10T23:00:00", None),
        ("Asia/Kathmandu", "08:00", "2026-03-10T02:15", "2026-03-10T02:15"),  # +05:45
        ("America/St_Johns", "08:00", "2026-01-13T11:30", "2026-01-13T11:30"),  # -03:30
        ("Pacific/Honolulu", "08:00", "2026-03-10T18:00", "2026-03-10T18:00"),
        ("Pacific/Chatham", "08:00", "2026-01-13T18:15", "2026-01-13T18:15"),  # +13:45: their next day
        ("Australia/Lord_Howe", "02:15", "2026-10-03T15:45", "2026-10-03T15:45"),  # 02:00 to 02:30 is skipped
        ("Australia/Lord_Howe", "01:45", "2026-04-04T15:10", "2026-04-04T14:45"),  # doubled: once, the first
        ("Europe/Berlin", "02:30", "2026-03-29T01:30", "2026-03-29T01:30"),  # does not exist: 03:30 there
        ("Europe/Berlin", "02:30", "2026-10-25T00:30", "2026-10-25T00:30"),  # doubled: the first
        ("Europe/Dublin", "01:30", "2026-03-29T01:30", "2026-03-29T01:30"),
        (
            "Africa/Casablanca",
            "02:30",
            "2026-03-22T02:30",
            "2026-03-22T02:30",
        ),  # after Ramadan: 02:00 to 03:00 is skipped
        (
            "Pacific/Apia",
            "08:00",
            "2011-12-30T18:00",
            "2011-12-30T18:00",
        ),  # the 31st there; the 30th never was
        ("Pacific/Apia", "08:00", "2011-12-30T09:59", "2011-12-29T18:00"),  # still the 29th
        (
            "America/Nuuk",
            "23:30",
            "2024-03-31T01:30",
            "2024-03-31T01:30",
        ),  # 23:00 to midnight is skipped: 00:30
        (
            "Europe/Berlin",
            "23:59",
            "2026-03-10T23:58",
            "2026-03-10T22:59",
        ),  # its day is over, its hour is not
        ("Europe/Berlin", "23:59", "2026-03-10T23:59", None),
    ],
)
def test_the_slot_is_where_the_person_lives(zone: str, send_at: str, now: str, slot: str | None) -> None:
    found = due(person(zone, send_at), at(now))

    assert (found and found.at) == (at(slot) if slot else None)


def test_the_latest_of_several_times_is_due() -> None:
    ben = person("Europe/Berlin", "08:00", "13:30")

    assert due(ben, at("2026-03-10T12:00")).at == at("2026-03-10T07:00")  # type: ignore[union-attr]
    assert due(ben, at("2026-03-10T12:30")).at == at("2026-03-10T12:30")  # type: ignore[union-attr]


def test_a_slot_that_fell_into_the_next_day_comes_after_an_early_one_of_that_day() -> None:
    early_and_late = person("America/Nuuk", "00:15", "23:30")

    assert due(early_and_late, at("2024-03-31T01:29")).at == at("2024-03-31T01:15")  # type: ignore[union-attr]
    assert due(early_and_late, at("2024-03-31T01:30")).on == date(2024, 3, 30)  # type: ignore[union-attr]


def test_a_weekly_slot_nobody_was_there_for_is_due_on_the_next_day_its_reader_works() -> None:
    weekly = replace(person("Europe/Berlin", days=WEEK[:5]), cadence=Cadence("weekly", "fri"))
    friday = at("2026-03-06T07:00")

    assert due(weekly, at("2026-03-07T12:00")) is None  # Saturday
    assert due(weekly, at("2026-03-09T06:59")) is None  # Monday, before eight
    for still in ("2026-03-09T07:00", "2026-03-12T20:00"):
        assert due(weekly, at(still)).at == friday  # type: ignore[union-attr]
    assert due(weekly, at("2026-03-13T07:00")).at == at("2026-03-13T07:00")  # type: ignore[union-attr]
    assert due(replace(weekly, chosen_at=at("2026-03-08T07:00")), at("2026-03-09T12:00")) is None
    assert due(replace(weekly, cadence=Cadence("daily")), at("2026-03-07T12:00")) is None


def test_nothing_is_due_on_a_day_off_there() -> None:
    ben = person("Pacific/Auckland", days=WEEK[:5])

    assert due(ben, at("2026-03-06T20:00")) is None  # Saturday morning there, Friday in UTC
    assert due(ben, at("2026-03-08T20:00")) is not None  # Monday there


def test_a_day_that_never_was_has_no_slot() -> None:
    ben = person("Pacific/Apia", days=("fri",))  # 2011-12-30 was a Friday elsewhere

    assert next_slot(ben, at("2011-12-29T00:00")).on == date(2012, 1, 6)  # type: ignore[union-attr]
    assert due(ben, at("2011-12-30T18:00")) is None


def test_who_has_no_zone_is_never_due() -> None:
    assert due(person(None), at("2026-03-10T12:00")) is None
    assert next_slot(person(None), at("2026-03-10T12:00")) is None


def test_who_has_no_send_time_or_work_day_is_never_due() -> None:
    assert next_slot(replace(person("Asia/Tokyo"), send_at=()), at("2026-03-10T12:00")) is None
    assert next_slot(person("Asia/Tokyo", days=()), at("2026-03-10T12:00")) is None


# Hypothesis wants the bounds without a zone.
moments = st.datetimes(datetime(1990, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
people = st.builds(
    lambda zone, times, days: Person("p", "P", None, zone, tuple(times), tuple(days)),
    st.sampled_from(ZONES),
    st.lists(st.times().map(lambda one: one.replace(second=0, microsecond=0)), min_size=1, max_size=3),
    st.lists(st.sampled_from(WEEK), min_size=1, unique=True),
)


@given(people, moments)
@settings(max_examples=300, deadline=None)
def test_what_is_due_has_come_today_and_stays_due_all_day(someone: Person, now: datetime) -> None:
    slot = due(someone, now)
    if slot is None:
        return
    zone = ZoneInfo(someone.zone or "")
    assert slot.at <= now
    assert slot.at.astimezone(zone).date() == now.astimezone(zone).date() or now - slot.at < GRACE
    assert WEEK[slot.on.weekday()] in someone.work_days
    assert due(someone, slot.at) == slot


@given(people, moments)
@settings(max_examples=300, deadline=None)
def test_the_next_slot_is_due_when_it_comes_and_nothing_new_is_before(someone: Person, now: datetime) -> None:
    slot = next_slot(someone, now)

    assert slot is not None
    assert now < slot.at <= now + timedelta(days=15)
    assert due(someone, slot.at) == slot
    between = now + (slot.at - now) / 2
    before = due(someone, between)
    assert before is None or before.at <= now


@given(people, moments)
@settings(max_examples=200, deadline=None)
def test_a_loop_that_wakes_each_hour_meets_each_slot_once(someone: Person, start: datetime) -> None:
    met = {slot.at for hour in range(72) if (slot := due(someone, start + timedelta(hours=hour)))}

    at_of_day = {(slot.astimezone(ZoneInfo(someone.zone or "")).date(), slot) for slot in met}
    assert len(at_of_day) == len(met)
    assert len(met) <= 4 * len(set(someone.send_at))


def test_working_hours_over_midnight_belong_to_the_day_they_began() -> None:
    night = replace(person("Europe/Berlin", days=("mon",)), work_hours=(time(22), time(6)))

    assert is_working(night, at("2026-03-09T22:00"))
    assert is_working(night, at("2026-03-10T03:00"))
    assert not is_working(night, at("2026-03-10T22:00"))
    assert is_working(person(None), at("2026-03-10T22:00")) is None
