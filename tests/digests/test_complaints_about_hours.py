"""What users of other tools complained about, where it is about hours, days, zones and silence: each has its test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from digests import ledger
from digests.audit import audit
from digests.deliver import Memory
from digests.model import Cadence, Person
from digests.people import change, find
from digests.run import run
from digests.schedule import Slot, due, upcoming
from small_team import Team, fill

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADA = Person("ada", "Ada", "ada@example.org", "Europe/Berlin")


def slots(person: Person, start: datetime, count: int) -> list[datetime]:
    """The next slots as the clock where they live shows them."""
    return [one.local for one in upcoming(person, start, count) if isinstance(one, Slot)]


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)


def test_opencti_4310_in_summer_the_digest_comes_at_the_time_that_was_set() -> None:
    year = slots(ADA, utc(2026, 1, 1), 250)

    assert {one.time() for one in year} == {time(8)}
    assert {one.utcoffset() for one in year} == {HOUR, 2 * HOUR}


@pytest.mark.parametrize("last_sunday", [utc(2026, 3, 29), utc(2026, 10, 25)], ids=["spring", "autumn"])
def test_opfab_7665_on_the_days_around_the_change_of_clocks_it_is_eight_and_once(
    last_sunday: datetime,
) -> None:
    around = slots(replace(ADA, work_days=("sat", "sun", "mon")), last_sunday - DAY - HOUR, 3)

    assert [f"{one:%a %H:%M}" for one in around] == ["Sat 08:00", "Sun 08:00", "Mon 08:00"]


def test_sweet_web_93_the_weekend_is_the_readers_and_not_the_servers() -> None:
    kiwi = replace(ADA, zone="Pacific/Auckland")
    saturday_there = datetime(2026, 3, 7, 8, tzinfo=ZoneInfo("Pacific/Auckland"))
    monday_there = datetime(2026, 3, 9, 8, tzinfo=ZoneInfo("Pacific/Auckland"))

    assert (saturday_there.astimezone(UTC).strftime("%a"), due(kiwi, saturday_there)) == ("Fri", None)
    assert monday_there.astimezone(UTC).strftime("%a") == "Sun"
    assert due(kiwi, monday_there) is not None


def test_vikunja_nine_in_the_morning_reaches_brisbane_every_day() -> None:
    ben = replace(ADA, zone="Australia/Brisbane", send_at=(time(9),))

    met = {slot.local for hour in range(7 * 24) if (slot := due(ben, utc(2026, 3, 9) + hour * HOUR))}

    assert [f"{one:%a %H:%M}" for one in sorted(met)] == [
        f"{day} 09:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Mon")
    ]


@pytest.fixture
def team(home) -> Team:
    return fill(home)


def test_loomio_24_hours_ago_what_happened_in_the_hour_that_came_twice_is_told_once(home) -> None:
    before = utc(2026, 10, 23, 7)  # a Friday, 09:00 in Berlin; clocks go back on Sunday
    team = fill(home, before)
    for name in ("Kenji Tokyo", "Nia New York"):
        change(home, find(home, name), {"cadence": "never"}, before)
    run(home, before, carrier=Memory())
    doubled = [utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)]  # 02:30 both
    team.append(*(team.event("card.moved", f"c{n}", "nia", before - at, column_from="todo", column_to="doing") for n, at in enumerate(doubled, 10)))  # fmt: skip

    for days in (3, 4):
        run(home, before + days * DAY + HOUR, carrier=Memory())

    told = [one.window for one in ledger.digests(home, "ada-berlin", states=("sent",))]
    assert [(one.after, one.upto) for one in told] == [(0, 4), (4, 6)]


def test_gcconnex_1515_nothing_to_report_is_no_mail(team: Team) -> None:
    carrier = Memory()
    run(team.home, team.now, carrier=carrier)
    first = len(carrier.sent)

    run(team.home, team.now + DAY, carrier=carrier)

    assert len(carrier.sent) == first > 0


def test_loomio_7788_silence_leaves_a_receipt_that_says_why(team: Team) -> None:
    run(team.home, team.now, carrier=Memory())
    run(team.home, team.now + DAY, carrier=Memory())

    (receipt,) = ledger.digests(team.home, "ada-berlin", states=("skipped",))

    assert receipt.reason == "nothing to tell"
    assert receipt.slot_at == utc(2026, 3, 11, 7)
    assert all(finding.ok for finding in audit(team.home))


def test_a_weekly_reader_is_not_left_in_silence_when_their_day_is_a_holiday() -> None:
    fridays = replace(ADA, country="DE", cadence=Cadence("weekly", "fri"))

    weeks = slots(fridays, utc(2026, 3, 21), 4)

    assert [f"{one:%a %d %b}" for one in weeks] == ["Fri 27 Mar", "Tue 07 Apr", "Fri 10 Apr", "Fri 17 Apr"]


def test_nobody_is_silently_taken_to_live_in_utc() -> None:
    nomad = replace(ADA, zone=None)

    assert due(nomad, utc(2026, 3, 10, 8)) is None
    assert list(upcoming(nomad, utc(2026, 3, 10, 8))) == []
