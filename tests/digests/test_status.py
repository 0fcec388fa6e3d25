"""`daybreak digest status` says when the next mail comes, when the last went out, and why none does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digests import ledger
from digests.audit import check
from digests.deliver import DeliveryDeferred, DeliveryRefused, Memory, Parcel
from digests.people import find, import_people, people
from digests.run import run
from digests.status import Standing, in_words, standings
from running import daybreak
from small_team import NOW, PEOPLE, Team, fill
from warehouse.home import Home


@pytest.fixture
def team(home: Home) -> Team:
    return fill(home)


class Failing(Memory):
    """Says the same to every mail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        object.__setattr__(self, "error", error)

    def deliver(self, parcel: Parcel) -> None:
        raise self.error  # type: ignore[attr-defined]


def of(team: Team, who: str) -> Standing:
    (one,) = standings(team.home, [find(team.home, who)], NOW)
    return one


def test_who_gets_their_mail_has_a_next_and_a_last_and_nothing_in_the_way(team: Team) -> None:
    run(team.home, NOW, carrier=Memory())

    ada = of(team, "ada-berlin")

    assert (in_words(ada.next_at, ada.person), in_words(ada.sent_at, ada.person)) == (
        "Wed 11 Mar 08:00",
        "Tue 10 Mar 10:00",
    )
    assert ada.why_not == ""
    assert (of(team, "nia-new-york").sent_at, of(team, "nia-new-york").why_not) == (None, "")


@pytest.mark.parametrize(
    ("error", "why_not"),
    [
        (
            DeliveryDeferred("451 greylisted"),
            "that of Tue 10 Mar 08:00 was put off until Tue 10 Mar 10:00: 451 greylisted",
        ),
        (DeliveryRefused("554 spam"), "that of Tue 10 Mar 08:00 was refused: 554 spam"),
        (
            DeliveryRefused("550 5.1.1 who?", hard=True),
            "the address is suppressed since Tue 10 Mar 10:00: 550 5.1.1 who?. Lift it: daybreak digest unsuppress ada@example.org",
        ),
        (RuntimeError("a bug"), "that of Tue 10 Mar 08:00 waits to be sent"),
    ],
)
def test_what_is_in_the_way_is_said(team: Team, error: Exception, why_not: str) -> None:
    run(team.home, NOW, carrier=Failing(error))

    assert of(team, "ada-berlin").why_not == why_not


def test_nothing_to_tell_is_a_reason_too(team: Team) -> None:
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)
    run(team.home, NOW, carrier=Memory())

    assert of(team, "ada-berlin").why_not == "Tue 10 Mar 08:00: nothing to tell"


@pytest.mark.parametrize(
    ("take_away", "why_not"),
    [
        ('zone = "Europe/Berlin"', "no zone: say where they live in people.toml"),
        ('email = "ada@example.org"', "no e-mail address: give one in people.toml"),
    ],
)
def test_who_cannot_be_mailed_is_told_what_is_missing(team: Team, take_away: str, why_not: str) -> None:
    team.home.people_file.write_text(PEOPLE.replace(take_away, ""))
    import_people(team.home, team.home.people_file, NOW)

    ada = of(team, "ada-berlin")

    assert (ada.next_at, ada.why_not) == (None, why_not)


def test_doctor_shows_what_is_in_the_way_today_and_not_what_once_was(team: Team) -> None:
    run(team.home, NOW, carrier=Failing(DeliveryRefused("550 5.1.1 who?", hard=True)))
    told = [finding.text for finding in check(team.home, NOW) if not finding.ok]
    assert any("ada@example.org gets no mail since 10 Mar 2026: 550 5.1.1 who?" in text for text in told)

    for who in people(team.home):
        ledger.unsuppress(team.home, who.email or "")
    team.move("c7", "todo", "doing", actor="nia")
    run(team.home, NOW + timedelta(days=1), carrier=Memory())

    assert all(finding.ok for finding in check(team.home, NOW + timedelta(days=1)))


def test_the_command_line_shows_it_and_lifts_a_suppression(team: Team) -> None:
    run(team.home, NOW, carrier=Failing(DeliveryRefused("550 5.1.1 who?", hard=True)))

    said = daybreak(
        "digest", "status", "ada-berlin", home=team.home.root, env={"DAYBREAK_NOW": NOW.isoformat()}
    )
    lifted = daybreak("digest", "unsuppress", "ada@example.org", home=team.home.root)

    assert "the address is suppressed" in said.stdout
    assert (lifted.returncode, lifted.stdout) == (
        0,
        "ada@example.org gets mail again; the next digest covers the gap\n",
    )
    assert list(ledger.suppressions(team.home)) == ["kenji@example.org"]
    assert of(team, "kenji-tokyo").next_at is None
    assert in_words(of(team, "ada-berlin").next_at, find(team.home, "ada-berlin")) == "Wed 11 Mar 08:00"
