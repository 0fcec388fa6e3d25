"""The sample team: the same each time, and such that one believes it."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from board import reading, sample
from board.sample_people import Person, people
from board.server import open_board
from tests.board.test_log import chained

pytestmark = pytest.mark.xdist_group("sample")  # one worker, so that it is filled once
TUESDAY = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)


def logs(root: Path, now: datetime) -> list[list[dict[str, Any]]]:
    store = open_board(root, sample_at=now, now=now)
    with store.reading() as connection:
        owner = connection.exec_driver_sql("SELECT member_id FROM keys").scalar_one()
        boards = reading.list_boards(connection, owner)
        entries = [reading.entries_after(connection, board["id"], 0, 10_000) for board in boards]
    store.close()
    return entries


def team() -> dict[str, Person]:
    parsed = tomllib.loads(sample.PEOPLE.read_text(encoding="utf-8"))
    return {person.member_id: person for person in people(parsed).values()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def told(folder: Path) -> list[list[dict[str, Any]]]:
    return logs(folder, TUESDAY)


def test_the_same_instant_gives_the_same_sample(told: list[list[dict[str, Any]]], tmp_path: Path) -> None:
    again = logs(tmp_path, TUESDAY)

    def without_workspace(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [entry for entry in log if entry["entityType"] != "board"]  # its id is this home's own

    assert [without_workspace(log) for log in again] == [without_workspace(log) for log in told]


def test_nine_people_in_four_zones_work_on_three_boards(told: list[list[dict[str, Any]]]) -> None:
    persons = team()
    assert len(persons) == 9
    assert len({person.zone.key for person in persons.values()}) == 4
    assert len(told) == 3
    for person_id, person in persons.items():
        assert person_id == str(uuid5(NAMESPACE_URL, f"https://daybreak.example/sample/{person.username}"))
        assert person.email.endswith(".example")
    actors = Counter(entry["actor"]["id"] for log in told for entry in log)
    assert set(actors) == set(persons)
    assert min(actors.values()) > 80


def test_six_weeks_pass_and_nothing_happens_after_now(told: list[list[dict[str, Any]]]) -> None:
    for log in told:
        first, last = (datetime.fromisoformat(log[at]["createdAt"]) for at in (0, -1))
        assert timedelta(days=39) < TUESDAY - first < timedelta(days=46)
        assert timedelta(0) <= TUESDAY - last < timedelta(hours=12)
    assert 1200 <= sum(map(len, told)) <= 2000


def test_the_log_is_a_real_one(told: list[list[dict[str, Any]]]) -> None:
    for log in told:
        assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
        chained([entry for entry in log if entry["entityType"] != "member"])
        for entry in log:
            assert entry["after"]["createdAt"] <= entry["createdAt"] or entry["entityType"] == "member"


def test_people_work_at_their_own_hours(told: list[list[dict[str, Any]]]) -> None:
    persons = team()
    off = [
        entry
        for log in told
        for entry in log
        if not persons[entry["actor"]["id"]].works(datetime.fromisoformat(entry["createdAt"]))
    ]
    assert len(off) < sum(map(len, told)) * 0.05
    lately = [
        entry for entry in off if datetime.fromisoformat(entry["createdAt"]) > TUESDAY - timedelta(hours=16)
    ]
    assert len(lately) < 15  # a few answer in the evening


@pytest.mark.parametrize("now", [TUESDAY, SUNDAY_NIGHT])
def test_each_zone_did_something_in_the_last_hours_and_nobody_at_night(
    now: datetime, told: list[list[dict[str, Any]]], tmp_path: Path
) -> None:
    persons = team()
    recent = Counter()
    for entry in (entry for log in (told if now == TUESDAY else logs(tmp_path, now)) for entry in log):
        at, person = datetime.fromisoformat(entry["createdAt"]), persons[entry["actor"]["id"]]
        assert person.awake(at), f"{person.name} at {at.astimezone(person.zone)}"
        if now - timedelta(hours=16) < at <= now:
            recent[person.zone.key] += 1
    assert len(recent) == 4
    assert min(recent.values()) >= 5


def test_there_is_everything_a_team_does(told: list[list[dict[str, Any]]]) -> None:
    entries = [entry for log in told for entry in log]
    actions = Counter(entry["action"] for entry in entries)
    assert (
        min(
            actions[each]
            for each in (
                "card.moved",
                "comment.created",
                "checklist.checked",
                "card.assigned",
                "card.archived",
            )
        )
        >= 20
    )
    done = {
        e["entityId"] for log in told for e in log if e["entityType"] == "column" and e["after"]["isDone"]
    }
    assert sum(e["action"] == "card.moved" and e["before"]["columnId"] in done for e in entries) >= 3
    spoken = [entry["after"] for entry in entries if entry["action"] == "comment.created"]
    by_id = {comment["id"]: comment for comment in spoken}
    answers = [comment for comment in spoken if comment["parentId"]]
    assert len(answers) > 50
    assert all(by_id[answer["parentId"]]["cardId"] == answer["cardId"] for answer in answers)
    usernames = {person.username for person in team().values()}
    named = {word for comment in spoken for word in usernames if f"@{word}" in comment["content"]}
    assert len(named) >= 8


def test_a_board_that_has_something_on_it_is_not_filled_again(
    told: list[list[dict[str, Any]]], folder: Path
) -> None:
    assert logs(folder, TUESDAY + timedelta(days=1)) == told
