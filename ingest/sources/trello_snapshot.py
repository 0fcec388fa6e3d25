"""A Trello board as its export shows it: lists, cards, people, checklists, comments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.sources.trello_fields import (
    COLUMN,
    card_fields,
    item_fields,
    label_text,
    made_at,
    member_fields,
    named,
    people_in,
    text,
)
from ingest.sources.values import instant, mapping, objects
from warehouse.model import Entity, Snapshot


def snapshot(export: Mapping[str, Any], newest_at: datetime, labels: Mapping[str, str]) -> Snapshot:
    """Everything the export shows, as of the board's last activity; `newest_at` is its newest action's instant."""
    taken_at = max(instant(export.get("dateLastActivity")) or newest_at, newest_at).astimezone(UTC)
    board = {
        "title": text(export.get("name")),
        "url": text(export.get("url")),
        "archived": export.get("closed") is True,
    }
    entities = [
        Entity("board", export["id"], board),
        *_columns(export),
        *_cards(export, labels),
        *_members(export),
        *_checklists(export),
    ]
    return Snapshot("trello", export["id"], taken_at, tuple(entities))


def _known(export: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for thing in objects(export.get(key)):
        if text(thing.get("id")):
            yield thing["id"], thing


def _columns(export: Mapping[str, Any]) -> Iterator[Entity]:
    for column_id, column in _known(export, "lists"):
        yield Entity("column", column_id, named(column, COLUMN))


def _cards(export: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Entity]:
    makers = {
        text(mapping(mapping(action.get("data")).get("card")).get("id")): text(action.get("idMemberCreator"))
        for action in objects(export["actions"])
        if action.get("type") in ("createCard", "copyCard", "emailCard", "convertToCardFromCheckItem")
    }
    for card_id, card in _known(export, "cards"):
        fields = card_fields(card, labels) | {"url": text(card.get("url"))}
        if objects(card.get("labels")):
            fields["labels"] = [label_text(label) for label in objects(card["labels"])]
        maker = makers.get(card_id) or text(card.get("idMemberCreator"))
        made = made_at(card_id)
        fields |= {"created_at": made.isoformat()} if made else {}
        yield Entity("card", card_id, fields | ({"created_by": maker} if maker else {}))


def _members(export: Mapping[str, Any]) -> Iterator[Entity]:
    """Everybody who is or was on the board: people who left live on in the actions."""
    known = {member_id: member_fields(member) for member_id, member in _known(export, "members")}
    people = people_in(export["actions"]) | known
    return (Entity("member", member_id, fields) for member_id, fields in people.items())


def _checklists(export: Mapping[str, Any]) -> Iterator[Entity]:
    for _, checklist in _known(export, "checklists"):
        for item_id, item in _known(checklist, "checkItems"):
            fields = item_fields(item, checklist.get("name")) | {"card_id": text(checklist.get("idCard"))}
            yield Entity("checklist_item", item_id, fields)
