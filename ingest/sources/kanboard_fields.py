"""Kanboard's projects, tasks, subtasks and comments in our words. Pure.

Kanboard counts its ids per kind and tells times as seconds since 1970, 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.sources.values import instant, mapping, number, objects
from warehouse.model import Entity, Snapshot

SOURCE = "kanboard"
Json = Mapping[str, Any]
_DONE = 2  # a subtask's status: 0 to do, 1 in progress, 2 done


@dataclass(frozen=True, slots=True)
class Told:
    """What Kanboard answered about one project; `details` by task id and by `comments`, `subtasks`, `tags`."""

    project: Json
    columns: Sequence[Json]
    tasks: Sequence[Json]
    users: Mapping[str, str]
    details: Mapping[tuple[str, str], object] = field(default_factory=dict)


def key(value: object) -> str | None:
    """An id as text; Kanboard's are numbers, told as such or as text, and 0 is nobody."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) if str(value).isdecimal() and int(value) > 0 else None


def at(value: object) -> str | None:
    """An instant as canonical fields carry it; 0 is none."""
    found = instant(value) if value not in (0, "0") else None
    return found.isoformat() if found else None


def text(value: object) -> str | None:
    """The value where it is a text that says something."""
    return value if isinstance(value, str) and value else None


def task_fields(task: Json) -> dict[str, Any]:
    """The canonical fields a task gives, or those of them that changed."""
    said: dict[str, Any] = {}
    for theirs, (ours, convert) in _TASK.items():
        if theirs in task:
            said[ours] = convert(task[theirs])
    if "owner_id" in task:
        owner = key(task["owner_id"])
        said["member_ids"] = [owner] if owner else []
    return said


_TASK = {
    "title": ("title", text),
    "description": ("description", text),
    "column_id": ("column_id", key),
    "position": ("position", number),
    "date_due": ("due_at", at),
    "is_active": ("archived", lambda told: not _truth(told)),
}


def _truth(value: object) -> bool:
    return value in (1, "1", True)


def subtask_fields(subtask: Json) -> dict[str, Any]:
    """The canonical fields of a subtask, for which Kanboard has one list a task."""
    said = {"text": text(subtask.get("title")), "position": number(subtask.get("position"))}
    return {**said, "done": str(subtask.get("status")) == str(_DONE)}


def comment_fields(comment: Json) -> dict[str, Any]:
    """The canonical fields of a comment."""
    return {"content": text(comment.get("comment")), "member_id": key(comment.get("user_id"))}


def snapshot(told: Told, base_url: str, board_id: str, taken_at: datetime) -> Snapshot:
    """A project as a snapshot: its columns, its tasks open and closed, what is on them, and its members."""
    address = f"{base_url}/?controller=BoardViewController&action=show&project_id={board_id}"
    entities = (
        Entity("board", board_id, {"title": text(told.project.get("name")), "url": address}),
        *_columns(told),
        *_cards(told, base_url),
        *(Entity("member", member_id, {"name": name}) for member_id, name in told.users.items()),
        *_on_cards(told),
    )
    return Snapshot(SOURCE, board_id, taken_at, entities)


def naming(base_url: str, task_id: str) -> dict[str, str]:
    """How people name a task and where they find it."""
    url = f"{base_url}/?controller=TaskViewController&action=show&task_id={task_id}"
    return {"human_id": f"#{task_id}", "url": url}


def _columns(told: Told) -> Iterator[Entity]:
    for column in told.columns:
        if column_id := key(column.get("id")):
            fields = {"title": text(column.get("title")), "position": number(column.get("position"))}
            yield Entity("column", column_id, fields)


def _cards(told: Told, base_url: str) -> Iterator[Entity]:
    for task in told.tasks:
        if task_id := key(task.get("id")):
            tags = mapping(told.details.get((task_id, "tags")))
            made = {"created_at": at(task.get("date_creation")), "created_by": key(task.get("creator_id"))}
            # Moving one task renumbers its neighbours: places are not compared, so they are not shown.
            said = {name: value for name, value in task_fields(task).items() if name != "position"}
            fields = {
                **said,
                "labels": [tag for tag in tags.values() if text(tag)],
                **naming(base_url, task_id),
            }
            yield Entity("card", task_id, fields | {name: value for name, value in made.items() if value})


def _on_cards(told: Told) -> Iterator[Entity]:
    for (task_id, kind), rows in told.details.items():
        for row in objects(rows):
            found = key(row.get("id"))
            if found and kind == "subtasks":
                yield Entity("checklist_item", found, subtask_fields(row) | {"card_id": task_id})
            elif found and kind == "comments":
                made = {"created_at": at(row.get("date_creation"))}
                yield Entity("comment", found, comment_fields(row) | {"card_id": task_id} | made)
