"""What a person may choose, and what they are told of what cannot be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from digests.following import UnknownBoard
from digests.gather import gather
from digests.model import Cadence, Pause
from digests.people import change, find, import_people
from digests.preferences import PREFERENCES, BadPreference, canonical, from_words
from small_team import Team, board, fill
from warehouse.home import Home
from warehouse.model import Entity, Snapshot

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture
def team(home: Home) -> Team:
    return fill(home)


GOOD = {
    "send_at": (["13:30", "8:05", "08:05"], (time(8, 5), time(13, 30))),
    "pauses": (
        ["2027-01-05", "2026-12-24..2027-01-02"],
        (Pause(date(2026, 12, 24), date(2027, 1, 2)), Pause(date(2027, 1, 5), date(2027, 1, 5))),
    ),
    "cadence": ("Weekly on Friday", Cadence("weekly", "fri")),
    "country": ("germany-by", "DE-BY"),
    "sections": (["new"], ("Waiting on you", "New")),
    "slows_down": (False, False),
}


@pytest.mark.parametrize(("key", "told", "meant"), [(key, *both) for key, both in GOOD.items()], ids=GOOD)
def test_a_choice_is_understood_and_written_so_that_it_reads_the_same(
    key: str, told: object, meant: object
) -> None:
    assert PREFERENCES[key].read(told) == meant
    assert PREFERENCES[key].read(canonical(key, told)) == meant


BAD = [
    ("country", "Germny", r"there is no country 'Germny'; did you mean DE \(Germany\)\?"),
    ("country", "XX", "there is no country 'XX'; use its two letters, like DE"),
    ("country", "DE-XX", "Germany has no region 'XX'; known are BB, BE"),
    ("country", "JP-13", "Japan has no region '13'; holidays are the same in all of it: use JP"),
    ("pauses", ["2026-02-30"], r"pause '2026-02-30' is no span of days \(day is out of range"),
    ("pauses", ["Christmas"], r"pause 'Christmas' is no span of days .* Write it like 2026-12-24\.\.2027-01-02"),
    ("pauses", ["2026-12-24..2026-12-01"], r"ends before it begins. Turn it round: 2026-12-01\.\.2026-12-24"),
    ("pauses", "2026-12-24", r'pauses must be a list, like pauses = \["2026-12-24"\]'),
    ("cadence", "hourly", "there is no cadence 'hourly'. Choose each, daily, weekly on mon"),
    ("cadence", "weekly on someday", "there is no cadence 'weekly on someday'"),
    ("sections", ["Mvoed"], "there is no section 'mvoed'; did you mean 'Moved'"),
    ("slows_down", "maybe", "slows_down 'maybe' must be true or false"),
    ("muted", [7], "board 7 is no name"),
    ("zone", "Brisbane", "there is no zone 'Brisbane'; did you mean Australia/Brisbane"),
    ("send_at", ["24:00"], "send_at '24:00' is not a time of day"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "told", "says"), BAD)
def test_a_choice_that_cannot_be_names_the_value_and_what_would_be_right(
    key: str, told: object, says: str
) -> None:
    with pytest.raises(BadPreference, match=says):
        canonical(key, told)


def test_a_command_line_says_lists_with_commas_and_takes_back_with_none() -> None:
    assert from_words("send_at", ["08:00, 13:30"]) == ["08:00", "13:30"]
    assert from_words("muted", ["Plans, big and small"]) == ["Plans, big and small"]
    assert from_words("pauses", ["none"]) == []
    assert from_words("zone", "none") is None
    assert from_words("slows_down", "no") is False


def test_what_a_person_chose_holds_whatever_a_file_says_until_they_take_it_back(team: Team) -> None:
    change(team.home, find(team.home, "ada-berlin"), {"zone": "Asia/Tokyo", "cadence": "daily"}, NOW)

    report = import_people(team.home, team.home.root / "people.toml", NOW)
    chosen = find(team.home, "ada-berlin")
    back = change(team.home, chosen, {"zone": None}, NOW)

    assert len(report.unchanged) == 3
    assert (chosen.zone, chosen.cadence.name) == ("Asia/Tokyo", "daily")
    assert (back.zone, back.cadence.name) == ("Europe/Berlin", "daily")


def test_who_is_known_from_a_board_alone_can_choose_too_and_stays_who_they_are(team: Team) -> None:
    newcomer = Entity("member", "lea", {"name": "Lea Lyon", "kind": "human"})
    team.append(snapshot=Snapshot("flux", "b1", NOW, (*board(NOW).entities, newcomer)))
    lea = find(team.home, "Lea Lyon")

    changed = change(team.home, lea, {"zone": "Europe/Paris"}, NOW)

    assert (lea.zone, changed.zone) == (None, "Europe/Paris")
    assert (changed.person_id, changed.members) == (lea.person_id, ("flux:lea",))


def test_a_board_is_kept_by_its_id_and_one_nobody_knows_is_refused(team: Team) -> None:
    ada = find(team.home, "ada-berlin")

    assert change(team.home, ada, {"muted": ["website"]}, NOW).muted == ("b1",)
    with pytest.raises(UnknownBoard, match=r"There is no board 'Webside'; did you mean Website\?"):
        change(team.home, ada, {"muted": ["Webside"]}, NOW)
    assert find(team.home, "ada-berlin").muted == ("b1",)


def test_a_board_in_a_file_counts_as_soon_as_it_is_known(home: Home) -> None:
    file = home.root / "people.toml"
    file.write_text('[[people]]\nname = "Ada Berlin"\nmuted = ["Website"]\n')
    report = import_people(home, file, NOW)
    assert "no board is called 'Website' yet" in str(report)

    team = Team(home)
    moved = team.event("card.moved", "c1", "kenji", timedelta(), column_from="todo", column_to="doing")
    team.append(moved, snapshot=board(NOW))

    assert gather(home, find(home, "Ada Berlin"), now=NOW).accounted.excluded == {"muted": (1,)}
