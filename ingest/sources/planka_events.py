"""PLANKA's actions and rows in our words. Pure.

PLANKA's log (its actions) tells six kinds of things. Other things leave a row with an id and the instant it was made:
that they came to be is a fact as exact as an action. Ids come from one clock, so actions and rows have one order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ingest.sources.planka_fields import (
    COLUMNS,
    SOURCE,
    Json,
    Lookup,
    Rows,
    card_url,
    column_fields,
    comment_fields,
    file_fields,
    label_fields,
    made_at,
    place,
    rows_of,
    text,
    without_nothing,
)
from ingest.sources.values import instant, mapping
from warehouse.model import EntityType, Event


@dataclass(frozen=True, slots=True)
class _Said:
    """What an action or a row says in canonical words, before it is told when and by whom."""

    action: str
    entity_type: EntityType
    entity_id: str | None
    card_id: str | None = None
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    column_from: str | None = None
    column_to: str | None = None
    actor_id: str | None = None


# actions -----------------------------------------------------------------------------------------


def translate(action: Json, observed_at: datetime, *, board_id: str, base_url: str = "") -> Event:
    """One action as an event; one we have no word for, or that lacks what its type needs, becomes `unknown`.

    With `base_url` a new card is told with its address, which the log leaves out.
    """
    card_id = text(action.get("cardId"))
    teller = _ACTIONS.get(action["type"]) if isinstance(action.get("type"), str) else None
    said = teller(card_id, mapping(action.get("data"))) if teller and card_id else None
    if said is None:
        said = _Said("unknown", "card" if card_id else "board", card_id or board_id, card_id)
    elif said.action == "card.created" and base_url:
        said = replace(said, after={**said.after, "url": card_url(base_url, str(card_id))})
    return _event(said, action, _event_id(action), text(action.get("userId")), observed_at, board_id)


def _card_created(card_id: str, data: Json) -> _Said:
    title, column = text(mapping(data.get("card")).get("name")), text(mapping(data.get("list")).get("id"))
    after = without_nothing({"title": title, "column_id": column})
    return _Said("card.created", "card", card_id, card_id, {}, after, None, column)


def _card_moved(card_id: str, data: Json) -> _Said | None:
    """A move between columns; into the archive or the trash and out of them, which are lists to PLANKA."""
    left, reached = mapping(data.get("fromList")), mapping(data.get("toList"))
    column_from, column_to = _column(left), _column(reached)
    kinds = (left.get("type"), reached.get("type"))
    if not text(left.get("id")) or not text(reached.get("id")):
        return None
    if kinds[1] == "trash":
        return _Said("card.deleted", "card", card_id, card_id)
    if kinds[1] == "archive" and kinds[0] != "trash":
        return _Said("card.archived", "card", card_id, card_id, {"archived": False}, {"archived": True})
    word = {"trash": "restored", "archive": "unarchived"}.get(str(kinds[0]), "moved")
    before = {"archived": True} if word == "unarchived" else without_nothing({"column_id": column_from})
    after: dict[str, Any] = {} if word == "moved" else {"archived": kinds[1] == "archive"}
    after |= {"column_id": column_to} if column_to else {}
    return _Said(f"card.{word}", "card", card_id, card_id, before, after, column_from, column_to)


def _assignment(word: str) -> Callable[[str, Json], _Said | None]:
    def tell(card_id: str, data: Json) -> _Said | None:
        member = text(mapping(data.get("user")).get("id"))
        facts = {"member_ids": [member]}
        before, after = (facts, {}) if word == "unassigned" else ({}, facts)
        return _Said(f"card.{word}", "card", card_id, card_id, before, after) if member else None

    return tell


def _ticking(word: str) -> Callable[[str, Json], _Said | None]:
    def tell(card_id: str, data: Json) -> _Said | None:
        task, done = mapping(data.get("task")), word == "checked"
        before, after = (
            {"done": not done},
            without_nothing({"text": text(task.get("name"))}) | {"done": done},
        )
        found = text(task.get("id"))
        return _Said(f"checklist.{word}", "checklist_item", found, card_id, before, after) if found else None

    return tell


_ACTIONS: Mapping[str, Callable[[str, Json], _Said | None]] = {
    "createCard": _card_created,
    "moveCard": _card_moved,
    "addMemberToCard": _assignment("assigned"),
    "removeMemberFromCard": _assignment("unassigned"),
    "completeTask": _ticking("checked"),
    "uncompleteTask": _ticking("unchecked"),
}


# rows --------------------------------------------------------------------------------------------


def creations(rows: Rows, since: int, observed_at: datetime, *, board_id: str) -> Iterator[Event]:
    """The things that came to be at or after the place `since`, of those that no action tells of."""
    lookup = Lookup(rows)
    for kind, teller in _ROWS.items():
        for row in rows_of(rows, kind):
            said = teller(row, lookup) if place(row["id"]) >= since else None
            if said:
                name = f"{kind}:{row['id']}"
                yield _event(said, row, name, said.actor_id, observed_at, board_id)


def _list_row(row: Json, _: Lookup) -> _Said | None:
    return (
        _Said("column.created", "column", row["id"], None, {}, column_fields(row))
        if row.get("type") in COLUMNS
        else None
    )


def _label_row(row: Json, _: Lookup) -> _Said | None:
    return _Said("label.created", "label", row["id"], None, {}, label_fields(row))


def _task_row(row: Json, lookup: Lookup) -> _Said | None:
    item = lookup.item(row)
    return _Said("checklist.created", "checklist_item", row["id"], item.get("card_id"), {}, item)


def _comment_row(row: Json, _: Lookup) -> _Said | None:
    card, member = text(row.get("cardId")), text(row.get("userId"))
    return _Said("comment.created", "comment", row["id"], card, {}, comment_fields(row), actor_id=member)


def _card_label_row(row: Json, lookup: Lookup) -> _Said | None:
    card, label = text(row.get("cardId")), lookup.labels.get(str(row.get("labelId")))
    return _Said("card.labeled", "card", card, card, {}, {"labels": [label]}) if card and label else None


def _attachment_row(row: Json, _: Lookup) -> _Said | None:
    card, member = text(row.get("cardId")), text(row.get("creatorUserId"))
    return _Said("attachment.created", "attachment", row["id"], card, {}, file_fields(row), actor_id=member)


def _membership_row(row: Json, _: Lookup) -> _Said | None:
    member = text(row.get("userId"))
    return _Said("member.joined", "member", member) if member else None


_ROWS: Mapping[str, Callable[[Json, Lookup], _Said | None]] = {
    "boardMemberships": _membership_row,
    "lists": _list_row,
    "labels": _label_row,
    "cardLabels": _card_label_row,
    "tasks": _task_row,
    "attachments": _attachment_row,
    "comments": _comment_row,
}


def _event(
    said: _Said, told: Json, event_id: str, actor_id: str | None, observed_at: datetime, board_id: str
) -> Event:
    return Event(
        source=SOURCE,
        event_id=event_id,
        board_id=board_id,
        action=said.action,
        entity_type=said.entity_type,
        entity_id=said.entity_id,
        occurred_at=instant(told.get("createdAt")) or made_at(told.get("id")) or observed_at,
        observed_at=observed_at,
        card_id=said.card_id,
        actor_id=actor_id,
        column_from=said.column_from,
        column_to=said.column_to,
        before=said.before,
        after=said.after,
        payload=told,
    )


def _column(told: Json) -> str | None:
    return text(told.get("id")) if told.get("type") not in ("archive", "trash") else None


def _event_id(told: Json) -> str:
    return text(told.get("id")) or (
        "nameless:" + hashlib.sha256(json.dumps(dict(told), sort_keys=True).encode()).hexdigest()
    )
