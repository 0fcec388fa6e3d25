"""One entry of a Kanboard project's activity to one event, by a table of its kinds. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.kanboard_fields import (
    SOURCE,
    Json,
    comment_fields,
    key,
    naming,
    subtask_fields,
    task_fields,
    text,
)
from ingest.sources.values import delta, instant, mapping
from warehouse.model import Entity, EntityType, Event

Memory = MutableMapping[tuple[EntityType, str], Json]
"""What earlier entries said of each thing: an entry tells how its task is, seldom how it was."""

_LEFT_OUT = ("event_title", "event_content", "author", "email", "avatar_path")
"""Parts of an entry that are its rendering, or nobody's business."""

_BACK = {"deleted": False}
"""What a creation says beside the thing: on SQLite Kanboard gives the id of what was deleted last to what comes next."""

_TURNS_IN_A_SECOND = 100_000


def translate(
    entry: Json, observed_at: datetime, *, board_id: str, base_url: str = "", memory: Memory | None = None
) -> Event:
    """One entry as an event; one we have no word for, or that lacks what its kind needs, becomes `unknown`.

    With `base_url` a new card is told with its address. `memory` gives what earlier entries said, and takes what
    this one says.
    """
    kind, task = entry.get("event_name"), mapping(entry.get("task"))
    card_id = key(entry.get("task_id")) or key(task.get("id"))
    teller = _TELLERS.get(kind) if isinstance(kind, str) else None
    scene = _Scene(entry, task, card_id or "", base_url, memory if memory is not None else {})
    said = teller(scene) if teller and card_id else None
    if said is None:
        said = _Said("unknown", "card" if card_id else "board", card_id or board_id)
    scene.remember()
    return Event(
        source=SOURCE,
        event_id=key(entry.get("id")) or _nameless(entry),
        board_id=board_id,
        action=said.action,
        entity_type=said.entity_type,
        entity_id=said.entity_id,
        occurred_at=_occurred_at(entry) or observed_at,
        observed_at=observed_at,
        card_id=card_id,
        actor_id=key(entry.get("creator_id")),
        column_from=said.column_from,
        column_to=said.column_to,
        before=said.before,
        after=said.after,
        payload={name: _without_mail(value) for name, value in entry.items() if name not in _LEFT_OUT},
    )


def author(entry: Json) -> Entity | None:
    """Who did what an entry tells, with a name."""
    member_id = key(entry.get("creator_id"))
    named = {"name": text(entry.get("author_name")), "username": text(entry.get("author_username"))}
    return Entity("member", member_id, {k: v for k, v in named.items() if v}) if member_id else None


@dataclass(frozen=True, slots=True)
class _Said:
    """What an entry says in canonical words, before it is told when and by whom."""

    action: str
    entity_type: EntityType
    entity_id: str | None
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    column_from: str | None = None
    column_to: str | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    """An entry with its task, and what was said of things before it."""

    entry: Json
    task: Json
    card_id: str
    base_url: str
    memory: Memory

    def was(self, kind: EntityType, found: str) -> Json:
        """What earlier entries said of a thing; empty where they said nothing."""
        return self.memory.get((kind, found), {})

    def remember(self) -> None:
        """Take what this entry says of its task and subtask."""
        if self.card_id and self.task:
            self.memory["card", self.card_id] = task_fields(self.task)
        subtask = mapping(self.entry.get("subtask"))
        if found := key(subtask.get("id")):
            self.memory["checklist_item", found] = subtask_fields(subtask)


Teller = Callable[[_Scene], _Said | None]


# cards -------------------------------------------------------------------------------------------


def _card_created(scene: _Scene) -> _Said:
    after = _without_empty(task_fields(scene.task)) | _BACK
    if scene.base_url:
        after |= naming(scene.base_url, scene.card_id)
    return _Said("card.created", "card", scene.card_id, {}, after, None, after.get("column_id"))


def _card_updated(scene: _Scene) -> _Said:
    """Kanboard names what changed with its new values; what they were is known where an earlier entry said it."""
    after = task_fields(mapping(scene.entry.get("changes")))
    was = scene.was("card", scene.card_id)
    before = {name: was[name] for name in after if name in was}
    before, after = _owner_as_delta(before, after)
    return _Said("card.updated", "card", scene.card_id, before, after)


def _card_assigned(scene: _Scene) -> _Said:
    """A card has one owner: who takes it over takes it from somebody, where an earlier entry says from whom."""
    after = {"member_ids": task_fields(scene.task).get("member_ids", [])}
    was = scene.was("card", scene.card_id)
    before, after = _owner_as_delta({name: was[name] for name in after if name in was}, after)
    return _Said(f"card.{'assigned' if after else 'unassigned'}", "card", scene.card_id, before, after)


def _owner_as_delta(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if "member_ids" not in after:
        return before, after
    gone, come = delta("member_ids", before.pop("member_ids", []), after.pop("member_ids"))
    return before | gone, after | come


def _card_moved(scene: _Scene) -> _Said | None:
    column_from, column_to = key(scene.entry.get("src_column_id")), key(scene.entry.get("dst_column_id"))
    if not column_to:
        return None
    before, after = {"column_id": column_from}, {"column_id": column_to, **_place(scene)}
    return _Said("card.moved", "card", scene.card_id, before, after, column_from, column_to)


def _card_came(scene: _Scene) -> _Said:
    """From another project: it is the same card, and it now stands in a column of this one."""
    after = _without_empty(task_fields(scene.task))
    return _Said("card.moved", "card", scene.card_id, {}, after, None, after.get("column_id"))


def _card_reordered(scene: _Scene) -> _Said:
    return _Said("card.reordered", "card", scene.card_id, {}, _place(scene))


def _place(scene: _Scene) -> dict[str, Any]:
    position = task_fields({"position": scene.task.get("position")})["position"]
    return {} if position is None else {"position": position}


def _closing(word: str) -> Teller:
    is_closed = word == "archived"
    before, after = {"archived": not is_closed}, {"archived": is_closed}
    return lambda scene: _Said(f"card.{word}", "card", scene.card_id, before, after)


# what is on cards --------------------------------------------------------------------------------


def _comment(word: str) -> Teller:
    def tell(scene: _Scene) -> _Said | None:
        comment = mapping(scene.entry.get("comment"))
        found, fields = key(comment.get("id")), comment_fields(comment)
        before, after = (fields, {}) if word == "deleted" else ({}, fields | _born(word))
        return _Said(f"comment.{word}", "comment", found, before, after) if found else None

    return tell


def _subtask(word: str) -> Teller:
    def tell(scene: _Scene) -> _Said | None:
        subtask = mapping(scene.entry.get("subtask"))
        found, fields = key(subtask.get("id")), subtask_fields(subtask) | {"card_id": scene.card_id}
        before, after = (fields, {}) if word == "deleted" else ({}, fields | _born(word))
        return _Said(f"checklist.{word}", "checklist_item", found, before, after) if found else None

    return tell


def _subtask_updated(scene: _Scene) -> _Said | None:
    """What an entry calls changed is wrong (always nothing), so it is held against what earlier entries said."""
    subtask = mapping(scene.entry.get("subtask"))
    found, now = key(subtask.get("id")), subtask_fields(subtask)
    if not found:
        return None
    was = scene.was("checklist_item", found) or {"done": False}
    before = {name: value for name, value in was.items() if now.get(name) != value}
    word = "updated" if "done" not in before else ("checked" if now["done"] else "unchecked")
    return _Said(f"checklist.{word}", "checklist_item", found, before, now)


def _file(word: str) -> Teller:
    def tell(scene: _Scene) -> _Said | None:
        told = mapping(scene.entry.get("file"))
        found, fields = key(told.get("id")), {"name": text(told.get("name"))}
        before, after = (fields, {}) if word == "deleted" else ({}, fields)
        return _Said(f"attachment.{word}", "attachment", found, before, after) if found else None

    return tell


_TELLERS: Mapping[str, Teller] = {
    "task.create": _card_created,
    "task.update": _card_updated,
    "task.assignee_change": _card_assigned,
    "task.move.column": _card_moved,
    "task.move.project": _card_came,
    "task.move.position": _card_reordered,
    "task.move.swimlane": _card_reordered,
    "task.close": _closing("archived"),
    "task.open": _closing("unarchived"),
    "comment.create": _comment("created"),
    "comment.update": _comment("updated"),
    "comment.delete": _comment("deleted"),
    "subtask.create": _subtask("created"),
    "subtask.update": _subtask_updated,
    "subtask.delete": _subtask("deleted"),
    "task.file.create": _file("created"),
    "task.file.destroy": _file("deleted"),
}


def _occurred_at(entry: Json) -> datetime | None:
    """The second Kanboard tells; within it, the order its ids tell (as hundred-thousandths of a tenth of it)."""
    second = instant(entry.get("date_creation"))
    turn = int(key(entry.get("id")) or 0) % _TURNS_IN_A_SECOND
    return second + timedelta(microseconds=turn) if second else None


def _born(word: str) -> dict[str, Any]:
    return _BACK if word == "created" else {}


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _without_mail(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if name not in ("email", "avatar_path")}


def _nameless(entry: Json) -> str:
    return "nameless:" + hashlib.sha256(json.dumps(dict(entry), sort_keys=True).encode()).hexdigest()
