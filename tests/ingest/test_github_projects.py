"""GitHub projects as boards, read from a GitHub of our own at the port."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.github_site import BEN, BOT, GitHubSite, gql

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.github import GitHub
from warehouse.log import Log
from warehouse.model import Batch, Event

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
PROJECT = "PVT_1"
TODO, DOING, DONE, NONE = (f"{PROJECT}:{name}" for name in ("opt0", "opt1", "opt2", "none"))


def clock() -> datetime:
    return NOW


def site(**options: int) -> GitHubSite:
    made = GitHubSite(**options)
    made.make_project("Todo", "In progress", "Done")
    return made


def look(source: GitHub, after: str = "") -> tuple[list[Event], str]:
    pages = list(source.activity(PROJECT, after, clock))
    return [event for page in pages for event in page.events], pages[-1].position if pages else after


def moves(events: list[Event]) -> list[tuple[str | None, str | None]]:
    return [(event.column_from, event.column_to) for event in events if event.action == "card.moved"]


def test_an_item_is_made_and_moves_from_column_to_column():
    github = site()
    item = github.add_item("Tea")
    for status in ("Todo", "In progress", "Done"):
        github.at += timedelta(hours=1)
        github.put(item, status)
    with github.github() as source:
        events, _ = look(source)
    assert events[0].action == "card.created"
    assert (events[0].after["title"], events[0].column_to, events[0].actor_id) == ("Tea", NONE, "11")
    assert moves(events) == [(NONE, TODO), (TODO, DOING), (DOING, DONE)]
    assert {event.actor_id for event in events[1:]} == {"12"}


def test_a_move_that_github_did_not_record_is_told_by_the_item_itself():
    """Of it only the instant and the column are known: not who, and not from where."""
    github = site()
    item = github.add_item("Tea")
    github.put(item, "In progress", is_recorded=False)
    with github.github() as source:
        events, _ = look(source)
    assert moves(events) == [(None, DOING)]
    assert events[-1].occurred_at == github.at
    assert (events[-1].actor_id, events[-1].inferred) == (None, False)


@pytest.mark.parametrize("late", [0, 1, 30])
def test_a_move_is_one_fact_though_the_timeline_tells_it_too(late):
    github = site()
    item = github.add_item("Tea")
    told, position = [], ""
    with github.github() as source:
        for status in ("Todo", "In progress", "Done"):
            github.at += timedelta(hours=1)
            github.put(item, status, late=late)
            events, position = look(source, position)
            told += events
    assert len(moves(told)) == 3


def test_drafts_are_cards_too():
    github = site()
    item = github.add_item("Idea", draft=True)
    github.put(item, "Todo")
    with github.github() as source:
        events, _ = look(source)
    assert [event.action for event in events] == ["card.created", "card.moved"]


def test_what_happens_to_the_issue_on_the_board_is_told_and_what_was_before_is_in_its_making():
    github = site()
    item = github.add_item("Teh", labels=("old", "new"))
    early = github.at - timedelta(days=1)
    github.record(item, "LabeledEvent", early, actor=gql(BEN), label={"name": "old"})
    github.record(item, "LabeledEvent", actor=gql(BEN), label={"name": "new"})
    github.record(item, "UnlabeledEvent", actor=gql(BEN), label={"name": "gone"})
    github.record(item, "AssignedEvent", actor=gql(BEN), assignee=gql(BOT))
    github.record(item, "RenamedTitleEvent", actor=gql(BEN), previousTitle="Teh", currentTitle="Tea")
    github.record(item, "IssueComment", author=gql(BEN), body="Hello")
    github.record(
        item,
        "ProjectV2ItemStatusChangedEvent",
        actor=gql(BEN),
        previousStatus="",
        status="Todo",
        project={"id": "PVT_2"},
    )
    github.record(item, "SomethingNew", actor=gql(BEN))
    item["content"]["title"] = "Tea"
    with github.github() as source:
        events, _ = look(source)
    assert [event.action for event in events] == (
        "card.created card.labeled card.unlabeled card.assigned card.updated comment.created unknown".split()
    )
    assert (events[0].after["title"], sorted(events[0].after["labels"])) == ("Teh", ["gone", "old"])
    assert events[3].after == {"member_ids": ["13"]}
    assert (events[5].entity_type, events[5].actor_id, events[5].card_id) == ("comment", "12", item["id"])


def test_a_snapshot_is_the_project_with_its_statuses_as_columns():
    github = site(page=2)
    items = [github.add_item(title) for title in ("A", "B", "C")]
    github.put(items[1], "Done")
    items[2]["isArchived"] = True
    with github.github() as source:
        assert [(board.board_id, board.title) for board in source.boards()] == [
            ("7001", "acme/shop"),
            (PROJECT, "Roadmap"),
        ]
        assert source.probe(PROJECT) == "log"
        shown = {
            (each.entity_type, each.entity_id): each.fields
            for each in source.snapshot(PROJECT, clock).entities
        }
    assert shown["board", PROJECT]["title"] == "Roadmap"
    columns = [
        (key[1], fields["title"], fields["is_done"]) for key, fields in shown.items() if key[0] == "column"
    ]
    assert columns == [
        (NONE, "No status", False),
        (TODO, "Todo", False),
        (DOING, "In progress", False),
        (DONE, "Done", True),
    ]
    cards = [fields for key, fields in shown.items() if key[0] == "card"]
    assert [(fields["title"], fields["column_id"], fields["archived"]) for fields in cards] == [
        ("A", NONE, False), ("B", DONE, False), ("C", NONE, True),
    ]  # fmt: skip
    assert cards[0]["human_id"].startswith("acme/shop#")


steps = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=20
)


@settings(max_examples=60, deadline=None)
@given(steps, st.sampled_from([1, 3, 50]))
def test_each_fact_has_one_id_and_one_instant_and_the_last_move_is_where_the_item_stands(drawn, page):
    github, told, position = site(page=page), [], ""
    items = [github.add_item("First")]
    with github.github() as source:
        for kind, which, is_recorded, is_look in drawn:
            github.at += timedelta(seconds=(2, 45, 200)[which % 3])
            item = items[which % len(items)]
            if kind == 0:
                items.append(github.add_item(f"Item {which}", draft=which % 4 == 0))
            elif kind == 1 and "timeline" in item["content"]:
                github.record(item, "LabeledEvent", actor=gql(BEN), label={"name": f"label {which}"})
            else:
                github.put(
                    item, ("Todo", "In progress", "Done")[which % 3], is_recorded=is_recorded, late=which % 2
                )
            if is_look:
                events, position = look(source, position)
                told += events
        told += look(source, position)[0]
        shown = source.snapshot(PROJECT, clock)
    facts = {event.event_id: event.occurred_at for event in told}
    assert {(event.event_id, event.occurred_at) for event in told} == set(facts.items())
    standing = {
        each.entity_id: each.fields["column_id"] for each in shown.entities if each.entity_type == "card"
    }
    last: dict[str | None, str | None] = {}
    for event in sorted(told, key=lambda each: each.occurred_at):
        if event.column_to:
            last[event.card_id] = event.column_to
    assert last == standing
    assert len({event.event_id for event in told if event.action == "card.created"}) == len(items)


def test_a_look_that_finds_nothing_tells_nothing_in_the_end():
    github = site()
    github.put(github.add_item("Tea"), "Todo")
    with github.github() as source:
        _, position = look(source)
        assert look(source, position) == ([], position)


def test_a_long_timeline_is_read_to_its_end():
    github = site(page=2)
    item = github.add_item("Tea")
    for number in range(7):
        github.record(item, "IssueComment", author=gql(BEN), body=f"Comment {number}")
    with github.github() as source:
        assert [event.action for event in look(source)[0]].count("comment.created") == 7


def test_a_project_comes_into_the_log_once(home):
    github = site()
    github.put(github.add_item("Tea"), "Todo")
    with github.github() as source, Log.open(home) as log:
        for _ in range(2):
            appended = log.append(Batch(tuple(look(source)[0]), source.snapshot(PROJECT, clock)))
    assert (appended.new, appended.upto) == (0, 2)


@pytest.mark.parametrize(
    ("errors", "error", "words"),
    [
        ([{"type": "RATE_LIMITED", "message": "slow down"}], SourceUnavailable, "slow down"),
        ([{"type": "INSUFFICIENT_SCOPES", "message": "needs read:project"}], SourceRefused, "read:project"),
        ([{"type": "NOT_FOUND", "message": "no node"}], BoardGone, "no node"),
        ([{"message": "Argument 'itemTypes' has an invalid value"}], SourceChanged, "itemTypes"),
        ([], SourceChanged, "no `data`"),
    ],
)
def test_what_graphql_calls_errors_means_what_other_errors_mean(errors, error, words):
    github = site()
    answer = httpx.Response(200, json={"errors": errors, "data": None})
    with github.github() as source:
        github.refusals = [answer, answer]
        with pytest.raises(error, match=words):
            source.snapshot(PROJECT, clock)


def test_a_server_too_old_for_histories_is_read_by_looking():
    github = site()
    github.refusals = [httpx.Response(200, json={"errors": [{"message": "invalid value for itemTypes"}]})]
    with github.github() as source:
        assert source.probe(PROJECT) == "poll"


def test_a_project_that_is_not_there_is_named():
    github = site()
    with (
        github.github(projects=("acme/6",)) as source,
        pytest.raises(SourceRefused, match=r"GITHUB_PROJECTS names 'acme/6'"),
    ):
        source.boards()


def test_on_a_server_of_ones_own_graphql_is_beside_rest():
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(
            200,
            json={
                "data": {"repositoryOwner": {"projectV2": {"id": "PVT_9", "title": "T"}}},
                "id": 1,
                "full_name": "a/b",
            },
        )

    with GitHub(
        "t",
        repositories=("a/b",),
        projects=("a/1",),
        base_url="https://git.example.org/api/v3/",
        transport=httpx.MockTransport(answer),
    ) as source:
        source.boards()
    assert asked == ["/api/v3/repos/a/b", "/api/graphql"]
