"""A Trello export file as one batch: its actions as events, its lists and cards as a snapshot.

Over REST Trello is read by `connect`, its webhooks are heard by `hear`: see trello_rest.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.sources.trello_events import SOURCE, happened_at, label_names, translate
from ingest.sources.trello_fields import made_at, text
from ingest.sources.trello_rest import connect, hear
from ingest.sources.trello_snapshot import snapshot
from ingest.sources.values import instant
from warehouse.model import Batch, Event, Snapshot

__all__ = ["SOURCE", "BadExport", "batch", "connect", "hear", "read", "title"]

_NEXT_STEP = "export the board again from Trello (Menu, Print and export, Export as JSON)"


class BadExport(Exception):
    """This file is not a Trello export; nothing of it was taken."""


def read(path: Path, observed_at: datetime) -> Batch:
    """Everything an export file says; raises BadExport, naming the file and the next step."""
    return batch(_load(path), observed_at)


def batch(export: Mapping[str, Any], observed_at: datetime) -> Batch:
    """An export's actions oldest first, what must have come before them, and the board as it stood. Pure."""
    board_id, labels = export["id"], label_names(export.get("labels"))
    actions = _dated(export["actions"], instant(export.get("dateLastActivity")) or observed_at)
    events = [
        translate(action, observed_at, board_id=board_id, labels=labels, at=at) for at, action in actions
    ]
    seen = snapshot(export, max([at for at, _ in actions], default=observed_at), labels)
    return Batch((*_inferred(events, seen, observed_at), *events), seen)


def title(told: Batch) -> str:
    """What the board of a batch is called."""
    entities = told.snapshot.entities if told.snapshot else ()
    return next((str(each.fields["title"] or "") for each in entities if each.entity_type == "board"), "")


def _load(path: Path) -> dict[str, Any]:
    try:
        export = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=lambda _: None)
    except OSError as error:
        raise BadExport(
            f"cannot read {path} ({error.strerror}); give the path of a Trello export file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadExport(f"{path} is not JSON in UTF-8 ({error}); {_NEXT_STEP}") from error
    if (
        not isinstance(export, dict)
        or not text(export.get("id"))
        or not isinstance(export.get("actions"), list)
    ):
        raise BadExport(f"{path} is JSON but no Trello export: it has no `id` with `actions`; {_NEXT_STEP}")
    return _encodable(export)


def _encodable(export: dict[str, Any]) -> dict[str, Any]:
    """The export without half surrogate pairs, which JSON can spell and no database can keep."""
    told = json.dumps(export, ensure_ascii=False)
    try:
        told.encode()
    except UnicodeEncodeError:
        export = json.loads(told.encode(errors="replace"))
    return export


def _dated(actions: Iterable[object], latest: datetime) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Actions with their instants, oldest first; one without a date stands beside its neighbour in the file."""
    dated: list[tuple[datetime, Mapping[str, Any]]] = []
    at = latest
    for action in actions:  # newest first, as Trello writes them
        kept = action if isinstance(action, dict) else {"action": action}
        at = happened_at(kept) or at
        dated.append((at, kept))
    dated.reverse()  # so that what shares an instant stays in the order it happened
    dated.sort(key=lambda pair: pair[0])
    return dated


def _inferred(events: list[Event], seen: Snapshot, observed_at: datetime) -> list[Event]:
    """Creations of cards that stand on the board although the file no longer tells of their making.

    Says the column the card must have begun in as far as the file knows, and nothing of its fields:
    what they were then is not known, and what they are the snapshot says.
    """
    made = {event.card_id for event in events if event.action == "card.created"}
    first = {event.card_id: event for event in reversed(events)}
    moved = {event.card_id: event.column_from for event in reversed(events) if event.action == "card.moved"}
    found = []
    for entity in seen.entities:
        if entity.entity_type != "card" or entity.entity_id in made:
            continue
        card, earliest = entity.entity_id, first.get(entity.entity_id)
        at = made_at(card) or (earliest.occurred_at if earliest else seen.taken_at)
        if earliest and at >= earliest.occurred_at:
            at = earliest.occurred_at - timedelta(microseconds=1)
        column = moved.get(card) or entity.fields.get("column_id")
        found.append(
            Event(
                source=SOURCE,
                event_id=f"inferred:card.created:{card}",
                board_id=seen.board_id,
                action="card.created",
                entity_type="card",
                entity_id=card,
                occurred_at=at,
                observed_at=observed_at,
                card_id=card,
                column_to=column,
                inferred=True,
            )
        )
    return sorted(found, key=lambda event: event.occurred_at)
