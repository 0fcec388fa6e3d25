"""Jira: every change of every issue once, however the pages fall, the search lags and the board moves meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.jira_site import ANA, BEN, SITE, START, JiraSite, history, issue, item, status, told

from ingest.diff import apply
from ingest.sources import BoardGone, Delivery, HookRefused, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.jira import connect, hear
from ingest.sources.jira_events import told_by, translate
from ingest.sources.jira_fields import plain
from ingest.sync import pull
from warehouse.model import Event, Snapshot
from warehouse.reading import Warehouse

NOW = START + timedelta(days=2)
MINUTE = timedelta(minutes=1)
REAL = "SP-1 SP-2 SP-10 SP-13 SP-14 SP-15"


def clock() -> datetime:
    return NOW


def read(source, after: str = "", board_id: str = "1") -> tuple[list[Event], str]:
    """Every event of a board after a position, and the position after them."""
    events, position = [], after
    for page in source.activity(board_id, after, clock):
        events += page.events
        position = page.position
    return events, position


def moved_site() -> JiraSite:
    """One issue that went from column to column, was described, given to Ben and labelled, and was commented on."""
    site = JiraSite([issue(1)])
    site.change(1, START + MINUTE, item("status", "10", "11"), status=status("11"))
    site.change(1, START + 2 * MINUTE, item("status", "11", "12"), status=status("12"))
    site.change(1, START + 3 * MINUTE, item("summary", "Tulips 1", "Roses", words=True), summary="Roses")
    site.change(1, START + 4 * MINUTE, item("assignee", None, BEN["accountId"]), assignee=BEN)
    site.change(1, START + 5 * MINUTE, item("labels", "", "red wet", words=True), labels=["red", "wet"])
    done = (item("resolution", None, "1"), item("status", "12", "13"))
    site.change(1, START + 6 * MINUTE, *done, status=status("13"), resolution={"id": "1"})
    return site


# ── what is told ────────────────────────────────────────────────────────────────────────────────


def test_a_life_of_an_issue_is_told_in_our_words():
    events, _ = read(moved_site().jira())
    assert [(event.action, event.column_from, event.column_to) for event in events] == [
        ("card.created", None, "1:10"),
        ("card.moved", "1:10", "1:11"),
        ("card.updated", None, None),  # from one status of the column to the other
        ("card.updated", None, None),
        ("card.assigned", None, None),
        ("card.labeled", None, None),
        ("card.updated", None, None),
        ("card.moved", "1:11", "1:13"),
    ]
    made, renamed, labeled = events[0], events[3], events[5]
    assert (made.actor_id, made.occurred_at, made.after["title"]) == (ANA["accountId"], START, "Tulips 1")
    assert (made.after["member_ids"], made.after["labels"], made.after["due_done"]) == ([], [], False)
    assert (made.after["url"], made.after["human_id"]) == (f"{SITE}/browse/GAR-1", "GAR-1")
    assert (renamed.before, renamed.after) == ({"title": "Tulips 1"}, {"title": "Roses"})
    assert labeled.after == {"labels": ["red", "wet"]}
    assert {event.card_id for event in events} == {"1:1"}


@pytest.mark.parametrize(
    ("changed", "action", "before", "after"),
    [
        (item("assignee", "a", "b"), "card.assigned", {"member_ids": ["a"]}, {"member_ids": ["b"]}),
        (item("assignee", "a", None), "card.unassigned", {"member_ids": ["a"]}, {}),
        (item("labels", "x y", "y", words=True), "card.unlabeled", {"labels": ["x"]}, {}),
        (item("labels", "x", "y", words=True), "card.updated", {"labels": ["x"]}, {"labels": ["y"]}),
        (
            item("duedate", None, "2026-04-01"),
            "card.updated",
            {"due_at": None},
            {"due_at": "2026-04-01T00:00:00+00:00"},
        ),
        (item("resolution", "1", None), "card.updated", {"due_done": True}, {"due_done": False}),
        (
            item("description", None, "Deep", words=True),
            "card.updated",
            {"description": None},
            {"description": "Deep"},
        ),
        (item("Rank", "", "", fieldtype="custom"), "card.reordered", {}, {}),
        (item("Sprint", "", "3", fieldtype="custom"), "card.updated", {}, {}),
        (item("status", "10", "13", fieldtype="custom"), "card.updated", {}, {}),
        (item("priority", "1", "3"), "card.updated", {}, {}),
        (item("Attachment", None, "9"), "attachment.created", {}, {"name": "9"}),
        (item("Attachment", "9", None), "attachment.deleted", {"name": "9"}, {}),
        (item("status", "10", None), "unknown", {}, {}),
        (item("", "1", "2"), "unknown", {}, {}),
        ({"what": "is this"}, "unknown", {}, {}),
    ],
)
def test_each_kind_of_change_has_its_word(changed, action, before, after):
    events = told_by(
        issue(1), [history(5, START + MINUTE, changed)], NOW, board_id="1", column_of=lambda each: each
    )
    assert (events[1].action, events[1].before, events[1].after) == (action, before, after)
    assert events[1].payload["item"] == changed


def test_an_issue_is_a_card_of_its_own_on_each_board():
    site = moved_site()
    site.boards["2"] = "Greenhouse"
    one, other = (read(site.jira(), board_id=board)[0] for board in ("1", "2"))
    assert not {event.event_id for event in one} & {event.event_id for event in other}
    assert {event.card_id for event in other} == {"2:1"}


def test_the_order_of_items_in_a_history_does_not_change_their_ids():
    items = [item("Link", None, "GAR-2"), item("status", "10", "11"), item("Link", None, "GAR-3")]
    ways = [[history(5, START, *items)], [history(5, START, *items[::-1])]]
    one, other = (
        {
            event.event_id: event.payload.get("item")
            for event in told_by(issue(1), way, NOW, board_id="1", column_of=str)
        }
        for way in ways
    )
    assert one == other
    assert len(one) == 4


def test_milliseconds_since_1970_and_written_instants_are_the_same_instants():
    site = moved_site()
    numbers, _ = read(site.jira())
    site.as_numbers = False
    written, _ = read(site.jira())
    assert [(each.event_id, each.occurred_at) for each in numbers] == [
        (each.event_id, each.occurred_at) for each in written
    ]


def comment(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "author": BEN,
        "body": f"Wet {number}",
        "created": told(at),
        "updated": told(at),
    } | more


def test_all_comments_are_told_also_those_a_search_leaves_out():
    site = JiraSite([issue(1)], comments_told=2)
    edited = comment(900, START + MINUTE, body="Dry", updated=told(START + 5 * MINUTE), updateAuthor=ANA)
    many = [edited, *(comment(each, START + each * MINUTE) for each in range(1, 130))]
    secret = comment(901, START, visibility={"type": "role", "value": "Administrators"}, body="hush")
    site.issues[0]["fields"]["comment"] = {"comments": [*many, secret]}
    events, _ = read(site.jira())
    comments = [event for event in events if event.entity_type == "comment"]
    assert [event.action for event in comments].count("comment.created") == 130
    (edit,) = [event for event in comments if event.action == "comment.updated"]
    assert (edit.entity_id, edit.actor_id, edit.occurred_at) == (
        "1:900",
        ANA["accountId"],
        START + 5 * MINUTE,
    )
    assert edit.after == {"content": "Dry"}
    assert "hush" not in json.dumps([event.payload for event in events])


def test_rich_text_is_told_as_its_texts():
    document = {
        "type": "doc",
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "Dig "}, {"type": "text", "text": "deep"}],
            },
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "and wide"}, {"type": "mention", "content": "odd"}, 5],
            },
        ],
    }
    assert plain(document) == "Dig deep\nand wide"
    deep: dict[str, Any] = {"type": "text", "text": "bottom"}
    for _ in range(5000):
        deep = {"type": "paragraph", "content": [deep]}
    assert plain(deep) == "bottom"


# ── the log comes to what the board shows ───────────────────────────────────────────────────────


def comes_to(events: list[Event], shown: Snapshot) -> None:
    """The cards that these events make are the cards that the board shows."""
    made = apply(replace(shown, entities=()), events)
    cards = {each.entity_id: each.fields for each in made.entities if each.entity_type == "card"}
    seen = {each.entity_id: each.fields for each in shown.entities if each.entity_type == "card"}
    assert cards.keys() == seen.keys()
    for card, fields in cards.items():
        assert said(fields) == said(seen[card])


def said(fields: Any) -> dict[str, Any]:
    """What fields say: an empty one says nothing."""
    elsewhere = ("created_at", "created_by", "archived")
    return {key: value for key, value in fields.items() if value and key not in elsewhere}


def test_the_log_alone_comes_to_what_the_board_shows():
    site = moved_site()
    comes_to(read(site.jira())[0], site.jira().snapshot("1", clock))


def test_recorded_issues_come_to_what_their_board_shows(real_boards):
    folder = real_boards / "jira-jirametrics"
    issues = [json.loads((folder / f"{name}.json").read_text()) for name in REAL.split()]
    site = JiraSite(
        issues,
        {each["id"]: each["changelog"]["histories"] for each in issues},
        configuration=json.loads((folder / "sample_board_1_configuration.json").read_text()),
        statuses=json.loads((folder / "sample_statuses.json").read_text()),
    )
    events, position = read(site.jira(page=2))
    changes = sum(len(past["items"]) for each in issues for past in each["changelog"]["histories"])
    assert (
        len(events) == len({event.event_id for event in events}) == len(issues) + changes + 1
    )  # one comment
    assert "unknown" not in {event.action for event in events}
    shown = site.jira().snapshot("1", clock)
    columns = [each.fields for each in shown.entities if each.entity_type == "column"]
    assert [(each["title"], each["is_done"]) for each in columns][-2:] == [("Review", False), ("Done", True)]
    comes_to(events, shown)
    assert read(site.jira(), position)[0] == []


def test_a_status_in_no_column_is_a_column_off_the_board():
    site = JiraSite([issue(1)])
    site.change(1, START + MINUTE, item("status", "10", "14"), status=status("14"))
    (*_, moved), _ = read(site.jira())
    assert (moved.action, moved.column_to) == ("card.moved", "1:14")
    shown = {each.entity_id: each.fields for each in site.jira().snapshot("1", clock).entities}
    assert shown["1:14"] == {"title": "Compost", "is_done": True, "archived": True}
    assert shown["1"]["url"] == f"{SITE}/secure/RapidBoard.jspa?rapidView=1"


# ── positions ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 4), st.data())
def test_reading_in_any_stretches_tells_every_change_once(minutes, page, data):
    site = JiraSite([issue(number, at=START + minute * MINUTE) for number, minute in enumerate(minutes, 1)])
    position, told_ids = "", []
    for turn in range(data.draw(st.integers(1, 4), "turns")):
        number = data.draw(st.integers(1, len(minutes)), "changed")
        at = START + timedelta(hours=turn + 1)
        site.now = at + 5 * MINUTE
        site.change(number, at, item("summary", "a", f"b{turn}", words=True), summary=f"b{turn}")
        for stretch in site.jira(page).activity("1", position, clock):
            told_ids += [event.event_id for event in stretch.events]
            position = stretch.position
            if data.draw(st.booleans(), "killed after this page"):
                break
    last, position = read(site.jira(page), position)
    whole, _ = read(site.jira())
    assert {*told_ids, *(event.event_id for event in last)} == {event.event_id for event in whole}
    assert list(site.jira(page).activity("1", position, clock)) == []


def test_nothing_new_is_two_requests_and_no_page():
    site = moved_site()
    _, position = read(site.jira())
    site.asked.clear()
    assert list(site.jira().activity("1", position, clock)) == []
    assert [path for path, _ in site.asked] == [
        "/rest/agile/1.0/board/1/configuration",
        "/rest/api/2/search/jql",
    ]


def test_an_issue_that_leaves_the_board_meanwhile_hides_no_other():
    site = JiraSite([issue(number, at=START + number * MINUTE) for number in range(1, 9)])
    pulls = [None, *[site.issues.pop] * 1]
    site.between = lambda: (
        pulls.pop(0)(0) if len(pulls) == 1 else pulls.pop(0) if pulls else None
    )  # after the first page
    events, _ = read(site.jira(page=2))
    assert {event.card_id for event in events} >= {f"1:{number}" for number in range(2, 9)}


def test_a_change_behind_our_back_is_told_by_the_next_walk():
    site = JiraSite([issue(number, at=START + number * MINUTE) for number in range(1, 5)])
    late = site.now + 5 * MINUTE
    turns = [None, lambda: site.change(1, late, item("summary", "a", "b", words=True), summary="b")]

    def between() -> None:
        turn = turns.pop(0) if turns else None
        if turn:
            turn()

    site.between = between
    first, position = read(site.jira(page=2))
    site.now = late + MINUTE
    second, _ = read(site.jira(page=2), position)
    assert "card.updated" not in {event.action for event in first}
    assert [event.action for event in second if event.occurred_at == late] == ["card.updated"]


def test_a_long_walk_does_not_carry_the_position_past_a_change_behind_it():
    site = JiraSite([issue(number, at=START + number * MINUTE) for number in range(1, 5)])
    begun = site.now

    def an_hour_passes() -> None:
        for number, minutes in ((1, 1), (4, 60)):
            site.change(number, begun + minutes * MINUTE, item("summary", "a", "b", words=True), summary="b")

    turns = [lambda: None, an_hour_passes]
    site.between = lambda: turns.pop(0)() if turns else None
    _, position = read(site.jira(page=2))
    site.now = begun + timedelta(hours=2)
    events, _ = read(site.jira(page=2), position)
    assert {event.card_id for event in events if event.action == "card.updated"} >= {"1:1"}


def test_a_change_that_the_search_shows_late_is_told():
    site = JiraSite([issue(1), issue(2)])
    site.change(1, START + timedelta(hours=1), item("summary", "a", "b", words=True), summary="b")
    site.change(2, START + timedelta(hours=1, minutes=5), item("summary", "a", "c", words=True), summary="c")
    site.not_indexed.add("1")
    _, position = read(site.jira())
    site.not_indexed.clear()
    events, _ = read(site.jira(), position)
    assert [event.after["title"] for event in events if event.action == "card.updated"] == ["b"]


def test_a_changelog_that_comes_after_its_issue_is_told():
    site = moved_site()
    newest = site.pasts["1"].pop(0)
    site.now = START + 7 * MINUTE
    first, position = read(site.jira())
    site.pasts["1"].append(newest)
    second, position = read(site.jira(), position)
    assert len({event.event_id for event in second} - {event.event_id for event in first}) == 2
    site.now += timedelta(hours=1)
    _, position = read(site.jira(), position)
    assert list(site.jira().activity("1", position, clock)) == []


def test_an_issue_new_on_the_board_brings_its_whole_past():
    site = moved_site()
    (here,), site.issues = site.issues, [issue(2)]
    site.change(2, START + timedelta(hours=1), item("summary", "a", "b", words=True))
    _, position = read(site.jira())
    site.issues.append(here)
    site.change(1, START + timedelta(hours=2), item("summary", "a", "b", words=True))
    assert len(read(site.jira(), position)[0]) == 9


def test_many_issues_made_in_one_minute_are_all_told():
    site = JiraSite([issue(number, at=START + timedelta(seconds=number)) for number in range(1, 50)])
    assert len(read(site.jira(page=4))[0]) == 49


@pytest.mark.parametrize(
    "position", ["nonsense", "[]", '{"since": "x", "seen": 5}', '{"since": null}', "[" * 5000]
)
def test_a_position_that_is_none_of_ours_reads_from_the_beginning(position):
    assert len(read(moved_site().jira(), position)[0]) == 8


# ── settings, refusals, limits ──────────────────────────────────────────────────────────────────

SETTINGS = {"JIRA_BASE_URL": SITE, "JIRA_EMAIL": "ana@example.org", "JIRA_TOKEN": "t"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "JIRA_BASE_URL is not set"),
        ({"JIRA_BASE_URL": SITE}, "JIRA_EMAIL is not set"),
        (SETTINGS | {"JIRA_TOKEN": ""}, "JIRA_TOKEN is not set"),
        (SETTINGS | {"JIRA_BOARDS": "1, GAR"}, "JIRA_BOARDS names 'GAR'"),
        (SETTINGS | {"JIRA_BASE_URL": "garden"}, "JIRA_BASE_URL"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings, why):
    with pytest.raises(SourceRefused, match=why):
        connect(settings)


def test_boards_come_by_pages_and_one_asked_for_that_is_gone_keeps_its_place():
    site = JiraSite(boards={"1": "Garden", "2": "Greenhouse", "3": "Shed"})
    assert [each.title for each in site.jira().boards()] == ["Garden", "Greenhouse", "Shed"]
    assert [each.title for each in site.jira(board_ids=["2", "9"]).boards()] == ["Greenhouse", ""]
    with pytest.raises(BoardGone):
        read(site.jira(), board_id="9")


def test_a_site_that_lets_nobody_sign_in_but_answers_is_refused():
    site = moved_site()
    empty = {"values": [], "isLast": True}
    site.refusals = [
        httpx.Response(200, json=empty, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    ]
    with pytest.raises(SourceRefused, match="JIRA_EMAIL and JIRA_TOKEN"):
        site.jira().boards()


def test_too_many_requests_are_waited_out():
    site = moved_site()
    site.refusals = [httpx.Response(429, headers={"Retry-After": "0"}), httpx.Response(503)]
    assert len(read(site.jira())[0]) == 8
    site.refusals = [httpx.Response(429, headers={"Retry-After": "1800"})]
    with pytest.raises(SourceUnavailable) as failed:
        read(site.jira())
    assert failed.value.retry_after == timedelta(minutes=30)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(410),
    ],
)
def test_an_answer_of_another_shape_is_named_without_the_token(answer):
    site = moved_site()
    site.refusals = [answer]
    with pytest.raises(SourceChanged) as failed:
        read(site.jira())
    assert "token-t" not in str(failed.value)


def test_a_page_mark_that_leads_back_is_named():
    site = JiraSite([issue(number) for number in range(4)])
    layout = httpx.Response(200, json=site._configuration("1"))
    stuck = httpx.Response(200, json={"issues": [], "nextPageToken": "again"})
    site.refusals = [layout, stuck, stuck]
    with pytest.raises(SourceChanged, match="nextPageToken"):
        read(site.jira())


# ── bad payloads ────────────────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "id key fields created items field from toString accountId status body author".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("issue history item place comment is_edit first".split()), JSON))
def test_no_entry_whatever_it_holds_is_lost(entry):
    event = translate(entry, NOW, board_id="1")
    assert event.payload == entry
    assert event == translate(entry, NOW, board_id="1")


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from("id key fields".split()), JSON),
    st.lists(JSON.filter(lambda each: isinstance(each, dict)), max_size=3),
)
def test_no_issue_whatever_its_past_holds_stops_the_reading(odd, past):
    assert told_by(odd, past, NOW, board_id="1", column_of=lambda each: each)


def test_bad_changes_are_kept_as_unknown_and_the_rest_is_read(home):
    site = moved_site()
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    site.pasts["1"] += [
        {"id": "1", "created": None, "items": [{"field": None}, "no item", deep]},
        {"id": "2", "items": "none"},
        {"id": None, "created": "yesterday", "author": 5, "items": [{"field": "status", "to": {}}]},
        history(3, START, item("summary", "x" * 1_000_000, "y", words=True)),
        site.pasts["1"][0],
    ]
    site.issues += [
        {"id": "7", "key": None, "fields": {"created": told(START), "updated": told(START), "status": 5}}
    ]
    (summary,) = pull(home, site.jira(), clock=clock)
    assert summary.new == 8 + 3 + 1 + 1 + 1
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("from events where action = 'unknown'").height == 4
    assert pull(home, site.jira(), clock=clock)[0].new == 0


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────


def delivery(body: bytes, secret: str = "s", **query: str) -> Delivery:
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Delivery("/hooks/jira", query, {"x-hub-signature": f"sha256={signed}"}, body)


def test_a_webhook_rings_the_boards_its_address_names():
    heard = hear(delivery(b'{"webhookEvent": "jira:issue_updated"}', board="1,2,x"), "s", NOW)
    assert (heard.events, heard.rings) == ((), ("1", "2"))
    assert "?board=1,2" in hear(delivery(b"{}"), "s", NOW).answer


@pytest.mark.parametrize(
    ("bad", "secret"),
    [
        (delivery(b"{}", "another"), "s"),
        (replace(delivery(b"{}"), body=b"[]"), "s"),
        (replace(delivery(b""), headers={}), "s"),
        (delivery(b"{}"), None),
    ],
)
def test_a_delivery_that_is_not_jiras_is_refused(bad, secret):
    with pytest.raises(HookRefused):
        hear(bad, secret, NOW)
