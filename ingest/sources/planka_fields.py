"""A PLANKA board's rows in our words: ids, fields, and the board as it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.sources.values import iso, mapping, number, objects
from warehouse.model import Entity, Snapshot

SOURCE = "planka"
Json = Mapping[str, Any]
Rows = Mapping[str, list[Json]]
"""A board's rows by the names PLANKA gives their kinds (`lists`, `cards`, `tasks` …), and its `comments`."""

_FIRST_ID_AT = datetime.fromtimestamp(1567191600, UTC)
_TOO_LONG = 20  # digits; ids are 64 bits
COLUMNS = ("active", "closed")
"""The types of lists that are columns; a board also has one archive and one trash."""


def place(planka_id: object) -> int:
    """Where an id stands in the order of all ids; 0 for what is none."""
    is_id = isinstance(planka_id, str) and planka_id.isdecimal() and len(planka_id) < _TOO_LONG
    return int(str(planka_id)) if is_id else 0


def made_at(planka_id: object) -> datetime | None:
    """When an id was given: its upper bits are milliseconds since PLANKA's own epoch."""
    where = place(planka_id)
    return _FIRST_ID_AT + timedelta(milliseconds=where >> 23) if where else None


def place_at(at: datetime) -> int:
    """Where the first id of this instant would stand."""
    return max(0, (at - _FIRST_ID_AT) // timedelta(milliseconds=1)) << 23


class Lookup:
    """What rows refer to by id: the names of labels and checklists, and the cards that things are on."""

    def __init__(self, rows: Rows) -> None:
        self.labels = {
            row["id"]: text(row.get("name")) or text(row.get("color")) or row["id"]
            for row in rows_of(rows, "labels")
        }
        self.checklists = {row["id"]: row for row in rows_of(rows, "taskLists")}

    def item(self, task: Json) -> dict[str, Any]:
        """The canonical fields of a checklist item."""
        checklist = self.checklists.get(str(task.get("taskListId")), {})
        return without_nothing(
            {
                "text": text(task.get("name")),
                "checklist": text(checklist.get("name")),
                "position": number(task.get("position")),
                "card_id": text(checklist.get("cardId")),
            }
        ) | {"done": task.get("isCompleted") is True}


def snapshot(board: Json, rows: Rows, base_url: str, board_id: str, taken_at: datetime) -> Snapshot:
    """A board and its rows as a snapshot; what is in the trash is gone."""
    lookup = Lookup(rows)
    about = {"title": text(board.get("name")), "url": f"{base_url}/boards/{board_id}"}
    entities = (
        Entity("board", board_id, about),
        *(
            Entity("column", row["id"], column_fields(row))
            for row in rows_of(rows, "lists")
            if row.get("type") in COLUMNS
        ),
        *_cards(rows, lookup, base_url),
        *people(rows.get("users", [])),
        *(
            Entity("checklist_item", row["id"], lookup.item(row) | _making(row))
            for row in rows_of(rows, "tasks")
        ),
        *(
            Entity("comment", row["id"], comment_fields(row) | _making(row) | _on_card(row))
            for row in rows_of(rows, "comments")
        ),
    )
    return Snapshot(SOURCE, board_id, taken_at, entities)


def card_url(base_url: str, card_id: str) -> str:
    """Where a person finds a card."""
    return f"{base_url}/cards/{card_id}"


def people(users: Iterable[Json]) -> tuple[Entity, ...]:
    """Users by their names; their addresses and settings are none of our business."""
    found = {}
    for user in users:
        if text(user.get("id")):
            named = {"name": text(user.get("name")), "username": text(user.get("username"))}
            found[user["id"]] = Entity("member", user["id"], without_nothing(named))
    return tuple(found.values())


def _cards(rows: Rows, lookup: Lookup, base_url: str) -> Iterator[Entity]:
    types = {row["id"]: row.get("type") for row in rows_of(rows, "lists")}
    members, labels = _gathered(rows, "cardMemberships", "userId"), _gathered(rows, "cardLabels", "labelId")
    for row in rows_of(rows, "cards"):
        archived = types.get(str(row.get("listId"))) == "archive"
        fields = {
            "title": text(row.get("name")),
            "description": text(row.get("description")),
            # PLANKA's archive is a list; ours is a state of a card that keeps its column.
            "column_id": text(row.get("prevListId" if archived else "listId")),
            # No action tells a place in a column, so none is shown: each move would look like a fact untold.
            "due_at": iso(row.get("dueDate")),
            "due_done": row.get("isDueCompleted") is True,
            "archived": archived,
            "cover": text(row.get("coverAttachmentId")),
            "url": card_url(base_url, row["id"]),
            "member_ids": members.get(row["id"], []),
            "labels": [lookup.labels.get(label, label) for label in labels.get(row["id"], [])],
        }
        yield Entity("card", row["id"], fields | _making(row))


def _gathered(rows: Rows, kind: str, name: str) -> dict[str, list[str]]:
    """The ids that rows of this kind tie to each card."""
    found: dict[str, list[str]] = {}
    for row in rows.get(kind, []):
        if text(row.get("cardId")) and text(row.get(name)):
            found.setdefault(row["cardId"], []).append(row[name])
    return found


def column_fields(row: Json) -> dict[str, Any]:
    """What a list that is a column says."""
    return {
        "title": text(row.get("name")),
        "position": number(row.get("position")),
        "is_done": row.get("type") == "closed",
    }


def label_fields(row: Json) -> dict[str, Any]:
    """What a label says."""
    return {"text": text(row.get("name")), "color": text(row.get("color"))}


def comment_fields(row: Json) -> dict[str, Any]:
    """What a comment says."""
    return {"content": text(row.get("text")), "member_id": text(row.get("userId"))}


def file_fields(row: Json) -> dict[str, Any]:
    """What an attachment says; only links have an address of their own."""
    return {"name": text(row.get("name")), "url": text(mapping(row.get("data")).get("url"))}


def _on_card(row: Json) -> dict[str, Any]:
    return without_nothing({"card_id": text(row.get("cardId"))})


def _making(row: Json) -> dict[str, Any]:
    maker = text(row.get("creatorUserId")) or text(row.get("userId"))
    return without_nothing({"created_at": iso(row.get("createdAt")), "created_by": maker})


def rows_of(rows: Rows, kind: str) -> Iterator[Json]:
    """The rows of a kind that have an id."""
    return (row for row in objects(rows.get(kind)) if text(row.get("id")))


def without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def text(value: object) -> str | None:
    """The value where it is a text that says something."""
    return value if isinstance(value, str) and value else None
