"""When the next digests come and why not on the days between, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from digests.agenda import agenda, heading
from digests.model import Cadence, Pause, Person

NOW = datetime(2026, 3, 27, 10, 0, tzinfo=UTC)
"""A Friday; on Sunday clocks change in Berlin, a week later it is Easter."""
ADA = Person("ada", "Ada", "ada@example.org", "Europe/Berlin")


def told(person: Person, count: int = 10) -> list[str]:
    return [f"{row.when} | {row.note}".rstrip(" |") for row in agenda(person, NOW, count)]


def test_each_slot_is_told_in_its_zone_with_its_offset_and_each_gap_with_its_reason() -> None:
    ada = replace(ADA, country="DE-BY", pauses=(Pause(date(2026, 4, 8), date(2026, 4, 17)),))

    assert told(ada, 6) == [
        "Sat 28 Mar, Sun 29 Mar | weekend",
        "Mon 30 Mar 2026 08:00 +02:00",
        "Tue 31 Mar 2026 08:00 +02:00",
        "Wed 1 Apr 2026 08:00 +02:00",
        "Thu 2 Apr 2026 08:00 +02:00",
        "Fri 3 Apr | holiday: Good Friday",
        "Sat 4 Apr, Sun 5 Apr | weekend",
        "Mon 6 Apr | holiday: Easter Monday",
        "Tue 7 Apr 2026 08:00 +02:00",
        "Wed 8 Apr to Fri 17 Apr | pause",
        "Sat 18 Apr, Sun 19 Apr | weekend",
        "Mon 20 Apr 2026 08:00 +02:00",
    ]


def test_a_time_that_does_not_exist_or_comes_twice_is_said() -> None:
    night = replace(ADA, send_at=(time(2, 30),), work_days=("sun",))

    assert told(night, 1)[-1] == "Sun 29 Mar 2026 03:30 +02:00 | 02:30 does not exist on Sun 29 Mar"
    assert told(night, 31)[-1] == "Sun 25 Oct 2026 02:30 +02:00 | the first of two 02:30"


def test_a_weekly_mail_waits_for_the_next_day_its_reader_works() -> None:
    weekly = replace(ADA, country="DE", cadence=Cadence("weekly", "fri"))

    assert told(weekly, 2) == [
        "Sat 28 Mar to Thu 2 Apr | weekly on fri",
        "Fri 3 Apr | holiday: Good Friday",
        "Sat 4 Apr, Sun 5 Apr | weekend",
        "Mon 6 Apr | holiday: Easter Monday",
        "Tue 7 Apr 2026 08:00 +02:00",
        "Wed 8 Apr, Thu 9 Apr | weekly on fri",
        "Fri 10 Apr 2026 08:00 +02:00",
    ]


def test_a_weekly_mail_may_come_on_a_day_off_that_was_chosen_for_it() -> None:
    assert told(replace(ADA, cadence=Cadence("weekly", "sun")), 1)[-1] == "Sun 29 Mar 2026 08:00 +02:00"


def test_who_was_slowed_down_is_told_since_when_and_why() -> None:
    absent = replace(ADA, unread=4)

    assert told(absent, 2) == [
        "Fri 27 Mar to Sun 29 Mar | slowed, 4 in a row not read: weekly on mon",
        "Mon 30 Mar 2026 08:00 +02:00",
        "Tue 31 Mar to Sun 5 Apr | slowed, 4 in a row not read: weekly on mon",
        "Mon 6 Apr 2026 08:00 +02:00",
    ]
    assert told(replace(absent, slows_down=False)) == told(ADA)


def test_who_is_never_told_or_has_no_zone_is_said_so() -> None:
    assert told(replace(ADA, cadence=Cadence("never"))) == ["no mail | never"]
    assert told(replace(ADA, work_days=())) == ["no mail | no work days"]
    assert told(replace(ADA, send_at=())) == ["no mail | no send time"]
    assert told(replace(ADA, zone=None)) == ["asked first | no zone is known: where do they live?"]


def test_a_pause_without_an_end_in_sight_ends_the_list() -> None:
    assert told(replace(ADA, pauses=(Pause(date(2026, 3, 1), date(2099, 1, 1)),)))[-1].endswith("| pause")


def test_who_where_and_how_often_stand_above() -> None:
    assert heading(replace(ADA, country="DE")) == "Ada (ada) · Europe/Berlin · holidays of DE · each · 08:00"
