"""Trello's names for the fields of things, turned into ours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.sources.values import iso, mapping, number, objects, texts

Data = Mapping[str, Any]
Labels = Mapping[str, str]
Table = Mapping[str, tuple[str, Callable[[object], object]]]


class ActionIncomplete(LookupError):
    """An action lacks what its type needs; the reader keeps it as `unknown`."""


def made_at(trello_id: object) -> datetime | None:
    """When a thing was made: the first eight hex digits of a Trello id are epoch seconds."""
    if not isinstance(trello_id, str) or len(trello_id) != 24:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(trello_id[:8], 16))
    except ValueError:
        return None


def part(data: Data, name: str) -> Data:
    """The object `name` of an action; raises ActionIncomplete where it is missing."""
    found = data.get(name)
    if not isinstance(found, dict):
        raise ActionIncomplete(name)
    return found


def id_of(data: Data, name: str) -> str:
    """The id of the object `name` of an action; raises ActionIncomplete where it is missing."""
    found = part(data, name).get("id")
    if not isinstance(found, str) or not found:
        raise ActionIncomplete(f"{name}.id")
    return found


def text(value: object) -> str | None:
    """The value where it is a text."""
    return value if isinstance(value, str) else None


def flag(value: object) -> bool:
    """Whether the value is a plain yes."""
    return value is True


def _cover(value: object) -> str | None:
    cover = mapping(value)
    return text(value) or text(cover.get("idAttachment")) or text(cover.get("color"))


CARD: Table = {
    "name": ("title", text),
    "desc": ("description", text),
    "idList": ("column_id", text),
    "pos": ("position", number),
    "due": ("due_at", iso),
    "dueComplete": ("due_done", flag),
    "closed": ("archived", flag),
    "idAttachmentCover": ("cover", _cover),
    "cover": ("cover", _cover),
    "idMembers": ("member_ids", texts),
}
COLUMN: Table = {
    "name": ("title", text),
    "pos": ("position", number),
    "closed": ("archived", flag),
}
BOARD: Table = {"name": ("title", text), "closed": ("archived", flag)}


def card_fields(card: Data, labels: Labels) -> dict[str, Any]:
    """The canonical fields a Trello card object gives (an action's part of one, or a whole one)."""
    said = {ours: convert(card[theirs]) for theirs, (ours, convert) in CARD.items() if theirs in card}
    if "idLabels" in card:
        said["labels"] = [labels.get(label, label) for label in texts(card["idLabels"])]
    if isinstance(card.get("idShort"), int):
        said["human_id"] = str(card["idShort"])
    return said


def label_text(label: Data) -> str | None:
    """How people call a label: its name, or its colour where it has none."""
    return next(
        (label[key] for key in ("name", "text", "color", "value", "id") if text(label.get(key))), None
    )


def named(data: Data, table: Table) -> dict[str, Any]:
    """The fields of a column or board object, by their table."""
    return {ours: convert(data[theirs]) for theirs, (ours, convert) in table.items() if theirs in data}


def changes(new: Data, old: Data, table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of the fields that `old` says have changed."""
    keys = [key for key in table if key in old and key in new]
    before = {table[key][0]: table[key][1](old[key]) for key in keys}
    return before, {table[key][0]: table[key][1](new[key]) for key in keys}


def member_fields(member: Data) -> dict[str, Any]:
    """Name and username, where Trello gives them."""
    said = {"name": member.get("fullName") or member.get("name"), "username": member.get("username")}
    return {key: value for key, value in said.items() if text(value)}


def people_in(actions: object) -> dict[str, dict[str, Any]]:
    """Everybody who did something in these actions or whom they are about, by id."""
    found: dict[str, dict[str, Any]] = {}
    for action in objects(actions):
        for member in (mapping(action.get("memberCreator")), mapping(action.get("member"))):
            if text(member.get("id")):
                found.setdefault(member["id"], member_fields(member))
    return found


def item_fields(item: Data, checklist: object) -> dict[str, Any]:
    """The canonical fields of a check item; `checklist` is the name of the list it stands in."""
    said: dict[str, Any] = {"text": text(item.get("name")), "checklist": text(checklist)}
    if "state" in item:
        said["done"] = item["state"] == "complete"
    if "pos" in item:
        said["position"] = number(item["pos"])
    return {key: value for key, value in said.items() if value is not None}
