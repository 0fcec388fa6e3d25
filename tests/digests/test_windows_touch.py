"""Whatever is missed, paused, slowed or read in between: every event lies in exactly one window of each person."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digests import ledger
from digests.audit import audit
from digests.deliver import DeliveryDeferred, Memory, Parcel
from digests.gather import gather
from digests.people import change, find, people
from digests.run import run
from small_team import Team, fill
from warehouse.home import Home

NOW = datetime(2026, 3, 26, 6, 0, tzinfo=UTC)
"""A Thursday before the clocks change in Berlin and after they did in New York."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Moody(Memory):
    """A mail server that is away now and then."""

    chance = random.Random(0)

    def deliver(self, parcel: Parcel) -> None:
        if self.chance.random() < 0.2:
            raise DeliveryDeferred("greylisted")
        super().deliver(parcel)


def touch(home: Home) -> None:
    """Each event is in exactly one mail or reading of a person, or still to be told; and the books balance."""
    for person in people(home):
        told = [one.window for one in ledger.digests(home, person.person_id, states=("sent",))]
        cursor = ledger.cursor(home, person.person_id)
        offsets = [offset for window in told for offset in range(window.after + 1, window.upto + 1)]
        assert len(offsets) == len(set(offsets)), f"{person.person_id} was told twice: {told}"
        read = cursor.window.upto if cursor else 0
        assert max(offsets, default=0) <= read
    assert [finding.text for finding in audit(home) if not finding.ok] == []


def nothing_untold(home: Home, at: datetime) -> None:
    """With a mail server that is there, a week later, everybody knows everything."""
    for half_day in range(16):  # so that each is awake at one of them
        run(home, at + 10 * HOUR + half_day * 12 * HOUR, carrier=Memory())
    for person in people(home):
        told = gather(home, person, now=at)
        assert list(told.lines) == [], f"{person.person_id} was never told {told.window}"


def live(team: Team, chance: random.Random, hours: int) -> None:
    """Hours of work on the board, with outages, and people who read on the page now and then."""
    carrier, at, moves = Moody(), NOW, 0
    carrier.chance.seed(chance.random())
    while at < NOW + hours * HOUR:
        at += chance.choice([3 * HOUR, 5 * HOUR, 6 * HOUR, 30 * HOUR])  # the last: it was down
        for _ in range(chance.randrange(3)):
            moves += 1
            ends = ("todo", "doing") if moves % 2 else ("doing", "todo")
            team.now = at
            team.move("c7", *ends, actor=chance.choice(["nia", "kenji", "ada"]))
        if chance.random() < 0.15:
            ledger.caught_up(team.home, "ada-berlin", chance.randint(1, team.told), at)
        run(team.home, at, carrier=carrier)


def nothing_between(home: Home) -> None:
    """Where somebody only got mail, windows touch: what is between two was never left out."""
    for person_id in ("kenji-tokyo", "nia-new-york"):
        told = [one.window for one in ledger.digests(home, person_id, states=("sent",))]
        assert [one.after for one in told] == [0, *(one.upto for one in told)][: len(told)]


def choose(home: Home, chance: random.Random) -> None:
    """Each lives by another schedule."""
    change(home, find(home, "ada-berlin"), {"send_at": ["02:30", "13:00"], "work_days": ["sat", "sun", "mon", "thu"]}, NOW)  # fmt: skip
    change(home, find(home, "kenji-tokyo"), {"cadence": "mentions at once", "pauses": ["2026-03-28..2026-03-30"]}, NOW)  # fmt: skip
    weekly = chance.choice(["weekly on fri", "daily", "each"])
    change(home, find(home, "nia-new-york"), {"cadence": weekly, "country": "US"}, NOW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_windows_touch_whatever_happens_in_ten_days(seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        team = fill(home, NOW)
        choose(home, chance)

        live(team, chance, 10 * 24)

        nothing_untold(home, NOW + 11 * DAY)
        touch(home)
        nothing_between(home)
        ledger.close(home)
