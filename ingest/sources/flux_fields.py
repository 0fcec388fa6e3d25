"""Flux's names for the fields of things, turned into ours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress
from operator import ne
from typing import Any

from ingest.sources.values import delta, iso, number, texts
from warehouse.model import EntityType

Json = Mapping[str, Any]
Labels = Mapping[str, str]  # the text of each label, by id
Table = Mapping[str, tuple[str, Callable[[object], object]]]


def _same(value: object) -> object:
    return value


def _id(value: object) -> object:
    return value if isinstance(value, str) else None  # what a row can hold


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
_ASSIGNEES, _LABELS = ("assigneeIds", "assignees"), ("labelIds", "labels")
_SETS = frozenset(_ASSIGNEES + _LABELS)
FIELDS: Mapping[EntityType, Table] = {
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


def fields(kind: EntityType, thing: Json, labels: Labels) -> dict[str, Any]:
    """The canonical fields a thing tells."""
    said = {
        ours: convert(thing[theirs]) for theirs, (ours, convert) in FIELDS[kind].items() if theirs in thing
    }
    if kind == "card":
        said |= _assignees(thing, labels) | _labels(thing, labels)
    return said


def _assignees(card: Json, _names: Labels) -> dict[str, list[str]]:
    """Assignees come as ids or as whole members, under either name; not named is not said."""
    for key in _ASSIGNEES:
        if isinstance(card.get(key), list):
            return {
                "member_ids": texts(
                    [member_id(each) if isinstance(each, dict) else each for each in card[key]]
                )
            }
    return {}


def _labels(card: Json, names: Labels) -> dict[str, list[str]]:
    """Labels come as `labelIds`, or as `labels` of ids or of objects; ours are their texts."""
    for key in _LABELS:
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


def differences(
    kind: EntityType, old: Json, new: Json, labels: Labels
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two tellings of a thing say differently: the fields as they were, and as they are.

    Only that is converted: most of a thing never changes. Of assignees and labels: who or what left, and joined.
    """
    if kind == "attachment":  # told by one of two names
        old, new = fields(kind, old, labels), fields(kind, new, labels)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    table = FIELDS[kind]
    # Whole things have the same names in the same order: then no loop of ours runs.
    is_whole = list(old) == list(new)
    names = list(compress(new, map(ne, old.values(), new.values()))) if is_whole else _differing(old, new)
    for theirs in names:
        if theirs in table:
            ours, convert = table[theirs]
            now = convert(new[theirs])
            if theirs not in old:
                after[ours] = now
            elif (was := convert(old[theirs])) != now:
                before[ours], after[ours] = was, now
    if kind == "card" and not (is_whole and _SETS.isdisjoint(names)):
        _tell_sets(old, new, labels, before, after)
    return before, after


def _differing(old: Json, new: Json) -> list[str]:
    """The names in `new` of what `old` says differently or not at all."""
    return [name for name, now in new.items() if name not in old or old[name] != now]


def _tell_sets(old: Json, new: Json, labels: Labels, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Say what left a set in `before` and what joined it in `after`; a set that is not named has not changed."""
    for key, told in (("assigneeIds", _assignees), ("labelIds", _labels)):
        said = old.get(key)
        if isinstance(said, list) and said == new.get(key):
            continue
        was = told(old, labels)
        for name, now in told(new, labels).items():
            gone, come = delta(name, was.get(name, []), now)
            before |= gone
            after |= come
