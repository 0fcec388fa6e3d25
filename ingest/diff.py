"""What happened between two snapshots of a board. Pure.

Two snapshots say what differs, not who did it or when: such events are `inferred`, have no actor, and their payload
tells between which instants they happened. A field that is None, an empty list and one that is not said are the same:
empty. A thing that is missing, or says that it is deleted, is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.values import delta, instant
from warehouse.model import Entity, EntityType, Event, Snapshot

Key = tuple[EntityType, str]
Things = Mapping[Key, Mapping[str, Any]]

SETS = ("member_ids", "labels")
_ORDER: tuple[EntityType, ...] = (
    *("board", "column", "member", "label", "card", "checklist_item", "attachment", "comment"),
)
_WORDS: Mapping[EntityType, str] = {"checklist_item": "checklist"}
_COMES, _GOES, _CHANGES = "created", "deleted", "updated"
_SAYINGS: Mapping[tuple[EntityType, str], str] = {
    ("member", _COMES): "joined",
    ("member", _GOES): "left",
    (
        "attachment",
        _CHANGES,
    ): "created",  # there is no word for a changed one; telling it again says what it is now
}
_TURNS: Mapping[tuple[EntityType, str], tuple[str, str]] = {
    ("card", "archived"): ("unarchived", "archived"),
    ("column", "archived"): ("unarchived", "archived"),
    ("checklist_item", "done"): ("unchecked", "checked"),
}
"""Fields that are true or not and have words of their own for becoming so."""

_PLACE = ("column_id", "position")
_ALWAYS_TOLD: frozenset[EntityType] = frozenset({"board", "column", "card"})
_NEVER_CHANGES = ("created_at", "created_by")


def diff(before: Snapshot, after: Snapshot, *, interval: timedelta | None = None) -> tuple[Event, ...]:
    """The events that make `after` of `before`: things that came, changed, and at last those that went.

    `occurred_at` is the later end of the time between, but for things that say when in it they were made. The same
    two snapshots always give the same events with the same ids. `interval` is how often somebody looks.
    """
    if (before.source, before.board_id) != (after.source, after.board_id):
        raise ValueError(
            f"{before.source}:{before.board_id} is not the board {after.source}:{after.board_id}"
        )
    old, new = things(before), things(after)
    changes = [change for key in new for change in _changes(key, old.get(key), new[key])]
    gone = [_Change(key, _say(key[0], _GOES), thing=old[key]) for key in reversed(old) if key not in new]
    return tuple(_event(change, before, after, interval) for change in (*changes, *gone))


def apply(snapshot: Snapshot, events: Iterable[Event]) -> Snapshot:
    """The snapshot as it stands after these events."""
    known = {key: dict(fields) for key, fields in things(snapshot).items()}
    taken_at = snapshot.taken_at
    for event in events:
        taken_at = max(taken_at, event.observed_at)
        if event.entity_id is None:
            continue
        key, verb = (event.entity_type, event.entity_id), event.action.rpartition(".")[2]
        if verb in ("deleted", "left"):
            known.pop(key, None)
        else:
            known[key] = _told(known.get(key, {}), event)
    entities = tuple(Entity(kind, entity_id, fields) for (kind, entity_id), fields in known.items())
    return replace(snapshot, taken_at=taken_at, entities=entities)


def things(snapshot: Snapshot) -> dict[Key, dict[str, Any]]:
    """What is there, by kind and id, in a fixed order, with the fields that are not empty."""
    found = {
        (entity.entity_type, entity.entity_id): _said(entity.fields)
        for entity in snapshot.entities
        if not entity.fields.get("deleted")
    }
    return dict(sorted(found.items(), key=lambda thing: (_ORDER.index(thing[0][0]), thing[0][1])))


def comparable(known: Snapshot, seen: Snapshot) -> Snapshot:
    """`known` in the terms of `seen`, so that what differs has happened and is not only told differently.

    Left out of the comparison are kinds of things and fields that `seen` does not speak of at all, fields that are
    news to us rather than to the board, how things were made, and people: who has left a board stays known.
    """
    shown = things(seen)
    kinds = _ALWAYS_TOLD | {kind for kind, _ in shown}
    told, heard = _spoken_of(seen), _spoken_of(known)
    entities = []
    for entity in known.entities:
        kind, now = entity.entity_type, shown.get((entity.entity_type, entity.entity_id))
        if kind not in kinds or (kind == "member" and now is None):
            continue
        now = now or {}
        fields = {
            name: now.get(name) if _is_same(value, now.get(name)) else value
            for name, value in entity.fields.items()
            if name in told[kind]
        }
        news = {name: value for name, value in now.items() if name not in heard[kind] or not value}
        made = {name: now.get(name) for name in _NEVER_CHANGES}
        entities.append(replace(entity, fields=news | fields | made))
    return replace(known, entities=tuple(entities))


@dataclass(frozen=True, slots=True)
class _Change:
    """What became of one thing, in the words of its kind."""

    key: Key
    verb: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    thing: Mapping[str, Any] = field(default_factory=dict)


def _changes(key: Key, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[_Change]:
    """What came of a thing that is there now; `old` is None where it was not."""
    kind = key[0]
    if old is None:
        # It may be back: the log's word that it was deleted must not be the last.
        yield _Change(key, _say(kind, _COMES), {}, {**new, "deleted": False}, new)
        return
    differing = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    for names, verb in _groups(kind, differing, old, new):
        before = {name: old.get(name) for name in names}
        yield _Change(key, verb, before, {name: new.get(name) for name in names}, new)
    for name in SETS:
        gone, come = delta(name, old.get(name, []), new.get(name, []))
        words = ("assigned", "unassigned") if name == "member_ids" else ("labeled", "unlabeled")
        if come:
            yield _Change(key, words[0], {}, come, new)
        if gone:
            yield _Change(key, words[1], gone, {}, new)


def _groups(
    kind: EntityType, names: list[str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[list[str], str]]:
    """Fields that changed together, each group with the strongest word for it."""
    left = [name for name in names if name not in SETS]
    if kind == "card" and "column_id" in left:
        yield [name for name in left if name in _PLACE], "moved"
        left = [name for name in left if name not in _PLACE]
    for name in [name for name in left if (kind, name) in _TURNS]:
        if bool(old.get(name)) != bool(new.get(name)):
            yield [name], _TURNS[kind, name][bool(new.get(name))]
            left.remove(name)
    if kind in ("card", "column") and left == ["position"]:
        yield left, "reordered"
    elif left:
        yield left, _say(kind, _CHANGES)


def _event(change: _Change, earlier: Snapshot, later: Snapshot, interval: timedelta | None) -> Event:
    kind, entity_id = change.key
    span = {"from": earlier.taken_at.isoformat(), "to": later.taken_at.isoformat()}
    error = {"interval_seconds": interval.total_seconds()} if interval else {}
    action = f"{_WORDS.get(kind, kind)}.{change.verb}"
    is_new = change.verb == _COMES and kind != "attachment"
    moves = kind == "card" and "column_id" in change.after
    return Event(
        source=later.source,
        event_id=_event_id(later, change.key, action, span),
        board_id=later.board_id,
        action=action,
        entity_type=kind,
        entity_id=entity_id,
        occurred_at=_made_between(change.thing, earlier, later) if is_new else later.taken_at,
        observed_at=later.taken_at,
        card_id=entity_id if kind == "card" else _text(change.thing.get("card_id")),
        column_from=change.before.get("column_id") if moves else None,
        column_to=change.after["column_id"] if moves else None,
        before=change.before,
        after=change.after,
        payload={"inferred": span | error},
        inferred=True,
    )


def _event_id(later: Snapshot, key: Key, action: str, span: Mapping[str, str]) -> str:
    told = json.dumps([later.source, later.board_id, *key, action, span["from"], span["to"]])
    return "inferred:" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _made_between(thing: Mapping[str, Any], earlier: Snapshot, later: Snapshot) -> datetime:
    """When a new thing was made, where it says so and that lies between the looks."""
    made_at = instant(thing.get("created_at"))
    return made_at if made_at and earlier.taken_at < made_at <= later.taken_at else later.taken_at


def _told(known: Mapping[str, Any], event: Event) -> dict[str, Any]:
    fields = {**known, **{name: value for name, value in event.after.items() if name not in SETS}}
    for name in SETS:
        gone, come = event.before.get(name, ()), event.after.get(name, ())
        fields[name] = [one for one in known.get(name, ()) if one not in gone and one not in come] + [*come]
    return _said(fields)


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not empty; a set in a fixed order."""
    said = {name: value for name, value in fields.items() if value is not None and name != "deleted"}
    for name in SETS:
        if name in said:
            said[name] = sorted({one for one in said[name] if isinstance(one, str)})
    return {name: value for name, value in said.items() if value != []}


def _say(kind: EntityType, verb: str) -> str:
    return _SAYINGS.get((kind, verb), verb)


def _spoken_of(snapshot: Snapshot) -> Mapping[EntityType, set[str]]:
    """The fields that a snapshot says of any thing of each kind."""
    told: dict[EntityType, set[str]] = defaultdict(set)
    for entity in snapshot.entities:
        told[entity.entity_type].update(entity.fields)
    return told


def _is_same(known: object, seen: object) -> bool:
    """Whether both say the same in other words: an instant otherwise written, or nothing and `false`."""
    if known is None or seen is None:
        return not known and not seen
    return instant(known) is not None and instant(known) == instant(seen)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
