"""Kanboard: each entry of a project's activity once and in order, and the project as it stands."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.kanboard_site import BOARD, NOW, KanboardSite, entry, task

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.kanboard import connect
from ingest.sync import pull, reconcile
from warehouse.model import Event
from warehouse.reading import Warehouse


def clock():
    return NOW


def told(reader, after: str = "") -> tuple[list[Event], str]:
    """Everything after a position, and the position after it."""
    events: list[Event] = []
    for page in reader.activity(BOARD, after, clock):
        events += page.events
        after = page.position
    return events, after


def ids(events: list[Event]) -> list[int]:
    return [int(event.event_id) for event in events]


@given(st.lists(st.integers(1, 40), max_size=8))
@settings(max_examples=40, deadline=None)
def test_whoever_looks_often_enough_is_told_every_entry_once_and_in_order(steps):
    site, numbers, after = KanboardSite(), [], ""
    reader = site.kanboard()
    for step in steps:
        last = site.activity[-1]["id"] if site.activity else 0
        site.activity += [
            entry(last + 3 * turn) for turn in range(1, step + 1)
        ]  # other projects have ids between
        events, after = told(reader, after)
        numbers += ids(events)
    assert numbers == [each["id"] for each in site.activity]
    assert told(reader, after) == ([], after)


@given(st.integers(0, 49))
def test_a_reader_that_begins_anywhere_is_told_all_that_follows(place):
    site = KanboardSite([entry(number) for number in range(1, 51)])
    events, after = told(site.kanboard(), str(place) if place else "")
    assert set(range(place + 1, 51)) <= set(ids(events))
    assert (ids(events), after.split()[0]) == (sorted(ids(events)), "50")
    assert told(site.kanboard(), after) == ([], after)


def test_what_becomes_visible_late_is_told_late_and_once():
    site = KanboardSite([entry(1), entry(3)])
    reader = site.kanboard()
    _, position = told(reader)
    site.activity.append(entry(2))
    events, after = told(reader, position)
    assert (ids(events), after.split()[0]) == ([2], "3")
    assert told(reader, after) == ([], after)


def test_what_moves_up_when_a_task_is_deleted_with_its_entries_is_not_told_again():
    site = KanboardSite([entry(number) for number in range(1, 61)])
    _, position = told(site.kanboard(), "1")
    del site.activity[-3:]
    assert told(site.kanboard(), position) == ([], position)


def test_an_entry_without_an_id_is_kept():
    site = KanboardSite([entry(1), entry(2), {**entry(3), "id": None}])
    events, position = told(site.kanboard(), "2 1")
    assert ([event.event_id[:9] for event in events], position) == (["nameless:"], "2 1")


def test_entries_of_one_second_keep_their_order():
    events, _ = told(KanboardSite([entry(number) for number in range(1, 9)]).kanboard())
    assert [e.occurred_at for e in events] == sorted({e.occurred_at for e in events})
    assert {e.occurred_at.replace(microsecond=0) for e in events} == {
        events[0].occurred_at.replace(microsecond=0, second=s) for s in range(5)
    }


def test_a_project_as_it_stands_shows_open_and_closed_tasks_and_what_is_on_them():
    site = KanboardSite(tasks=[task(7, owner_id=5, date_due=1_773_200_000), task(8, is_active=0)])
    site.on_tasks = {
        ("getTaskTags", 7): {"1": "red", "4": "blue"},
        ("getAllSubtasks", 7): [{"id": 1, "title": "Spade", "status": 2, "position": 1}],
        ("getAllComments", 8): [{"id": 1, "comment": "hello", "user_id": 5, "date_creation": 1_773_133_300}],
    }
    entities = site.kanboard().snapshot(BOARD, clock).entities
    things = {(each.entity_type, each.entity_id): each.fields for each in entities}
    assert set(things) == {("board", "2"), ("column", "3"), ("card", "7"), ("card", "8"), ("member", "5"), ("checklist_item", "1"), ("comment", "1")}  # fmt: skip
    digging, closed = things["card", "7"], things["card", "8"]
    assert (digging["labels"], digging["member_ids"], digging["archived"]) == (["red", "blue"], ["5"], False)
    assert (digging["due_at"], closed["due_at"], closed["archived"]) == (
        "2026-03-11T03:33:20+00:00",
        None,
        True,
    )
    assert things["checklist_item", "1"] == {"text": "Spade", "position": 1.0, "done": True, "card_id": "7"}
    assert things["comment", "1"]["created_at"] == "2026-03-10T09:01:40+00:00"


def test_many_tasks_are_asked_for_in_few_requests():
    site = KanboardSite(tasks=[task(number) for number in range(1, 201)], users=[])
    assert len(site.kanboard().snapshot(BOARD, clock).entities) == 202
    assert len(site.calls) == 5 + 600
    assert len(site.requests) == 8


def test_the_token_of_all_sees_all_projects_and_a_user_his_own():
    site = KanboardSite()
    assert [(each.board_id, each.title) for each in site.kanboard().boards()] == [("2", "Garden")]
    assert (site.user, site.calls[-1][0]) == ("jsonrpc", "getAllProjects")
    site.kanboard(user="ana").boards()
    assert (site.user, site.calls[-1][0]) == ("ana", "getMyProjects")


def test_people_are_told_by_their_names_and_not_by_their_addresses():
    (page,) = KanboardSite([entry(1)]).kanboard().activity(BOARD, "", clock)
    assert [(each.entity_id, dict(each.fields)) for each in page.people] == [
        ("5", {"name": "Ana", "username": "ana"})
    ]
    assert "@" not in repr(page)


def test_the_recorded_work_comes_to_the_tasks_as_they_were_told_last(real_boards, home):
    """Kanboard writes into its activity what it sends as webhooks: the recording is served as one."""
    entries = []
    for number, line in enumerate(
        (real_boards / "webhooks-kanboard-amirite.jsonl").read_text().splitlines(), 1
    ):
        body = json.loads(json.loads(line)["body"])
        known = {"id": number, "event_name": body["event_name"], "creator_id": 2}
        entries.append(
            {"date_creation": body["event_data"]["task"]["date_modification"], **body["event_data"], **known}
        )
    site = KanboardSite(tasks=list({each["task"]["id"]: each["task"] for each in entries}.values()))
    reader = site.kanboard()
    for end in range(0, len(entries) + 50, 50):
        site.activity = entries[:end]
        pull(home, reader, clock=clock)
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("from events").height == len(entries)
        assert warehouse.frame("from events where action = 'unknown'").is_empty()
        cards = {row["card_id"]: row for row in warehouse.cards().iter_rows(named=True)}
    for each in site.tasks:
        card = cards[str(each["id"])]
        assert (card["title"], card["column_id"]) == (each["title"], str(each["column_id"]))
        assert (card["archived_at"] is None, card["assignee_ids"]) == (
            each["is_active"] == 1,
            [str(each["owner_id"])] if each["owner_id"] else [],
        )


def test_what_came_since_the_first_look_is_told_as_the_project_shows_it(home):
    site = KanboardSite()
    pull(home, site.kanboard(), clock=clock)
    site.activity = [entry(1), entry(2, "task.move.column", src_column_id=1, dst_column_id=3)]
    site.tasks = [task(position=9)]
    pull(home, site.kanboard(), clock=clock)
    (drift,) = reconcile(home, site.kanboard(), clock=clock)
    assert (drift.drift, drift.suspected) == (0, 0)


def test_an_id_that_is_given_again_is_a_thing_again(home):
    """On SQLite, Kanboard gives the id of the comment deleted last to the next one."""
    said = {"id": 4, "comment": "again", "user_id": 5, "date_creation": 1_773_133_201}
    kinds = ("task.create", "comment.create", "comment.delete", "comment.create")
    site = KanboardSite([entry(number, kind, comment=said) for number, kind in enumerate(kinds, 1)], [task()])
    site.on_tasks = {("getAllComments", 7): [said]}
    pull(home, site.kanboard(), clock=clock)
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("select content, deleted_at from comments").rows() == [("again", None)]


# what can go wrong -------------------------------------------------------------------------------


def answered(*results, **error) -> httpx.Response:
    told = [{"id": number, "result": result} for number, result in enumerate(results)]
    return httpx.Response(200, json={"id": None, "error": error} if error else told)


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [
        (httpx.Response(401, json={}), SourceRefused, "KANBOARD_TOKEN"),
        (httpx.Response(403, json={}), SourceRefused, "KANBOARD_TOKEN"),
        (httpx.Response(200, text="<b>Warning</b>"), SourceChanged, "KANBOARD_BASE_URL"),
        (httpx.Response(503), SourceUnavailable, "503"),
        (answered(code=403, message="Forbidden"), SourceRefused, "Forbidden.*KANBOARD_USER"),
        (answered(code=-32601, message="Method not found"), SourceChanged, "Method not found"),
        (answered({"id": 2}), SourceChanged, "each call"),
        (answered({"id": 2}, "nothing"), SourceChanged, "no activity"),
        (answered(None, []), BoardGone, "project 2"),
    ],
)
def test_each_way_to_fail_has_its_error_and_its_next_step(refusal, error, words):
    with pytest.raises(error, match=words):
        told(KanboardSite(refusals=[refusal]).kanboard(attempts=1))


def test_answers_of_another_shape_are_said_to_be_ones():
    with pytest.raises(SourceChanged):
        KanboardSite(refusals=[answered(False)]).kanboard().boards()
    with pytest.raises(SourceChanged):
        KanboardSite(refusals=[answered({"id": 2}, None, [], [], [])]).kanboard().snapshot(BOARD, clock)
    with pytest.raises(BoardGone):
        KanboardSite().kanboard().snapshot("9", clock)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "KANBOARD_BASE_URL"),
        ({"KANBOARD_BASE_URL": "http://k"}, "KANBOARD_TOKEN"),
        ({"KANBOARD_BASE_URL": "k", "KANBOARD_TOKEN": "t"}, "KANBOARD_BASE_URL"),
        ({"KANBOARD_BASE_URL": "http://k", "KANBOARD_TOKEN": "ü"}, "KANBOARD_TOKEN"),
    ],
)
def test_a_setting_that_is_missing_or_impossible_is_named(given, missing):
    with pytest.raises(SourceRefused, match=missing):
        connect(given)
