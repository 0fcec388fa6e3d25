"""Flux activity entries and boards in our words. Pure; every assumption about Flux's shapes is in here and in flux.py."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ingest.sources.values import delta, instant, iso, mapping, number, objects, texts
from warehouse.model import ACTIONS, Entity, EntityType, Event, Snapshot

SOURCE = "flux"
Json = Mapping[str, Any]
Table = Mapping[str, tuple[str, Callable[[object], object]]]


def _same(value: object) -> object:
    return value


def _id(value: object) -> object:
    return value if isinstance(value, str) else None


def _number(value: object) -> object:
    return number(value)


_CARD: Table = {
    "title": ("title", _same),
    "description": ("description", _same),
    "columnId": ("column_id", _id),
    "position": ("position", _number),
    "dueDate": ("due_at", iso),
    "dueDone": ("due_done", bool),
    "archivedAt": ("archived", bool),
    "url": ("url", _same),
    "humanId": ("human_id", _same),
    "coverUrl": ("cover", _same),
}
_FIELDS: Mapping[EntityType, Table] = {
    "board": {"title": ("title", _same), "url": ("url", _same), "archivedAt": ("archived", bool)},
    "column": {
        "title": ("title", _same),
        "position": ("position", _number),
        "isDone": ("is_done", bool),
        "archivedAt": ("archived", bool),
    },
    "card": _CARD,
    "comment": {"content": ("content", _same), "parentId": ("parent_id", _same)},
    "checklist_item": {
        "text": ("text", _same),
        "done": ("done", bool),
        "position": ("position", _number),
        "checklist": ("checklist", _same),
    },
    "member": {"name": ("name", _same), "username": ("username", _same), "kind": ("kind", _same)},
    "attachment": {
        "fileName": ("name", _same),
        "name": ("name", _same),
        "fileUrl": ("url", _same),
        "url": ("url", _same),
    },
    "label": {},
}
_KINDS: Mapping[str, EntityType] = {
    **{kind: kind for kind in _FIELDS},
    "checklist": "checklist_item",
    "checklistitem": "checklist_item",
    "user": "member",
}


def translate(
    entry: Json, observed_at: datetime, *, board_id: str, labels: Mapping[str, str] | None = None
) -> Event:
    """One activity entry as an event; `labels` gives the text of each label id the entry may name.

    `before` and `after` of an entry are whole things; of an event, the fields that differ. An action we
    have no word for becomes `unknown`. The entry is kept as payload in any case.
    """
    kind = _entity_type(entry)
    old, new = (_fields(kind, mapping(entry.get(side)), labels or {}) for side in ("before", "after"))
    before = {name: value for name, value in old.items() if name in new and new[name] != value}
    after = {name: value for name, value in new.items() if name not in old or old[name] != value}
    for name in ("member_ids", "labels"):
        gone, come = delta(name, old.get(name, []), new.get(name, old.get(name, [])))
        before = {key: value for key, value in before.items() if key != name} | gone
        after = {key: value for key, value in after.items() if key != name} | come
    action = _action(entry, before, after)
    entity_id = entry.get("entityId")
    return Event(
        source=SOURCE,
        event_id=_event_id(entry, board_id),
        board_id=board_id,
        action=action,
        entity_type=kind,
        entity_id=entity_id if isinstance(entity_id, str) else None,
        occurred_at=instant(entry.get("createdAt")) or observed_at,
        observed_at=observed_at,
        card_id=_card_id(entry, kind),
        actor_id=member_id(mapping(entry.get("actor"))),
        column_from=before.get("column_id") if kind == "card" else None,
        column_to=after.get("column_id") if kind == "card" else None,
        before=before,
        after=after | _undone_deletion(entry),
        payload=entry,
    )


def _action(entry: Json, before: Json, after: Json) -> str:
    """The entry's word, but a card that changes its column has moved, and one that does not has not."""
    said = entry.get("action")
    action = said if isinstance(said, str) and said in ACTIONS else "unknown"
    if action in ("card.updated", "card.reordered") and before.get("column_id") and after.get("column_id"):
        return "card.moved"
    if action == "card.moved" and "column_id" not in after:
        return "card.reordered"
    return action


def _undone_deletion(entry: Json) -> dict[str, Any]:
    """Undoing may bring a thing back or take it away; other entries say that by their action."""
    old, new = mapping(entry.get("before")), mapping(entry.get("after"))
    if entry.get("action") != "action.undone" or bool(old.get("deletedAt")) == bool(new.get("deletedAt")):
        return {}
    return {"deleted": bool(new.get("deletedAt"))}


def _entity_type(entry: Json) -> EntityType:
    """What the entry is about, by its own word, else by its action's first word, else by its card."""
    said = str(entry.get("entityType") or "").lower()
    by_action = str(entry.get("action") or "").split(".")[0]
    fallback: EntityType = "card" if isinstance(entry.get("cardId"), str) else "board"
    return _KINDS.get(said) or _KINDS.get(re.sub(r"[^a-z]", "", said)) or _KINDS.get(by_action) or fallback


def _event_id(entry: Json, board_id: str) -> str:
    if isinstance(entry.get("id"), str) and entry["id"]:
        return str(entry["id"])
    if isinstance(entry.get("seq"), int):
        return f"{board_id}:{entry['seq']}"
    return "nameless:" + hashlib.sha256(json.dumps(dict(entry), sort_keys=True).encode()).hexdigest()


def _card_id(entry: Json, kind: EntityType) -> str | None:
    known = [
        entry.get("cardId"),
        mapping(entry.get("after")).get("cardId"),
        mapping(entry.get("before")).get("cardId"),
    ]
    if kind == "card":
        known.append(entry.get("entityId"))
    return next((found for found in known if isinstance(found, str) and found), None)


def _fields(kind: EntityType, thing: Json, labels: Mapping[str, str]) -> dict[str, Any]:
    said = {
        ours: convert(thing[theirs]) for theirs, (ours, convert) in _FIELDS[kind].items() if theirs in thing
    }
    if kind == "card":
        said |= _assignees(thing) | _labels(thing, labels)
    return said


def _assignees(card: Json) -> dict[str, list[str]]:
    """Assignees come as ids or as whole members, under either name; not named is not said."""
    for key in ("assigneeIds", "assignees"):
        if isinstance(card.get(key), list):
            return {
                "member_ids": texts(
                    [member_id(each) if isinstance(each, dict) else each for each in card[key]]
                )
            }
    return {}


def _labels(card: Json, names: Mapping[str, str]) -> dict[str, list[str]]:
    """Labels come as `labelIds`, or as `labels` of ids or of objects; ours are their texts."""
    for key in ("labelIds", "labels"):
        if isinstance(card.get(key), list):
            told = [
                label_text(each) if isinstance(each, dict) else names.get(str(each), each)
                for each in card[key]
            ]
            return {"labels": texts(told)}
    return {}


def label_text(label: Json) -> str | None:
    """How people call a label."""
    return next(
        (
            label[key]
            for key in ("text", "name", "title", "color", "id")
            if isinstance(label.get(key), str) and label[key]
        ),
        None,
    )


def member_id(member: Json) -> str | None:
    """Members are told with `id` or with `userId`."""
    found = member.get("id") or member.get("userId")
    return found if isinstance(found, str) else None


def person(member: Json) -> Entity | None:
    """A member, or an entry's actor, as a thing with a name; None where no id is told."""
    found = member_id(member)
    told = {name: value for name, value in _fields("member", member, {}).items() if value}
    return Entity("member", found, told) if found else None


def label_names(told: Json) -> dict[str, str]:
    """The text of every label a board answer or a `label.*` entry tells of, by id."""
    found = [*objects(told.get("boardLabels")), *objects(mapping(told.get("board")).get("labels"))]
    if str(told.get("entityType")).lower() == "label":
        found.append(mapping(told.get("after")))
    return {
        label["id"]: label_text(label) or label["id"] for label in found if isinstance(label.get("id"), str)
    }


def snapshot(told: Json, board_id: str, taken_at: datetime) -> Snapshot:
    """The answer of GET /api/boards/{id} as a snapshot."""
    board, labels = mapping(told.get("board")), label_names(told)
    return Snapshot(
        SOURCE,
        board_id,
        taken_at,
        (
            Entity("board", board_id, _fields("board", board, {})),
            *_columns(board),
            *_cards(told, labels),
            *(found for member in objects(told.get("members")) if (found := person(member))),
        ),
    )


def _columns(board: Json) -> Iterator[Entity]:
    """Columns stand in order; done is what the column says, or that the board names it its done column."""
    for position, column in enumerate(objects(board.get("columns"))):
        if isinstance(column.get("id"), str):
            fields = {"position": float(position)} | _fields("column", column, {})
            if board.get("doneColumnId") == column["id"]:
                fields["is_done"] = True
            yield Entity("column", column["id"], fields)


def _cards(told: Json, labels: Mapping[str, str]) -> Iterator[Entity]:
    cards = told.get("cards")
    for card in objects(list(cards.values()) if isinstance(cards, dict) else cards):
        if isinstance(card.get("id"), str):
            made = {"created_at": iso(card.get("createdAt")), "created_by": card.get("createdBy")}
            known = {name: value for name, value in made.items() if isinstance(value, str)}
            yield Entity("card", card["id"], _fields("card", card, labels) | known)
