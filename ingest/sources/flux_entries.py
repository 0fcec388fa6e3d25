"""Flux activity entries and boards in our words. Pure; every assumption about Flux's shapes is in flux*.py."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ingest.sources.flux_fields import FIELDS, Json, differences, fields, label_text, member_id
from ingest.sources.values import instant, iso, mapping, objects
from warehouse.model import ACTIONS, Entity, EntityType, Event, Snapshot

SOURCE = "flux"
_KINDS: Mapping[str, EntityType] = {
    **{kind: kind for kind in FIELDS},
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
    before, after = differences(kind, mapping(entry.get("before")), mapping(entry.get("after")), labels or {})
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
    if entry.get("action") != "action.undone":
        return {}
    old, new = mapping(entry.get("before")), mapping(entry.get("after"))
    if bool(old.get("deletedAt")) == bool(new.get("deletedAt")):
        return {}
    return {"deleted": bool(new.get("deletedAt"))}


def _entity_type(entry: Json) -> EntityType:
    """What the entry is about, by its own word, else by its action's first word, else by its card."""
    said = str(entry.get("entityType") or "").lower()
    if known := _KINDS.get(said):
        return known
    by_action = str(entry.get("action") or "").split(".")[0]
    fallback: EntityType = "card" if isinstance(entry.get("cardId"), str) else "board"
    return _KINDS.get(re.sub(r"[^a-z]", "", said)) or _KINDS.get(by_action) or fallback


def _event_id(entry: Json, board_id: str) -> str:
    if isinstance(entry.get("id"), str) and entry["id"]:
        return str(entry["id"])
    if isinstance(entry.get("seq"), int):
        return f"{board_id}:{entry['seq']}"
    return "nameless:" + hashlib.sha256(json.dumps(dict(entry), sort_keys=True).encode()).hexdigest()


def _card_id(entry: Json, kind: EntityType) -> str | None:
    if isinstance(said := entry.get("cardId"), str) and said:
        return said
    known = [mapping(entry.get(side)).get("cardId") for side in ("after", "before")]
    if kind == "card":
        known.append(entry.get("entityId"))
    return next((found for found in known if isinstance(found, str) and found), None)


def person(member: Json) -> Entity | None:
    """A member, or an entry's actor, as a thing with a name; None where no id is told."""
    found = member_id(member)
    told = {name: value for name, value in fields("member", member, {}).items() if value}
    return Entity("member", found, told) if found else None


def names_labels(entry: Json) -> bool:
    """Whether an entry names labels, be it by their ids alone."""
    sides = (mapping(entry.get(side)) for side in ("before", "after"))
    return any(side.get("labelIds") or side.get("labels") for side in sides)


def label_names(told: Json) -> dict[str, str]:
    """The text of every label a board answer tells of, by id."""
    return _names([*objects(told.get("boardLabels")), *objects(mapping(told.get("board")).get("labels"))])


def label_named(entry: Json) -> dict[str, str]:
    """The text of the label that a `label.*` entry is about, by its id; empty for other entries."""
    if str(entry.get("entityType")).lower() != "label":
        return {}
    return _names([mapping(entry.get("after"))])


def _names(labels: list[Json]) -> dict[str, str]:
    return {
        label["id"]: label_text(label) or label["id"] for label in labels if isinstance(label.get("id"), str)
    }


def snapshot(told: Json, board_id: str, taken_at: datetime) -> Snapshot:
    """The answer of GET /api/boards/{id} as a snapshot."""
    board, labels = mapping(told.get("board")), label_names(told)
    return Snapshot(
        SOURCE,
        board_id,
        taken_at,
        (
            Entity("board", board_id, fields("board", board, {})),
            *_columns(board),
            *_cards(told, labels),
            *(found for member in objects(told.get("members")) if (found := person(member))),
        ),
    )


def _columns(board: Json) -> Iterator[Entity]:
    """Columns stand in order; done is what the column says, or that the board names it its done column."""
    for position, column in enumerate(objects(board.get("columns"))):
        if isinstance(column.get("id"), str):
            said = {"position": float(position)} | fields("column", column, {})
            if board.get("doneColumnId") == column["id"]:
                said["is_done"] = True
            yield Entity("column", column["id"], said)


def _cards(told: Json, labels: Mapping[str, str]) -> Iterator[Entity]:
    cards = told.get("cards")
    for card in objects(list(cards.values()) if isinstance(cards, dict) else cards):
        if isinstance(card.get("id"), str):
            made = {"created_at": iso(card.get("createdAt")), "created_by": card.get("createdBy")}
            known = {name: value for name, value in made.items() if isinstance(value, str)}
            yield Entity("card", card["id"], fields("card", card, labels) | known)
