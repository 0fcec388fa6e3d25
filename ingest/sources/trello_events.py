"""A Trello action as an event, whoever hands it over: an export, the REST API or a webhook. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.sources.trello_actions import say, unknown
from ingest.sources.trello_fields import ActionIncomplete, Labels, label_text, made_at, text
from ingest.sources.values import instant, mapping, objects
from warehouse.model import Event

SOURCE = "trello"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def translate(
    action: Mapping[str, Any],
    observed_at: datetime,
    *,
    board_id: str,
    labels: Labels | None = None,
    at: datetime | None = None,
) -> Event:
    """One action as an event; one that cannot be read is `unknown`. The action is kept as payload in any case.

    `labels` gives the text of each label id. An action that does not say when it happened happened `at`,
    or when the board was made: told again, it must be the same instant again.
    """
    try:
        said = say(action, labels or {})
    except ActionIncomplete:
        said = unknown(action)
    return Event(
        source=SOURCE,
        event_id=_event_id(action),
        board_id=board_id,
        action=said.action,
        entity_type=said.entity_type,
        entity_id=said.entity_id or (board_id if said.entity_type == "board" else None),
        occurred_at=happened_at(action) or at or made_at(board_id) or EPOCH,
        observed_at=observed_at,
        card_id=text(mapping(mapping(action.get("data")).get("card")).get("id")),
        actor_id=text(action.get("idMemberCreator")) or text(mapping(action.get("memberCreator")).get("id")),
        column_from=said.column_from,
        column_to=said.column_to,
        before=said.before,
        after=said.after,
        payload=action,
    )


def happened_at(action: Mapping[str, Any]) -> datetime | None:
    """When it happened, by its date or else by its id."""
    return instant(action.get("date")) or made_at(action.get("id"))


def label_names(told: object) -> dict[str, str]:
    """The text of each label in a list of them, by id."""
    return {label["id"]: label_text(label) or label["id"] for label in objects(told) if text(label.get("id"))}


def names_labels(action: Mapping[str, Any]) -> bool:
    """Whether the action tells of labels by their ids alone."""
    return "idLabels" in mapping(mapping(action.get("data")).get("old"))


def _event_id(action: Mapping[str, Any]) -> str:
    return text(action.get("id")) or "nameless:" + hashlib.sha256(json.dumps(action).encode()).hexdigest()
