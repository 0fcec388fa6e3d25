"""Who does not come is written to less, told so, and back with one word; who wants to know at once is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from digests import ledger
from digests.audit import audit
from digests.deliver import DeliveryDeferred, DeliveryRefused, Memory, Parcel
from digests.people import change, find
from digests.run import run
from digests.schedule import pace
from small_team import Team, fill, mailed
from warehouse.home import Home
from warehouse.model import Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""A Tuesday, 10:00 in Berlin: Ada's digest of 08:00 is due, and a mention waits on her."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def team(home) -> Team:
    return fill(home)


def days_of_news(team: Team, carrier: Memory, days: Iterable[int]) -> None:
    """On each of these days something happens, and the digests go out."""
    for day in days:
        team.move("c7", *("todo", "doing")[:: 1 if day % 2 else -1], actor="nia")
        run(team.home, NOW + day * DAY, carrier=carrier)


def sent(home: Home, person_id: str, days: int) -> None:
    """So many digests, a day apart, went out to a person."""
    for day in range(days):
        mailed(home, person_id, Window(day, day + 1), NOW + day * DAY)


def mails(carrier: Memory, to: str) -> list[str]:
    return [parcel.message.decode() for parcel in carrier.sent.values() if parcel.recipient == to]


def test_four_digests_in_a_row_not_read_make_mail_weekly_and_the_mail_says_so_before_and_after(
    team: Team,
) -> None:
    carrier = Memory()
    tuesday_to_friday, monday = range(4), 6
    days_of_news(team, carrier, [*tuesday_to_friday, monday, monday + 1])

    to_ada = mails(carrier, "ada@example.org")
    slots = [one.slot_at.strftime("%a") for one in ledger.digests(team.home, "ada-berlin")]
    assert slots == ["Tue", "Wed", "Thu", "Fri", "Mon"]
    assert ["Daybreak writes weekly" in one for one in to_ada] == [False, False, False, True, False]
    assert ["less than before" in one for one in to_ada] == [False, False, False, False, True]
    assert all(finding.ok for finding in audit(team.home))


def test_whoever_comes_is_written_to_as_before(team: Team) -> None:
    sent(team.home, "ada-berlin", 4)
    assert pace(find(team.home, "ada-berlin")).name == "weekly"
    ledger.seen(team.home, "ada-berlin", NOW + 4 * DAY)
    assert (find(team.home, "ada-berlin").unread, pace(find(team.home, "ada-berlin")).name) == (0, "each")


def test_whoever_says_so_is_never_slowed_down(team: Team) -> None:
    change(team.home, find(team.home, "ada-berlin"), {"slows_down": False}, NOW - DAY)
    sent(team.home, "ada-berlin", 5)

    ada = find(team.home, "ada-berlin")

    assert (ada.unread, pace(ada).name) == (5, "each")


@pytest.fixture
def hasty(team: Team) -> Team:
    """Ada has today's digest and wants to know at once when she is addressed."""
    change(team.home, find(team.home, "ada-berlin"), {"cadence": "mentions at once"}, NOW - DAY)
    run(team.home, NOW, carrier=Memory())
    return team


class Away(Memory):
    """A mail server that is not there for now."""

    def deliver(self, parcel: Parcel) -> None:
        raise DeliveryDeferred("greylisted")


class Refusing(Memory):
    """A mail server that knows none of the addresses."""

    def deliver(self, parcel: Parcel) -> None:
        raise DeliveryRefused("no such user", hard=True)


def mention(team: Team, now: datetime) -> None:
    team.append(team.event("comment.created", "c8", "nia", NOW - now, entity_id=f"k{team.told}", after={"content": "@ada?"}))  # fmt: skip


def test_a_mention_comes_at_once_with_what_else_is_new_and_once(hasty: Team) -> None:
    carrier, noon = Memory(), NOW + timedelta(hours=2)
    hasty.move("c7", "todo", "doing", actor="nia")
    assert run(hasty.home, noon, carrier=carrier).sent == 0
    mention(hasty, noon)

    sent = [run(hasty.home, noon + n * MINUTE, carrier=carrier).sent for n in range(1, 4)]

    assert sent == [1, 0, 0]
    (mail,) = mails(carrier, "ada@example.org")
    assert "Card number 7" in mail
    windows = [one.window for one in ledger.digests(hasty.home, "ada-berlin", states=("sent",))]
    assert [(one.after, one.upto) for one in windows] == [(0, 4), (4, 6)]


def test_outside_working_hours_a_mention_waits_for_the_next_send_time(hasty: Team) -> None:
    carrier, evening = Memory(), NOW + timedelta(hours=9)
    mention(hasty, evening)

    run(hasty.home, evening, carrier=carrier)
    assert mails(carrier, "ada@example.org") == []
    run(hasty.home, NOW + DAY - timedelta(hours=2), carrier=carrier)
    assert len(mails(carrier, "ada@example.org")) == 1


def test_a_mail_server_that_is_away_is_not_asked_each_minute_for_a_mention(hasty: Team) -> None:
    mention(hasty, NOW)

    for minute in range(1, 5):
        run(hasty.home, NOW + timedelta(hours=1) + minute * MINUTE, carrier=Away())

    states = [one.state for one in ledger.digests(hasty.home, "ada-berlin")]
    assert (states[0], len(states)) == ("sent", 2)


def test_an_address_that_takes_no_mail_leaves_no_receipt_each_minute(team: Team) -> None:
    change(team.home, find(team.home, "ada-berlin"), {"cadence": "mentions at once"}, NOW - DAY)
    carrier = Refusing()

    for minute in range(3):
        run(team.home, NOW + minute * MINUTE, carrier=carrier)

    assert [one.state for one in ledger.digests(team.home, "ada-berlin")] == ["refused"]
