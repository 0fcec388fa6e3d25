"""Which event each Flux activity entry becomes, and the shapes of Flux that are put up with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.sources.flux_entries import snapshot, translate
from warehouse.model import ACTIONS

BOARD = "b-1"
NAMES = {"l-1": "Urgent", "l-2": "Soil"}
CARD = {
    "id": "c-1",
    "humanId": "GA-1",
    "boardId": BOARD,
    "columnId": "todo",
    "title": "Tulips",
    "description": None,
    "position": 1024.0,
    "assigneeIds": ["ana"],
    "labelIds": ["l-1"],
    "dueDate": None,
    "coverUrl": None,
    "archivedAt": None,
    "version": 1,
}


def entry(
    action: str, kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None, **more: Any
) -> dict[str, Any]:
    return {
        "seq": 4,
        "id": "e-4",
        "boardId": BOARD,
        "cardId": "c-1",
        "actor": {"id": "ben", "name": "Ben", "kind": "human"},
        "action": action,
        "entityType": kind,
        "entityId": "c-1" if kind == "card" else "x-1",
        "before": before,
        "after": after,
        "createdAt": "2026-03-02T10:00:00.000+01:00",
    } | more


def on_card(action: str, **changes: Any) -> dict[str, Any]:
    return entry(action, "card", CARD, CARD | changes)


COMMENT = {"id": "x-1", "content": "Wet", "parentId": None, "userId": "ben", "cardId": "c-1"}
ITEM = {"id": "x-1", "text": "Dig", "done": False, "position": 0}
COLUMN = {"id": "x-1", "title": "Planted", "position": 1, "isDone": False}
WHOLE = {
    "title": "Tulips",
    "description": None,
    "column_id": "todo",
    "position": 1024.0,
    "due_at": None,
    "archived": False,
    "human_id": "GA-1",
    "cover": None,
    "member_ids": ["ana"],
    "labels": ["Urgent"],
}

TABLE = [
    (entry("card.created", "card", None, CARD), ("card.created", {}, WHOLE)),
    (
        on_card("card.updated", title="Roses", version=2),
        ("card.updated", {"title": "Tulips"}, {"title": "Roses"}),
    ),
    (
        on_card("card.updated", dueDate="2026-03-09T09:00:00+01:00"),
        ("card.updated", {"due_at": None}, {"due_at": "2026-03-09T08:00:00+00:00"}),
    ),
    (
        on_card("card.moved", columnId="done", position=1.0),
        ("card.moved", {"column_id": "todo", "position": 1024.0}, {"column_id": "done", "position": 1.0}),
    ),
    (on_card("card.updated", columnId="done"), ("card.moved", {"column_id": "todo"}, {"column_id": "done"})),
    (on_card("card.moved", position=2.0), ("card.reordered", {"position": 1024.0}, {"position": 2.0})),
    (on_card("card.reordered", position=2.0), ("card.reordered", {"position": 1024.0}, {"position": 2.0})),
    (
        on_card("card.archived", archivedAt="2026-03-02T09:00:00Z"),
        ("card.archived", {"archived": False}, {"archived": True}),
    ),
    (on_card("card.deleted", deletedAt="2026-03-02T09:00:00Z"), ("card.deleted", {}, {})),
    (entry("card.deleted", "card", CARD, None), ("card.deleted", {}, {})),
    (on_card("card.assigned", assigneeIds=["ana", "ben"]), ("card.assigned", {}, {"member_ids": ["ben"]})),
    (on_card("card.unassigned", assigneeIds=[]), ("card.unassigned", {"member_ids": ["ana"]}, {})),
    (on_card("card.labeled", labelIds=["l-1", "l-2"]), ("card.labeled", {}, {"labels": ["Soil"]})),
    (on_card("card.unlabeled", labelIds=[]), ("card.unlabeled", {"labels": ["Urgent"]}, {})),
    (
        entry("comment.created", "comment", None, COMMENT),
        ("comment.created", {}, {"content": "Wet", "parent_id": None}),
    ),
    (
        entry("comment.updated", "comment", COMMENT, COMMENT | {"content": "Dry"}),
        ("comment.updated", {"content": "Wet"}, {"content": "Dry"}),
    ),
    (
        entry("checklist.checked", "checklist_item", ITEM, ITEM | {"done": True}),
        ("checklist.checked", {"done": False}, {"done": True}),
    ),
    (
        entry("checklist.created", "checklist", None, ITEM),
        ("checklist.created", {}, {"text": "Dig", "done": False, "position": 0.0}),
    ),
    (
        entry("column.created", "column", None, COLUMN, cardId=None),
        ("column.created", {}, {"title": "Planted", "position": 1.0, "is_done": False}),
    ),
    (
        entry("column.updated", "column", COLUMN, COLUMN | {"isDone": True}, cardId=None),
        ("column.updated", {"is_done": False}, {"is_done": True}),
    ),
    (
        entry("board.updated", "board", {"title": "Yard"}, {"title": "Garden"}, cardId=None),
        ("board.updated", {"title": "Yard"}, {"title": "Garden"}),
    ),
    (
        entry(
            "action.undone", "card", CARD | {"deletedAt": "2026-03-02T09:00:00Z"}, CARD | {"deletedAt": None}
        ),
        ("action.undone", {}, {"deleted": False}),
    ),
    (on_card("card.voted", votes=3), ("unknown", {}, {})),
    (entry("sprint.started", "sprint", None, {"id": "s"}), ("unknown", {}, {})),
    ({"seq": 9}, ("unknown", {}, {})),
]


@pytest.mark.parametrize(
    ("told", "meant"), TABLE, ids=[f"{n}-{row[0].get('action')}" for n, row in enumerate(TABLE)]
)
def test_an_entry_becomes_its_event(told, meant, now):
    event = translate(told, now, board_id=BOARD, labels=NAMES)

    assert (event.action, event.before, event.after) == meant
    assert event.action in ACTIONS
    assert event.payload == told


def test_an_event_says_who_when_where(now):
    event = translate(on_card("card.moved", columnId="done"), now, board_id=BOARD)

    assert (event.source, event.event_id, event.actor_id, event.card_id) == ("flux", "e-4", "ben", "c-1")
    assert (event.column_from, event.column_to) == ("todo", "done")
    assert event.occurred_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert event.observed_at == now


def test_entries_without_an_id_are_told_apart_by_board_and_seq(now):
    assert translate({"seq": 9}, now, board_id=BOARD).event_id == f"{BOARD}:9"


MINIMAL = {"id": "c-1", "title": "Tulips", "columnId": "done"}


@pytest.mark.parametrize(
    ("card", "labels"),
    [
        (MINIMAL | {"labelIds": ["l-1"]}, ["Urgent"]),
        (MINIMAL | {"labels": ["l-1"]}, ["Urgent"]),
        (MINIMAL | {"labels": [{"id": "l-9", "text": "Own"}]}, ["Own"]),
        (MINIMAL, None),
    ],
)
def test_labels_of_a_card_are_understood_however_they_come(card, labels, now):
    told = {
        "board": {"columns": []},
        "cards": {"c-1": card},
        "boardLabels": [{"id": "l-1", "text": "Urgent"}],
    }
    (found,) = [each for each in snapshot(told, BOARD, now).entities if each.entity_type == "card"]
    assert found.fields.get("labels") == labels


def test_members_come_by_id_or_user_id_and_done_by_column_or_board(now):
    told = {
        "board": {
            "title": "Garden",
            "doneColumnId": "done",
            "columns": [{"id": "todo"}, {"id": "done", "isDone": False}],
        },
        "cards": [MINIMAL],
        "members": [
            {"id": "ana", "name": "Ana"},
            {"userId": "ben", "name": "Ben", "kind": "bot"},
            {"name": "nobody"},
        ],
    }
    fields = {each.entity_id: each.fields for each in snapshot(told, BOARD, now).entities}
    assert fields["ana"] == {"name": "Ana"}
    assert fields["ben"] == {"name": "Ben", "kind": "bot"}
    assert (fields["todo"].get("is_done"), fields["done"]["is_done"]) == (None, True)
    assert fields["c-1"] == {"title": "Tulips", "column_id": "done"}
