"""PLANKA 2: each fact once and in order, however its pages fall and however late it becomes visible."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.planka_site import (
    ANA,
    ARCHIVE,
    BOARD,
    DONE,
    NOW,
    TODO,
    TRASH,
    PlankaSite,
    card,
    creation,
    move,
    number,
    row,
)

from ingest.diff import comparable, diff
from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.planka import connect
from ingest.sync import pull, reconcile
from warehouse.log import Log
from warehouse.model import Event
from warehouse.reading import Warehouse

CARD = number(900)


def clock():
    return NOW


def told(reader, after: str = "") -> tuple[list[Event], str]:
    """Everything after a position, and the position after it."""
    events: list[Event] = []
    for page in reader.activity(BOARD, after, clock):
        events += page.events
        after = page.position
    return events, after


def ids(events: list[Event]) -> list[str]:
    return [event.event_id for event in events]


def recorded(real_boards) -> PlankaSite:
    """The recorded board, served by a site of our own."""
    kept = json.loads((real_boards / "planka-board-foodgrindr.json").read_text())
    return PlankaSite(kept["board"]["item"], kept["board"]["included"], kept["actions"])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whoever_reads_on_from_any_place_is_told_all_that_follows_in_order(data):
    count = data.draw(st.sampled_from([0, 1, 49, 50, 51, 120]))
    gap = data.draw(st.sampled_from([1, 700, 90_000]))
    site = PlankaSite(
        actions=[{**creation(0, CARD), "id": number(turn, milliseconds=gap)} for turn in range(1, count + 1)]
    )
    whole, end = told(site.planka())
    logged = [event.event_id for event in whole if event.action == "card.created"]
    assert logged == [each["id"] for each in site.actions]
    after = data.draw(st.sampled_from(["", *logged]))
    rest, reached = told(site.planka(), after)
    assert set(logged[logged.index(after) + 1 if after else 0 :]) <= set(ids(rest))
    assert ids(rest) == [each for each in ids(whole) if each in ids(rest)]
    assert reached == end


def test_what_was_told_is_not_told_again_to_whoever_reads_on():
    site = PlankaSite(actions=[creation(1, CARD)])
    _, position = told(site.planka())
    assert told(site.planka(), position) == ([], position)
    site.actions.append(move(2, CARD, TODO, DONE))
    assert ids(told(site.planka(), position)[0]) == [number(2)]


def test_a_position_stays_short_however_much_was_told_lately():
    site = PlankaSite(
        actions=[{**creation(0, CARD), "id": number(turn, milliseconds=10)} for turn in range(1, 2200)]
    )
    positions = [page.position for page in site.planka().activity(BOARD, "", clock)]
    assert len(positions) == 3
    assert max(map(len, positions)) < 21_000
    assert set(ids(told(site.planka(), positions[0])[0])) >= {
        number(turn, milliseconds=10) for turn in range(1001, 2200)
    }


def test_what_becomes_visible_late_is_told_late_and_once():
    site = PlankaSite(actions=[creation(1, CARD), move(30, CARD, TODO, DONE)])
    reader = site.planka()
    _, position = told(reader)
    site.actions.append(move(29, CARD, DONE, TODO))  # its transaction ended after that of a later id
    late, after = told(reader, position)
    assert (ids(late), after.split()[0]) == ([number(29)], number(30))
    assert told(site.planka(), after) == ([], after)


def test_a_reader_that_stopped_halfway_is_told_the_page_again():
    reader = PlankaSite(actions=[creation(1, CARD)]).planka()
    _, position = told(reader)
    site = PlankaSite(actions=[creation(1, CARD), move(90, CARD, TODO, DONE)])
    reader = site.planka()
    next(reader.activity(BOARD, position, clock))
    assert number(90) in ids(told(reader, position)[0])


def test_things_that_no_action_tells_of_are_told_by_the_rows_they_leave():
    site = PlankaSite(actions=[creation(1, CARD)])
    site.included |= {
        "cards": [card(CARD, commentsTotal=1, updatedAt="2026-03-10T09:00:09Z")],
        "labels": [row(2, name="red", color="berry-red")],
        "cardLabels": [row(3, cardId=CARD, labelId=number(2))],
        "taskLists": [row(4, name="Tools", cardId=CARD)],
        "tasks": [row(5, name="Spade", taskListId=number(4), isCompleted=False, position=1)],
        "attachments": [
            row(6, name="map", cardId=CARD, creatorUserId=ANA, data={"url": "http://example.org/map"})
        ],
        "boardMemberships": [row(7, userId=ANA)],
    }
    site.comments = {CARD: [row(8, text="hello", cardId=CARD, userId=ANA)]}
    events, position = told(site.planka())
    said = [(e.action, e.card_id, e.actor_id, dict(e.after)) for e in events if e.entity_type != "column"]
    assert said == [
        ("card.created", CARD, ANA, {"title": "Dig", "column_id": TODO, "url": f"http://planka.test/cards/{CARD}"}),
        ("label.created", None, None, {"text": "red", "color": "berry-red"}),
        ("card.labeled", CARD, None, {"labels": ["red"]}),
        ("checklist.created", CARD, None, {"text": "Spade", "checklist": "Tools", "position": 1.0, "card_id": CARD, "done": False}),
        ("attachment.created", CARD, ANA, {"name": "map", "url": "http://example.org/map"}),
        ("member.joined", None, None, {}),
        ("comment.created", CARD, ANA, {"content": "hello", "member_id": ANA}),
    ]  # fmt: skip
    assert (position.split()[0], len(set(ids(events)))) == (number(8), len(events))


@pytest.mark.parametrize("end", [ARCHIVE, TRASH])
@pytest.mark.parametrize("begin", ["", number(1)])
def test_a_card_that_left_its_column_before_anybody_looked_takes_nothing_along(end, begin):
    """What was done on it is told all the same, and it is asked for once a move."""
    site = PlankaSite(actions=[creation(2, CARD), move(5, CARD, TODO, end)])
    site.away = [card(CARD, end, commentsTotal=1)]
    site.comments = {CARD: [row(4, text="hello", cardId=CARD, userId=ANA)]}
    site.beside = {
        CARD: {
            "taskLists": [row(3, name="Tools", cardId=CARD)],
            "tasks": [row(3, name="Spade", taskListId=number(3))],
        }
    }
    reader = site.planka()
    events, position = told(reader, begin)
    assert [e.action for e in events if e.entity_type != "column"] == [
        "card.created",
        "checklist.created",
        "comment.created",
        "card.archived" if end == ARCHIVE else "card.deleted",
    ]
    assert told(reader, position) == ([], position)
    assert site.asked.count(f"/api/cards/{CARD}") == 1
    site.actions.append(move(6, CARD, end, ARCHIVE))
    assert ids(told(reader, position)[0]) == [number(6)]
    assert site.asked.count(f"/api/cards/{CARD}") == 2


def test_comments_are_asked_for_only_where_their_number_or_their_card_has_changed():
    site = PlankaSite()
    site.included["cards"] = [card(CARD, commentsTotal=60), card(number(901), commentsTotal=0)]
    site.comments = {CARD: [row(turn, text="x", cardId=CARD, userId=ANA) for turn in range(60)]}
    reader = site.planka()
    first = reader.snapshot(BOARD, clock)
    assert Counter(each.entity_type for each in first.entities)["comment"] == 60
    assert reader.snapshot(BOARD, clock) == first
    asked = [path for path in site.asked if "comments" in path]
    assert asked == [f"/api/cards/{CARD}/comments", f"/api/cards/{CARD}/comments?beforeId={number(10)}"]
    site.comments[CARD].append(row(61, text="new", cardId=CARD, userId=ANA))
    site.included["cards"][0] |= {"commentsTotal": 61}
    assert Counter(each.entity_type for each in reader.snapshot(BOARD, clock).entities)["comment"] == 61


def test_an_archive_of_any_size_is_shown_although_planka_hands_out_fifty_cards_of_it():
    site = PlankaSite(actions=[creation(turn, str(turn + 1000)) for turn in range(1, 121)])
    site.away = [card(str(turn + 1000), ARCHIVE) for turn in range(1, 120)]  # and one deleted for good
    reader = site.planka()
    first, second = (reader.snapshot(BOARD, clock) for _ in range(2))
    shown = {each.entity_id for each in second.entities if each.fields.get("archived")}
    assert first == second
    assert shown == {each["id"] for each in site.away}
    assert len([path for path in site.asked if path.startswith("/api/cards/")]) == 70


def test_a_card_in_the_archive_keeps_its_column_and_one_in_the_trash_is_gone():
    site = PlankaSite()
    site.included["cards"] = [card("1", DONE)]
    site.away = [card("2", ARCHIVE), card("3", "704")]
    cards = {
        e.entity_id: e.fields
        for e in site.planka().snapshot(BOARD, clock).entities
        if e.entity_type == "card"
    }
    assert {key: (each["column_id"], each["archived"]) for key, each in cards.items()} == {
        "1": (DONE, False),
        "2": (TODO, True),
    }
    assert cards["1"]["url"] == "http://planka.test/cards/1"


def test_people_are_told_by_their_names_and_not_by_their_addresses():
    site = PlankaSite(actions=[creation(1, CARD)])
    (page,) = site.planka().activity(BOARD, "", clock)
    assert [(each.entity_id, dict(each.fields)) for each in page.people] == [
        (ANA, {"name": "Ana", "username": "ana"})
    ]
    assert "@" not in repr((page, site.planka().snapshot(BOARD, clock)))


def test_every_recorded_action_is_one_event_and_the_log_comes_to_what_the_board_shows(real_boards, home):
    site = recorded(real_boards)
    (first,), (second,) = (pull(home, site.planka(), clock=clock) for _ in range(2))
    assert second.new == 0
    with Warehouse.open(home) as warehouse:
        told = warehouse.frame("select action, count(*) as n from events group by all")
        cards = {each["card_id"]: each for each in warehouse.cards().iter_rows(named=True)}
        done = dict(warehouse.frame("select item_id, done from checklist_items").rows())
        assert warehouse.frame("from events where inferred or action = 'unknown'").is_empty()
    kinds = Counter(each["type"] for each in site.actions)
    counted = dict(told.rows())
    assert counted["card.moved"] == kinds["moveCard"]
    assert counted["card.created"] == kinds["createCard"]
    assert counted["card.assigned"] == kinds["addMemberToCard"]
    assert counted["card.unassigned"] == kinds["removeMemberFromCard"]
    assert counted["checklist.checked"] == kinds["completeTask"]
    assert first.new == sum(counted.values())
    assert {key: each["column_id"] for key, each in cards.items()} == {
        each["id"]: each["listId"] for each in site.included["cards"]
    }
    assert done == {each["id"]: each["isCompleted"] for each in site.included["tasks"]}


def test_what_came_since_the_first_look_is_told_as_the_board_shows_it(home):
    site = PlankaSite()
    pull(home, site.planka(), clock=clock)
    site.actions = [creation(1, CARD), move(2, CARD, TODO, DONE)]
    site.included["cards"] = [card(CARD, DONE, position=7)]
    pull(home, site.planka(), clock=clock)
    (drift,) = reconcile(home, site.planka(), clock=clock)
    assert (drift.drift, drift.suspected) == (0, 0)


def test_renames_are_all_that_the_recorded_log_does_not_tell_and_they_are_found_by_comparing(
    real_boards, home
):
    reader = recorded(real_boards).planka()
    pull(home, reader, clock=clock)
    seen = reader.snapshot(reader.boards()[0].board_id, clock)
    with Log.open(home) as log:
        found = diff(comparable(log.known("planka", seen.board_id), seen), seen)
    assert found
    assert {(event.action, *event.after) for event in found} == {("card.updated", "title")}


# what can go wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [
        (httpx.Response(401, json={"code": "E_UNAUTHORIZED"}), SourceRefused, "PLANKA_TOKEN"),
        (httpx.Response(404, json={"code": "E_NOT_FOUND"}), BoardGone, "404"),
        (httpx.Response(200, text="<html>"), SourceChanged, "PLANKA_BASE_URL"),
        (httpx.Response(200, json={"item": None}), SourceChanged, "PLANKA_BASE_URL"),
        (httpx.Response(200, json={"item": {"id": BOARD}, "included": {}}), SourceChanged, "no board"),
        (httpx.Response(503), SourceUnavailable, "503"),
    ],
)
def test_each_way_to_fail_has_its_error_and_its_next_step(refusal, error, words):
    with pytest.raises(error, match=words):
        told(PlankaSite(refusals=[refusal]).planka(attempts=1))


@pytest.mark.parametrize("kind", ["projects", "actions"])
def test_an_answer_of_another_shape_is_said_to_be_one(kind):
    site = PlankaSite(refusals=[httpx.Response(200, json={"items": None})])
    with pytest.raises(SourceChanged):
        site.planka().boards() if kind == "projects" else site.planka()._rest.log(BOARD, 0)


def test_an_api_key_and_an_access_token_each_have_their_header():
    for token, header in (("abcd_1234", "x-api-key"), ("aa.bb.cc", "authorization")):
        site = PlankaSite()
        site.planka(token=token).boards()
        assert token in site.requests[0].headers[header]


def with_login(*answers: httpx.Response) -> tuple[PlankaSite, Any]:
    """A site that wants a token which these answers give, and a reader who knows a password."""
    site, left = PlankaSite(), list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/access-tokens":
            assert json.loads(request.content) == {"emailOrUsername": "ana", "password": "tulips"}
            return left.pop(0)
        if request.headers.get("authorization") != "Bearer good":
            return httpx.Response(401, json={"code": "E_UNAUTHORIZED"})
        return site.answer(request)

    return site, site.planka(login=("ana", "tulips"), attempts=1, transport=httpx.MockTransport(answer))


def test_a_password_gets_a_token_and_a_token_no_longer_taken_a_new_one():
    given = [httpx.Response(200, json={"item": token}) for token in ("old", "good")]
    site, reader = with_login(*given)
    with pytest.raises(SourceRefused):
        reader.boards()
    assert reader.boards()
    assert reader.boards()
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(401, json={"message": "Invalid credentials"}), SourceRefused, "Invalid credentials.*PLANKA_PASSWORD"),
        (httpx.Response(403, text="<html>"), SourceRefused, "terms"),
        (httpx.Response(502), SourceUnavailable, "502"),
        (httpx.Response(200, json={}), SourceChanged, "PLANKA_BASE_URL"),
    ],
)  # fmt: skip
def test_a_password_that_gets_no_token_is_said_to(answer, error, words):
    with pytest.raises(error, match=words):
        with_login(answer)[1].boards()


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, "PLANKA_BASE_URL"),
        ({"PLANKA_BASE_URL": "http://p"}, "PLANKA_TOKEN"),
        ({"PLANKA_BASE_URL": "http://p", "PLANKA_USER": "ana"}, "PLANKA_PASSWORD"),
        ({"PLANKA_BASE_URL": "planka", "PLANKA_TOKEN": "x"}, "PLANKA_BASE_URL"),
    ],
)
def test_a_setting_that_is_missing_is_named(settings, missing):
    with pytest.raises(SourceRefused, match=missing):
        connect(settings)
