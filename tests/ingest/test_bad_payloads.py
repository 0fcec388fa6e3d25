"""Whatever a board sends, through every source's door: never a stumble, everything kept, counted, and read back."""

from __future__ import annotations

import copy
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources import (
    Delivery,
    HookRefused,
    SourceChanged,
    github,
    github_events,
    github_items,
    github_project,
    hearing,
    jira,
    jira_events,
    kanboard,
    planka,
    trello,
    trello_events,
)
from ingest.sources import flux_entries as flux
from ingest.sources.wire import Door, Wire, parse
from warehouse.log import Log
from warehouse.model import ACTIONS, Batch, Event
from warehouse.rows import event_rows

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
AT = "2026-03-02T10:00:00.000Z"
HEX = "5a13f0000000000000000001"
Json = dict[str, Any]

USER = {"login": "ada", "id": 11, "type": "User"}
ISSUE = {
    "id": 9001, "number": 1, "title": "Tea", "body": "Hot", "state": "open", "user": USER, "labels": [{"name": "bug"}],
    "assignees": [USER], "created_at": AT, "updated_at": AT, "closed_at": None, "html_url": "https://github.test/a/b/issues/1",
}  # fmt: skip
PROJECT = github_project.Project.of(
    {"id": "PVT_1", "title": "Road", "field": {"options": [{"id": "o1", "name": "Todo"}]}}
)
ITEM = {
    "id": "PVTI_1", "createdAt": AT, "isArchived": False, "creator": {"login": "ada", "databaseId": 11, "__typename": "User"},
    "fieldValueByName": {"optionId": "o1", "name": "Todo", "updatedAt": "2026-03-02T11:00:00Z"},
    "content": {
        "__typename": "Issue", "title": "Tea", "number": 1, "assignees": {"nodes": []}, "labels": {"nodes": [{"name": "bug"}]},
        "timelineItems": {"nodes": [
            {"__typename": "LabeledEvent", "id": "L1", "createdAt": "2026-03-02T10:30:00Z", "label": {"name": "bug"}, "actor": {"login": "ada"}},
            {"__typename": "ProjectV2ItemStatusChangedEvent", "id": "S1", "createdAt": "2026-03-02T10:40:00Z", "status": "Todo", "project": {"id": "PVT_1"}},
        ]},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A source's way in: what reads an entry, entries made by hand, and the name of the field that says its kind."""

    read: Callable[[Json], Iterable[Event]]
    entries: tuple[Json, ...]
    kind: str


def one(translate: Callable[..., Event]) -> Callable[[Json], Iterable[Event]]:
    return lambda entry: [translate(entry, NOW, board_id="7001")]


DOORS = {
    "flux": Way(
        one(flux.translate),
        (
            {
                "seq": 7, "id": "e7", "boardId": "b1", "cardId": "c1", "actor": {"id": "m1", "name": "Ada"}, "action": "card.moved",
                "entityType": "card", "entityId": "c1", "before": {"id": "c1", "columnId": "k1", "labelIds": ["l1"], "assigneeIds": ["m1"]},
                "after": {"id": "c1", "columnId": "k2", "title": "Tea", "dueDate": AT, "assigneeIds": ["m2"]}, "createdAt": AT,
            },
            {"seq": 8, "id": "e8", "action": "comment.created", "entityType": "comment", "entityId": "x1", "after": {"content": "Hi", "cardId": "c1"}, "createdAt": AT},
        ),
        "action",
    ),
    "trello": Way(
        one(trello_events.translate),
        (
            {
                "id": HEX, "type": "updateCard", "date": AT, "idMemberCreator": "m1", "memberCreator": {"id": "m1", "fullName": "Ada"},
                "data": {"card": {"id": "c1", "name": "Tea", "idList": "k2", "pos": 1.5, "due": AT}, "old": {"idList": "k1", "due": None},
                         "listBefore": {"id": "k1"}, "listAfter": {"id": "k2"}, "board": {"id": "b1"}},
            },
            {"id": HEX[:-1] + "2", "type": "commentCard", "date": AT, "idMemberCreator": "m1", "data": {"text": "Hi", "card": {"id": "c1"}}},
            {"id": HEX[:-1] + "3", "type": "updateCheckItemStateOnCard", "date": AT, "data": {"card": {"id": "c1"}, "checkItem": {"id": "i1", "name": "x", "state": "complete"}, "checklist": {"name": "List"}}},
        ),
        "type",
    ),
    "planka": Way(
        one(planka.translate),
        (
            {"id": "19001", "createdAt": AT, "type": "moveCard", "cardId": "c1", "userId": "u1", "data": {"card": {"name": "Tea"}, "toList": {"id": "k2", "name": "B"}, "fromList": {"id": "k1", "name": "A"}}},
            {"id": "19002", "createdAt": AT, "type": "createCard", "cardId": "c1", "userId": "u1", "data": {"card": {"name": "Tea"}, "list": {"id": "k1", "name": "A"}}},
        ),
        "type",
    ),
    "kanboard": Way(
        one(kanboard.translate),
        (
            {"id": 5, "date_creation": 1772445600, "event_name": "task.move.column", "creator_id": 3, "task_id": 9, "task": {"id": 9, "title": "Tea", "column_id": 2, "column_title": "Doing", "date_due": 0}, "changes": {"src_column_id": "1", "dst_column_id": "2"}, "author_name": "Ada"},
            {"id": 6, "date_creation": 1772445601, "event_name": "comment.create", "creator_id": 3, "task_id": 9, "task": {"id": 9}, "comment": {"id": 4, "comment": "Hi"}},
        ),
        "event_name",
    ),
    "jira": Way(
        one(jira_events.translate),
        (
            {"issue": {"id": "10001", "key": "SP-1", "fields": {"summary": "Tea", "created": AT}}, "history": {"id": "55", "created": "2026-03-02T10:00:00.000+0000", "author": {"accountId": "a1", "displayName": "Ada"}}, "item": {"field": "status", "fieldId": "status", "from": "1", "fromString": "To Do", "to": "2", "toString": "Done"}},
            {"issue": {"id": "10001", "key": "SP-1", "fields": {"summary": "Tea", "created": AT, "labels": ["x"], "creator": {"accountId": "a1"}}}},
        ),
        "item",
    ),
    "github": Way(
        one(github.translate),
        (
            {"id": 501, "event": "closed", "actor": USER, "created_at": AT, "state_reason": None, "issue": ISSUE},
            {"id": 502, "event": "labeled", "actor": USER, "created_at": AT, "label": {"name": "bug"}, "issue": ISSUE},
            {"id": 503, "event": "assigned", "actor": USER, "assigner": USER, "assignee": USER, "created_at": AT, "issue": ISSUE},
            {"id": 504, "event": "renamed", "actor": USER, "rename": {"from": "a", "to": "b"}, "created_at": AT, "issue": ISSUE},
        ),
        "event",
    ),
    "github issue": Way(lambda entry: [github_events.opened(entry, NOW, board_id="7001")], (ISSUE,), "state"),
    "github comment": Way(
        lambda entry: github_events.commented(entry, NOW, board_id="7001"),
        ({"id": 31, "user": USER, "body": "Hi", "created_at": AT, "updated_at": "2026-03-02T11:00:00Z", "issue_url": "https://api.github.test/repos/a/b/issues/1"},),
        "body",
    ),
    "github item": Way(
        lambda entry: github_items.happened(PROJECT, entry, NOW, after=None, new_since=None), (ITEM,), "content"
    ),
}  # fmt: skip

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["", "\ud800", "a\x00b", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30", "1e999", "\ufeff"]),
    st.just([]), st.just({}), st.just([None, 1, {"id": []}]), st.just({"id": {"id": 5}}), st.just([["x"]]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead to it."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(entry: Json, path: tuple[Any, ...], junk: object, *, is_gone: bool) -> Json:
    """The entry with something else, or nothing, in one place; as it is where an earlier change took the place away."""
    told = copy.deepcopy(entry)
    inside: Any = told
    try:
        for key in path[:-1]:
            inside = inside[key]
        if is_gone:
            del inside[path[-1]]
        else:
            inside[path[-1]] = junk
    except (KeyError, IndexError, TypeError):
        pass
    return told


@st.composite
def spoilt(draw: st.DrawFn, name: str) -> Json:
    """An entry of a source in which up to three things are wrong, as it comes through the door."""
    entry: Json = draw(st.sampled_from(DOORS[name].entries))
    for path in draw(st.lists(st.sampled_from(list(places(entry))), min_size=1, max_size=3)):
        entry = changed(entry, path, draw(JUNK), is_gone=draw(st.booleans()))
    told = parse(json.dumps(entry))
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_spoilt_entry_is_kept_and_can_be_written(name, data):
    entry = data.draw(spoilt(name))
    events = list(DOORS[name].read(entry))
    assert events
    assert all(event.action in ACTIONS and event.event_id and event.occurred_at.tzinfo for event in events)
    assert event_rows(events, 0).num_rows == len(events)
    again = list(DOORS[name].read(parse(json.dumps(entry))))  # type: ignore[arg-type]
    assert [event.event_id for event in again] == [event.event_id for event in events]


@pytest.mark.parametrize("name", DOORS)
def test_each_place_may_hold_anything_or_be_gone(name):
    door = DOORS[name]
    for entry in door.entries:
        spoilt_ones = [
            changed(entry, path, junk, is_gone=is_gone)
            for path in places(entry)
            for junk, is_gone in (
                (None, True),
                (None, False),
                (5, False),
                ([], False),
                ({"id": []}, False),
                ("", False),
            )
        ]
        assert event_rows([event for each in spoilt_ones for event in door.read(each)], 0).num_rows


@pytest.mark.parametrize("name", ["flux", "trello", "planka", "kanboard", "github"])
def test_a_kind_nobody_knows_is_unknown_and_kept(name):
    door = DOORS[name]
    for entry in door.entries:
        for event in door.read({**entry, door.kind: "something.new"}):
            assert (event.action, event.payload[door.kind]) == ("unknown", "something.new")


def awkward(door: Way) -> list[Json]:
    """Entries no board should send: huge, deep, half-encoded, empty, doubled, of unknown kinds, without names."""
    first = door.entries[0]
    keys = [path[0] for path in places(first) if len(path) == 1]
    deep: Any = "down here"
    for _ in range(400):
        deep = {"in": [deep]}
    return [
        *door.entries,
        first,
        {},
        {"id": None},
        *({**first, "id": f"without {key}", key: None} for key in keys),
        {**first, "id": "huge", "extra": "x" * 10_000_000},
        {**first, "id": "deep", "extra": deep},
        {**first, "id": "half \ud83d pair \udc00", "extra": "\ud83d"},
        {**first, "id": "nul \x00 byte", "extra": "\x00"},
        {**first, "id": "number", "extra": 2**80},
        {**first, "id": "kind", door.kind: "something.new"},
        {**first, "id": "kind", door.kind: "told twice by one id"},
    ]


@pytest.mark.parametrize("name", DOORS)
def test_awkward_entries_come_into_the_log_and_out_again(name, home):
    door = DOORS[name]
    told = [parse(json.dumps(entry)) for entry in awkward(door)]
    events = tuple(event for entry in told for event in door.read(entry))  # type: ignore[arg-type]
    facts = {event.event_id for event in events}
    with Log.open(home) as log:
        first, second = (log.append(Batch(events)) for _ in range(2))
        kept = log.connection.execute("select event_id, action, payload from events").fetchall()
    assert (first.new, second.new) == (len(facts), 0)
    assert {row[0] for row in kept} == {event_id.replace("\ud83d", "?") for event_id in facts}
    assert Counter(row[1] for row in kept)["unknown"] >= 1
    assert max(len(row[2]) for row in kept) > 10_000_000 or "item" in name
    for row in kept:
        json.loads(row[2])


# ── recorded ones, spoilt ────────────────────────────────────────────────────────────────────────────────────────


def recorded(real_boards: Path) -> dict[str, list[Json]]:
    """Entries that real servers told, by source."""
    export = json.loads((real_boards / "trello-amirite.json").read_text())
    board = json.loads((real_boards / "planka-board-foodgrindr.json").read_text())
    kinds = {
        kind["name"]: kind["examples"]
        for kind in json.loads((real_boards / "github-webhooks-api.github.com.json").read_text())
    }
    return {
        "trello": export["actions"],
        "planka": board["actions"],
        "github issue": [example["issue"] for example in kinds["issues"]],
        "github comment": [example["comment"] for example in kinds["issue_comment"]],
    }


@pytest.mark.parametrize("name", ["trello", "planka", "github issue", "github comment"])
def test_recorded_entries_survive_the_loss_of_any_part(name, real_boards):
    """Each place of a recorded entry once gone, once null, once of another type."""
    entries = recorded(real_boards)[name]
    events = [
        event
        for entry in entries[:40]
        for spoilt_one in spoilt_ways(entry)
        for event in DOORS[name].read(spoilt_one)
    ]
    assert len(events) > 300
    assert event_rows(events, 0).num_rows


def spoilt_ways(entry: Json) -> Iterator[Json]:
    paths = [path for path in places(entry) if len(path) <= 4]
    for place, path in enumerate(paths[:: max(1, len(paths) // 12)]):
        yield changed(entry, path, None, is_gone=True)
        yield changed(entry, path, (None, 5, [], "text", {"id": 1})[place % 5], is_gone=False)


EARS = {
    "trello": trello.hear,
    "planka": planka.hear,
    "kanboard": kanboard.hear,
    "github": github.hear,
    "jira": jira.hear,
}
BODIES = [
    b"", b"[]", b"null", b"{", b"\xff\xfe\x00", b'{"a": "\xff"}', b'{"event_name": 5, "event_data": [1]}', b'{"action": {"id": 1, "data": 5}}',
    b'{"repository": {"id": 1e400}}', b'{"event": {}, "data": {"item": 5}}', b"[" * 2000 + b"]" * 2000, b'{"a":' * 2000 + b"1" + b"}" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("source", EARS)
def test_an_ear_either_refuses_or_survives_any_body(source, body):
    """Signed as the source signs, so that the body is read, and unsigned."""
    key = "secret"
    sha256 = "sha256=" + hearing.signature(body, key, "sha256").hex()
    headers = {
        "x-hub-signature-256": sha256,
        "x-hub-signature": sha256,
        "authorization": f"Bearer {key}",
        "x-github-event": "issues",
    }
    signed = Delivery("/hooks/x", {"token": key, "board": "1"}, headers, body, "https://hooks.test/hooks/x")
    if source == "trello":
        import base64

        proof = base64.b64encode(hearing.signature(body + signed.url.encode(), key, "sha1")).decode()
        signed = Delivery(signed.path, {}, {**headers, "x-trello-webhook": proof}, body, signed.url)
    EARS[source](signed, key, NOW)
    with pytest.raises(HookRefused):
        EARS[source](Delivery("/hooks/x", {}, {}, body), key, NOW)


@pytest.mark.parametrize(
    "body", [b"{" * 3, b'{"a":' * 2000 + b"1" + b"}" * 2000, b"\xff\xfe\xff", b"5", b""], ids=range(5)
)
def test_an_answer_nobody_can_read_is_kept_in_the_error(body):
    wire = Wire(
        "https://board.test", headers={}, door=Door("Board", "URL", "KEY"), attempts=1,
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)),
    )  # fmt: skip
    with pytest.raises(SourceChanged) as raised:
        wire.get("/")
    assert raised.value.payload == body
    wire.release()


def test_broken_bytes_and_half_pairs_cost_a_letter_and_not_the_page():
    assert parse(b'{"a": "x\xffy", "b": "\\ud83d\\ude00", "c": "\\ud83d!", "\\udc00": NaN}') == {
        "a": "x\ufffdy",
        "b": "😀",
        "c": "?!",
        "?": None,
    }


def test_a_compressed_page_is_read():
    wire = Wire(
        "https://board.test", headers={}, door=Door("Board", "URL", "KEY"),
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=gzip.compress(b"[1]"), headers={"content-encoding": "gzip"})),
    )  # fmt: skip
    assert wire.get("/").told == [1]
    wire.release()
