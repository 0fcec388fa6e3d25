"""A Jira issue with its changelog and comments as events, oldest first. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.sources.jira_fields import SOURCE, Json, card_fields, id_of, own_id, people, person_id, plain
from ingest.sources.values import delta, instant, iso, mapping, objects
from warehouse.model import Entity, EntityType, Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ColumnOf = Callable[[str | None], str | None]
"""The column of a status, by its id."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a change says in canonical words, before it is told when and by whom."""

    action: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    entity_type: EntityType = "card"
    entity_id: str | None = None


def told_by(
    issue: Json, histories: Iterable[Json], observed_at: datetime, *, board_id: str, column_of: ColumnOf
) -> list[Event]:
    """Everything that is known to have happened to an issue, oldest first."""
    fields = mapping(issue.get("fields"))
    stub = {"id": issue.get("id"), "key": issue.get("key"), "created": fields.get("created")}
    past = sorted(histories, key=lambda history: instant(history.get("created")) or _EPOCH)
    shown = {**issue, "fields": {name: fields[name] for name in fields if name != "comment"}}
    entries: list[Json] = [{"issue": shown, "first": _first(past)}]
    for history in past:
        about = {key: history.get(key) for key in ("id", "created", "author")}
        for place, item in _placed(history):
            entries.append({"issue": stub, "history": about, "item": item, "place": place})
    for comment in objects(mapping(fields.get("comment")).get("comments")):
        # One with `visibility` is for some eyes only: those who read the warehouse may not be among them.
        if not comment.get("visibility"):
            entries.append({"issue": stub, "comment": comment})
            if instant(comment.get("updated")) not in (None, instant(comment.get("created"))):
                entries.append({"issue": stub, "comment": comment, "is_edit": True})
    events = [translate(entry, observed_at, board_id=board_id, column_of=column_of) for entry in entries]
    return sorted(events, key=lambda event: event.occurred_at)


def translate(
    entry: Json, observed_at: datetime, *, board_id: str, column_of: ColumnOf | None = None
) -> Event:
    """One fact about an issue as an event; one that cannot be read is `unknown`. It is kept as payload in any case.

    An entry is the `issue` with one `item` of a changelog `history`, with a `comment`, or alone: its creation.
    """
    issue = mapping(entry.get("issue"))
    thing = id_of(issue.get("id"))
    card = own_id(board_id, thing) if thing else None
    event_id, at, who, said = _read(entry, issue, board_id, column_of or (lambda status: status))
    column_from, column_to = said.before.get("column_id"), said.after.get("column_id")
    is_moving = said.action in ("card.moved", "card.created")
    return Event(
        source=SOURCE,
        event_id=own_id(board_id, event_id or "nameless:" + _fingerprint(entry)),
        board_id=board_id,
        action=said.action,
        entity_type=said.entity_type,
        entity_id=said.entity_id
        or (card if said.entity_type == "card" else None)
        or (None if card else board_id),
        occurred_at=at or instant(issue.get("created")) or _EPOCH,
        observed_at=observed_at,
        card_id=card,
        actor_id=who,
        column_from=column_from if is_moving else None,
        column_to=column_to if is_moving else None,
        before=said.before,
        after=said.after,
        payload=entry,
    )


def people_in(issue: Json, histories: Iterable[Json]) -> tuple[Entity, ...]:
    """Everybody an issue and its past name."""
    fields = mapping(issue.get("fields"))
    comments = objects(mapping(fields.get("comment")).get("comments"))
    return people(
        [
            *(fields.get(role) for role in ("creator", "reporter", "assignee")),
            *(history.get("author") for history in histories),
            *(comment.get(role) for comment in comments for role in ("author", "updateAuthor")),
        ]
    )


def _read(
    entry: Json, issue: Json, board_id: str, column_of: ColumnOf
) -> tuple[str | None, datetime | None, str | None, Said]:
    """An entry's id, instant and actor, and what it says."""
    thing = id_of(issue.get("id"))
    unknown = Said("unknown", entity_type="card" if thing else "board")
    if isinstance(entry.get("item"), dict):
        history = mapping(entry.get("history"))
        told, place = id_of(history.get("id")), id_of(entry.get("place"))
        said = _change(entry["item"], board_id, column_of) if thing else unknown
        return (
            f"{told}:{place}" if told and place else None,
            instant(history.get("created")),
            person_id(history.get("author")),
            said,
        )
    if isinstance(entry.get("comment"), dict):
        return (
            _comment(entry["comment"], board_id, bool(entry.get("is_edit")))
            if thing
            else (None, None, None, unknown)
        )
    fields = mapping(issue.get("fields"))
    if not thing or not fields:
        return None, None, None, unknown
    maker = person_id(fields.get("creator")) or person_id(fields.get("reporter"))
    return (
        f"{thing}:created",
        instant(fields.get("created")),
        maker,
        _creation(entry, issue, column_of),
    )


def _placed(history: Json) -> Iterator[tuple[str, Json]]:
    """The items of a history, each with a name of its own that does not depend on their order."""
    items = history.get("items")
    counted: Counter[str] = Counter()
    names: dict[int, str] = {}
    told = (
        [item if isinstance(item, dict) else {"item": item} for item in items]
        if isinstance(items, list)
        else []
    )
    for number in sorted(range(len(told)), key=lambda number: _fingerprint(told[number])):
        name = id_of(told[number].get("fieldId")) or id_of(told[number].get("field")) or "?"
        counted[name] += 1
        names[number] = name if counted[name] == 1 else f"{name}#{counted[name]}"
    yield from ((names[number], item) for number, item in enumerate(told))


def _fingerprint(told: Json) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


# what a change says ------------------------------------------------------------------------------


def _change(item: Json, board_id: str, column_of: ColumnOf) -> Said:
    name = item.get("field")
    if not isinstance(name, str) or not name:
        return Said("unknown")
    is_custom = item.get("fieldtype") == "custom"
    if is_custom:
        return Said("card.reordered") if name == "Rank" else Said("card.updated")
    if name == "status":
        return _status(column_of(id_of(item.get("from"))), column_of(id_of(item.get("to"))))
    if name == "assignee":
        return _assignee(id_of(item.get("from")), id_of(item.get("to")))
    if name == "labels":
        return _labels(_words(item.get("fromString")), _words(item.get("toString")))
    if name == "Attachment":
        return _attachment(item, board_id)
    return _scalar(name, item)


def _status(was: str | None, now: str | None) -> Said:
    if now is None:
        return Said("unknown")
    if was == now:  # another status of the same column
        return Said("card.updated")
    return Said("card.moved", {"column_id": was}, {"column_id": now})


def _assignee(was: str | None, now: str | None) -> Said:
    before, after = delta("member_ids", [was] if was else [], [now] if now else [])
    return Said("card.assigned" if after else "card.unassigned", before, after)


def _labels(was: list[str], now: list[str]) -> Said:
    before, after = delta("labels", was, now)
    if bool(before) == bool(after):
        return Said("card.updated", before, after)
    return Said("card.labeled" if after else "card.unlabeled", before, after)


def _attachment(item: Json, board_id: str) -> Said:
    come, gone = id_of(item.get("to")), id_of(item.get("from"))
    if come:
        told = {"name": plain(item.get("toString"))}
        return Said("attachment.created", {}, told, "attachment", own_id(board_id, come))
    if gone:
        told = {"name": plain(item.get("fromString"))}
        return Said("attachment.deleted", told, {}, "attachment", own_id(board_id, gone))
    return Said("unknown")


_SCALARS: Mapping[str, tuple[str, Callable[[Json, str], object]]] = {
    "summary": ("title", lambda item, side: plain(item.get(f"{side}String"))),
    "description": ("description", lambda item, side: plain(item.get(f"{side}String")) or None),
    "duedate": ("due_at", lambda item, side: iso(item.get(side))),
    "resolution": ("due_done", lambda item, side: bool(item.get(side))),
    "Key": ("human_id", lambda item, side: plain(item.get(f"{side}String"))),
}


def _scalar(name: str, item: Json) -> Said:
    """A field with one value; one we have no word for has changed all the same."""
    if name not in _SCALARS:
        return Said("card.updated")
    ours, value = _SCALARS[name]
    return Said("card.updated", {ours: value(item, "from")}, {ours: value(item, "to")})


def _words(value: object) -> list[str]:
    return value.split() if isinstance(value, str) else []


# how an issue began, and what was said of it ------------------------------------------------------


def _first(past: list[Json]) -> dict[str, Json]:
    """The first change of each field: what it was before is what the issue began with."""
    found: dict[str, Json] = {}
    for history in past:
        for item in objects(history.get("items")):
            if isinstance(item.get("field"), str) and item.get("fieldtype") != "custom":
                found.setdefault(item["field"], item)
    return found


def _creation(entry: Json, issue: Json, column_of: ColumnOf) -> Said:
    first, fields = mapping(entry.get("first")), mapping(issue.get("fields"))
    status = id_of(mapping(fields.get("status")).get("id"))
    if "status" in first:
        status = id_of(mapping(first["status"]).get("from")) or status
    after = card_fields(issue, column_of(status))
    for name, (ours, value) in _SCALARS.items():
        if name in first:
            after[ours] = value(mapping(first[name]), "from")
    if "assignee" in first:
        was = id_of(mapping(first["assignee"]).get("from"))
        after["member_ids"] = [was] if was else []
    if "labels" in first:
        after["labels"] = _words(mapping(first["labels"]).get("fromString"))
    return Said("card.created", {}, {key: value for key, value in after.items() if key not in _ELSEWHERE})


_ELSEWHERE = ("created_at", "created_by", "archived")


def _comment(
    comment: Json, board_id: str, is_edit: bool
) -> tuple[str | None, datetime | None, str | None, Said]:
    told = id_of(comment.get("id"))
    if told is None:
        return None, None, None, Said("unknown")
    at = instant(comment.get("updated" if is_edit else "created"))
    who = person_id(comment.get("updateAuthor")) if is_edit else None
    event_id = f"comment:{told}" + (f":{at.isoformat() if at else '?'}" if is_edit else "")
    after = {"content": plain(comment.get("body"))}
    word = "comment.updated" if is_edit else "comment.created"
    return (
        event_id,
        at,
        who or person_id(comment.get("author")),
        Said(word, {}, after, "comment", own_id(board_id, told)),
    )
