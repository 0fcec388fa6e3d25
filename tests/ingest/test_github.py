"""GitHub repositories as boards, read from a GitHub of our own at the port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.github_site import ADA, BEN, BOT, REPO, GitHubSite

from ingest.sources import BoardGone, Page, SourceRefused, SourceUnavailable
from ingest.sources.github import GitHub, connect, hear, translate
from ingest.sources.github_fields import card_fields
from warehouse.log import Log
from warehouse.model import Batch, Event

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
BOARD = str(REPO)


def clock() -> datetime:
    return NOW


def look(source: GitHub, after: str = "", board_id: str = BOARD) -> tuple[list[Event], str]:
    """Everything after a position, and the position then."""
    pages: Sequence[Page] = list(source.activity(board_id, after, clock))
    return [event for page in pages for event in page.events], pages[-1].position if pages else after


def actions(events: list[Event]) -> list[str]:
    return [event.action for event in events]


def test_the_story_of_an_issue():
    site = GitHubSite()
    number = site.open("Door sticks", labels=("bug",))
    site.assign(number, BEN, who=ADA)
    site.comment(number, "Which one?")
    site.rename(number, "Front door sticks")
    site.close(number, "not_planned")
    site.reopen(number)
    site.close(number)
    with site.github() as source:
        events, _ = look(source)
    assert actions(events) == (
        "card.created card.labeled card.assigned comment.created card.updated card.moved card.moved card.moved".split()
    )
    assert events[0].after["title"] == "Door sticks"
    assert [event.actor_id for event in events] == ["11", "11", "11", "12", "11", "12", "12", "12"]
    assert [(event.column_from, event.column_to) for event in events if event.action == "card.moved"] == [
        ("7001:open", "7001:not_planned"), (None, "7001:open"), ("7001:open", "7001:closed"),
    ]  # fmt: skip
    assert {event.card_id for event in events} == {"7001#1"}


def test_older_closings_take_their_reason_from_the_issue():
    closed_at = "2026-03-02T10:00:00Z"
    issue = {"number": 1, "closed_at": closed_at, "state_reason": "duplicate"}
    entry = {"id": 1, "event": "closed", "created_at": closed_at, "issue": issue}
    assert translate(entry, NOW, board_id=BOARD).column_to == "7001:not_planned"
    entry["created_at"] = "2026-03-01T10:00:00Z"  # another closing, of which nobody says why
    assert translate(entry, NOW, board_id=BOARD).column_to == "7001:closed"


def test_who_only_gets_notifications_did_nothing():
    site = GitHubSite()
    site.assign(site.open(), BEN)
    with site.github() as source:
        events, _ = look(source)
    assert actions(events) == ["card.created", "card.assigned"]
    assert len(site.events) == 2


def test_an_event_without_a_word_of_ours_is_kept_whole():
    entry = {
        "id": 5,
        "event": "pinned",
        "actor": ADA,
        "created_at": "2026-03-02T10:00:00Z",
        "issue": {"number": 3, "body": "long"},
        "x": 1,
    }
    event = translate(entry, NOW, board_id=BOARD)
    assert (event.action, event.card_id, event.actor_id) == ("unknown", "7001#3", "11")
    assert event.payload == {**entry, "issue": {"number": 3}}


def test_a_comment_and_its_edit_are_two_facts_and_a_deleted_one_is_said():
    site = GitHubSite()
    number = site.open()
    comment_id = site.comment(number, "Frist")
    with site.github() as source:
        _, position = look(source)
        site.edit_comment(number, comment_id, "First")
        edits, position = look(source, position)
        assert [event.after.get("content") for event in edits if event.action == "comment.updated"] == [
            "First"
        ]
        site.delete_comment(number, comment_id)
        assert "comment.deleted" in actions(look(source, position)[0])


def test_pull_requests_are_cards_only_where_somebody_asks_for_them():
    site = GitHubSite()
    site.label(site.open("Issue"), "a")
    pull = site.open("Pull", pull=True, labels=("b",))
    site.comment(pull, "Looks good")
    with site.github() as source:
        assert {event.card_id for event in look(source)[0]} == {"7001#1"}
        assert [
            each.entity_id for each in source.snapshot(BOARD, clock).entities if each.entity_type == "card"
        ] == ["7001#1"]
    with site.github(with_pull_requests=True) as source:
        assert {event.card_id for event in look(source)[0]} == {"7001#1", "7001#2"}


def test_a_snapshot_is_the_repository_with_all_its_issues_and_people():
    site = GitHubSite(page=2)
    for place in range(5):
        site.open(f"Issue {place}", who=BOT if place == 4 else ADA)
    site.label(1, "bug")
    site.assign(2, BEN)
    site.close(3)
    site.close(4, "not_planned")
    with site.github() as source:
        assert [(board.board_id, board.title) for board in source.boards()] == [(BOARD, "acme/shop")]
        assert source.probe(BOARD) == "log"
        shown = {
            (each.entity_type, each.entity_id): each.fields for each in source.snapshot(BOARD, clock).entities
        }
    assert shown["board", BOARD] == {
        "title": "acme/shop",
        "url": "https://github.test/acme/shop",
        "archived": False,
    }
    assert [fields["is_done"] for (kind, _), fields in shown.items() if kind == "column"] == [
        False,
        True,
        False,
    ]
    cards = {key[1]: fields for key, fields in shown.items() if key[0] == "card"}
    assert {card: fields["column_id"].split(":")[1] for card, fields in cards.items()} == {
        "7001#1": "open", "7001#2": "open", "7001#3": "closed", "7001#4": "not_planned", "7001#5": "open",
    }  # fmt: skip
    assert (cards["7001#1"]["labels"], cards["7001#2"]["member_ids"], cards["7001#1"]["human_id"]) == (
        ["bug"],
        ["12"],
        "#1",
    )
    assert shown["member", "13"] == {"name": "robot[bot]", "username": "robot[bot]", "kind": "bot"}
    assert shown["member", "11"]["kind"] == "human"


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Life:
    """What people may do to a repository, each step drawn from numbers."""

    def __init__(self, page: int) -> None:
        self.site = GitHubSite(page=page)

    def step(self, kind: int, which: int) -> None:  # noqa: C901 - a table of deeds
        site = self.site
        if kind == 0 or not site.issues:
            site.open(f"Issue {which}", who=(ADA, BEN)[which % 2], labels=("new",) if which % 3 == 0 else ())
            return
        number = 1 + which % len(site.issues)
        issue = site.issues[number]
        comments = [
            (each["id"], each) for each in site.comments.values() if each["issue_url"].endswith(f"/{number}")
        ]
        if kind == 1:
            site.reopen(number) if issue["state"] == "closed" else site.close(
                number, ("completed", "not_planned")[which % 2]
            )
        elif kind == 2:
            names = [each["name"] for each in issue["labels"]]
            site.unlabel(number, names[0]) if names and which % 2 else site.label(
                number, f"label {len(names)}"
            )
        elif kind == 3 and BEN not in issue["assignees"]:
            site.assign(number, BEN)
        elif kind == 4:
            site.rename(number, f"{issue['title']} {which}")
        elif kind == 5:
            site.comment(number, f"Comment {which}")
        elif kind == 6 and comments:
            site.edit_comment(number, comments[0][0], f"Edit {which}")
        elif kind == 7 and comments:
            site.delete_comment(number, comments[-1][0])


steps = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 30), st.booleans()), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(steps, st.sampled_from([1, 2, 100]))
def test_however_often_one_looks_each_fact_has_one_id_and_one_instant(drawn, page):
    """Looks in between, by pages of any size, tell what one look at the end tells, and nothing twice with another time."""
    life, told, position = Life(page), [], ""
    with life.site.github() as source:
        for kind, which, is_look in drawn:
            life.step(kind, which)
            if is_look:
                events, position = look(source, position)
                told += events
        told += look(source, position)[0]
        at_once, _ = look(source)
    facts = {event.event_id: event.occurred_at for event in told}
    assert {(event.event_id, event.occurred_at) for event in told} == set(facts.items())
    assert {event.event_id for event in at_once} <= set(facts)
    only_before = {
        event_id for event_id in facts if event_id.startswith("comment:")
    }  # edited again or deleted since
    assert set(facts) - {event.event_id for event in at_once} <= only_before


@settings(max_examples=60, deadline=None)
@given(steps)
def test_a_fact_told_by_pull_and_by_hook_is_the_same(drawn):
    life = Life(100)
    heard = []
    with life.site.github() as source:
        position, pulled = "", []
        for kind, which, _ in drawn:
            life.step(kind, which)
            events, position = look(source, position)
            pulled += events
        for delivery in life.site.hooks:
            told = hear(delivery, None, NOW + timedelta(hours=1))
            assert told.events or told.rings == (BOARD,)
            heard += told.events
    facts = {event.event_id: event for event in pulled}
    for event in heard:
        same = facts[event.event_id]
        assert (event.occurred_at, event.board_id, event.card_id, event.action) == (
            same.occurred_at,
            same.board_id,
            same.card_id,
            same.action,
        )
        assert (event.entity_id, event.actor_id, event.column_to) == (
            same.entity_id,
            same.actor_id,
            same.column_to,
        )


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_log_alone_comes_to_what_the_snapshot_shows(drawn):
    life = Life(100)
    for kind, which, _ in drawn:
        life.step(kind, which)
    with life.site.github() as source:
        events, _ = look(source)
        shown = {
            each.entity_id: each.fields
            for each in source.snapshot(BOARD, clock).entities
            if each.entity_type == "card"
        }
    assert replayed(events) == {
        card: {
            "title": fields["title"], "column_id": fields["column_id"], "labels": set(fields["labels"]),
            "member_ids": set(fields["member_ids"]),
        }
        for card, fields in shown.items()
    }  # fmt: skip


def replayed(events: list[Event]) -> dict[str | None, dict[str, Any]]:
    """Cards as their events leave them."""
    cards: dict[str | None, dict[str, Any]] = {}
    for event in events:
        if event.entity_type != "card":
            continue
        card = cards.setdefault(event.card_id, {"labels": set(), "member_ids": set()})
        for name, value in event.after.items():
            if name in ("labels", "member_ids"):
                card[name] |= set(value)
            elif name in ("title", "column_id"):
                card[name] = value
        for name in ("labels", "member_ids"):
            card[name] -= set(event.before.get(name, ()))
    return cards


def test_what_changes_while_pages_are_read_is_not_missed():
    """Each request meets a repository in which the oldest issue has just been touched: it moves to the end of the list."""
    site = GitHubSite(page=2)
    for place in range(7):
        site.open(f"Issue {place}")
    touched: list[int] = []

    def touch(request: httpx.Request) -> None:
        if request.url.path.endswith("/issues") and len(touched) < 3:
            touched.append(1 + len(touched))
            site.label(touched[-1], "busy")

    site.before_answer = touch
    with site.github() as source:
        shown = source.snapshot(BOARD, clock)
    assert len([each for each in shown.entities if each.entity_type == "card"]) == 7
    touched.clear()
    with site.github() as source:
        events, _ = look(source)
    assert len({event.event_id for event in events if event.action == "card.created"}) == 7


def test_many_changes_in_one_second_are_paged_by_number():
    site = GitHubSite(page=3)
    for place in range(10):
        site.open(f"Issue {place}")
    at = site.at + timedelta(seconds=5)
    for number in site.issues:
        site.label(number, "swept", at=at)
    with site.github() as source:
        assert (
            len([each for each in source.snapshot(BOARD, clock).entities if each.entity_type == "card"]) == 10
        )


def test_a_look_that_finds_nothing_new_tells_nothing():
    site = GitHubSite()
    site.comment(site.open(), "Hello")
    site.open("Another")
    with site.github() as source:
        _, position = look(source)
        site.at += timedelta(hours=1)
        site.open("Later")
        _, position = look(source, position)
        events, again = look(source, position)
        assert (events, again) == ([], position)
        site.label(1, "late")
        assert actions(look(source, again)[0]) == [
            "card.created",
            "card.labeled",
        ]  # its making: the log knows it


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_used_up_budget_is_waited_for_and_a_forbidden_token_stops():
    site = GitHubSite()
    later = {
        "date": "Mon, 02 Mar 2026 10:00:00 GMT",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1772447400",
    }
    for headers, wait in ((later, timedelta(minutes=30)), ({"retry-after": "60"}, timedelta(minutes=1))):
        site.refusals = [httpx.Response(403, json={"message": "API rate limit exceeded"}, headers=headers)]
        with site.github() as source, pytest.raises(SourceUnavailable, match="rate limit") as raised:
            source.boards()
        assert raised.value.retry_after == wait
    site.refusals = [httpx.Response(403, json={"message": "Resource not accessible"})]
    with site.github() as source, pytest.raises(SourceRefused, match="GITHUB_TOKEN"):
        source.boards()


def test_a_history_too_long_to_be_listed_is_read_as_far_as_it_goes():
    site = GitHubSite(page=2)
    for _ in range(4):
        site.close(site.open())

    def refuse(request: httpx.Request) -> None:
        if request.url.path.endswith("/events") and request.url.params.get("page") == "2":
            site.refusals = [httpx.Response(422, json={"message": "pagination is limited for this resource"})]

    site.before_answer = refuse
    with site.github() as source:
        assert actions(look(source)[0]).count("card.moved") == 2


def test_a_repository_that_never_was_is_said_and_one_that_is_gone_is_left_out():
    site = GitHubSite()
    with (
        site.github(repositories=("acme/shpo",)) as source,
        pytest.raises(SourceRefused, match=r"GITHUB_REPOS.*acme/shpo"),
    ):
        source.boards()
    with site.github() as source:
        assert len(source.boards()) == 1
        site.refusals = [httpx.Response(404), httpx.Response(404)]
        assert source.boards() == []
        with pytest.raises(BoardGone):
            source.snapshot(BOARD, clock)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_TOKEN": "t"}, "neither GITHUB_REPOS .* nor GITHUB_PROJECTS"),
        ({"GITHUB_TOKEN": "t", "GITHUB_REPOS": "acme"}, "GITHUB_REPOS names 'acme'; write owner/name"),
        (
            {"GITHUB_TOKEN": "t", "GITHUB_PROJECTS": "acme/x"},
            "GITHUB_PROJECTS names 'acme/x'; write owner/number",
        ),
        ({"GITHUB_TOKEN": "t", "GITHUB_REPOS": "a/b", "GITHUB_BASE_URL": "nowhere"}, "GITHUB_BASE_URL"),
    ],
)
def test_settings_that_cannot_be_right_are_named(told, words):
    with pytest.raises(SourceRefused, match=words):
        connect(told)


def test_the_token_goes_to_github_and_into_no_message():
    site = GitHubSite(refusals=[httpx.Response(401)])
    with site.github() as source, pytest.raises(SourceRefused) as raised:
        source.boards()
    assert "ghp_secret" not in str(raised.value)
    assert site.asked[0].headers["authorization"] == "Bearer ghp_secret"
    assert site.asked[0].headers["user-agent"].startswith("daybreak/")


def test_a_repository_comes_into_the_log_once(home):
    site = GitHubSite()
    site.comment(site.open(labels=("bug",)), "Hello")
    site.close(1)
    with site.github() as source, Log.open(home) as log:
        for _ in range(2):
            events, position = look(source)
            appended = log.append(Batch(tuple(events), source.snapshot(BOARD, clock)))
    assert (appended.new, appended.upto) == (0, 4)
    assert position


def test_card_fields_tell_an_empty_description_and_no_more_than_is_said():
    assert card_fields({"number": 1, "body": None}, BOARD) == {
        "description": None,
        "human_id": "#1",
        "column_id": "7001:open",
    }
