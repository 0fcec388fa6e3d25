"""What happens to items of a GitHub project (Projects v2), as GraphQL tells it, in our words. Pure.

A project is a board, its columns are the options of its Status field. Where an item stands GitHub tells with the
instant it was put there; where it stood before only the timeline of its issue tells, and not always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.github_events import AT_FIRST, SOURCE, Json, nameless, person
from ingest.sources.values import instant, mapping, objects
from warehouse.model import Entity, EntityType, Event, Snapshot

NO_STATUS = "No status"
_DONE = frozenset({"done", "closed", "complete", "completed", "finished"})

SAME_MOVE = timedelta(minutes=1)
"""A change of status in the timeline this close before the item's own instant is told by that instant."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as GraphQL shows it: who it is, and the ids of its columns by name."""

    board_id: str
    fields: Json
    options: Mapping[str, str]

    @classmethod
    def of(cls, told: Json) -> Project:
        """The project in a GraphQL node."""
        options = objects(mapping(told.get("field")).get("options"))
        named = {
            each["name"]: each["id"] for each in options if _text(each.get("name")) and _text(each.get("id"))
        }
        return cls(str(told.get("id")), told, named)

    def column(self, option_id: str | None) -> str:
        """A column's id: options of different projects may share theirs."""
        return f"{self.board_id}:{option_id or 'none'}"

    def column_named(self, status: object) -> str:
        """The column of a status told by name; a name that is no more has a column of its own."""
        return self.column(self.options.get(status, status) if isinstance(status, str) and status else None)


def snapshot(project: Project, items: Iterable[Json], taken_at: datetime) -> Snapshot:
    """A project and its items as a board stands."""
    items = [item for item in items if _text(item.get("id"))]
    board = {
        "title": _text(project.fields.get("title")),
        "url": _text(project.fields.get("url")),
        "archived": project.fields.get("closed") is True,
    }
    names = {NO_STATUS: None, **project.options}
    columns = (
        Entity(
            "column",
            project.column(option_id),
            {"title": name, "position": float(place), "is_done": name.casefold() in _DONE},
        )
        for place, (name, option_id) in enumerate(names.items())
    )
    cards = (Entity("card", item["id"], card_fields(project, item)) for item in items)
    return Snapshot(
        SOURCE,
        project.board_id,
        taken_at,
        (Entity("board", project.board_id, board), *columns, *cards, *people(items)),
    )


def card_fields(project: Project, item: Json) -> dict[str, Any]:
    """The canonical fields of an item."""
    content = mapping(item.get("content"))
    repository = _text(mapping(content.get("repository")).get("nameWithOwner"))
    number, creator = content.get("number"), person(actor(item.get("creator")))
    said: dict[str, Any] = {
        "title": _text(content.get("title")),
        "description": _text(content.get("body")),
        "column_id": project.column(_text(mapping(item.get("fieldValueByName")).get("optionId"))),
        "archived": item.get("isArchived") is True,
        "url": _text(content.get("url")),
        "human_id": f"{repository or ''}#{number}" if isinstance(number, int) else None,
        "created_at": at.isoformat() if (at := instant(item.get("createdAt"))) else None,
        "created_by": creator.entity_id if creator else None,
        "member_ids": [who.entity_id for who in _persons(_nodes(content, "assignees"))],
        "labels": [name for each in _nodes(content, "labels") if (name := _text(each.get("name")))],
    }
    return {name: value for name, value in said.items() if value is not None}


def happened(
    project: Project, item: Json, observed_at: datetime, *, after: datetime | None, new_since: datetime | None
) -> list[Event]:
    """What happened to an item after `after` (None: ever), oldest first.

    Of an item made after `new_since` the creation and earlier moves are told too, as far as the timeline has them.
    """
    made_at = instant(item.get("createdAt"))
    if not _text(item.get("id")) or made_at is None:
        return [_event(project, item, observed_at, nameless(item), "unknown", observed_at, payload=item)]
    is_new = new_since is None or made_at > new_since
    timeline = [entry for entry in _timeline(item) if (instant(entry.get("createdAt")) or made_at) >= made_at]
    told = [
        event for entry in timeline if (event := translate(entry, observed_at, project=project, item=item))
    ]
    found = [event for event in told if event.action != "card.moved"]
    if is_new:
        found.append(_created(project, item, made_at, told, observed_at))
        found += _earlier_moves(item, told)
    found += _standing(project, item, told, observed_at)
    found.sort(key=lambda event: (event.occurred_at, event.action != "card.created"))
    return [event for event in found if is_new or after is None or event.occurred_at >= after]


def translate(entry: Json, observed_at: datetime, *, project: Project, item: Json) -> Event | None:
    """One entry of the timeline of an item's issue; None for what is about another project."""
    about = mapping(entry.get("project")).get("id")
    if about is not None and about != project.board_id:
        return None
    at = instant(entry.get("createdAt")) or instant(item.get("createdAt")) or observed_at
    entry_id = _text(entry.get("id"))
    event_id = f"{item.get('id')}:{entry_id}" if entry_id else nameless(entry)
    teller = _TELLERS.get(str(entry.get("__typename")))
    said = teller(entry, project) if teller else None
    return replace(
        _event(project, item, observed_at, event_id, "unknown", at, payload=entry),
        actor_id=_who(entry.get("actor")) or _who(entry.get("author")),
        **(said or {}),
        **_comment_of(entry, event_id, said),
    )


def _created(
    project: Project, item: Json, made_at: datetime, told: list[Event], observed_at: datetime
) -> Event:
    """The making of the card, with its fields as they were then: what they are now without what happened since."""
    now, column = card_fields(project, item), project.column(None)
    fields: dict[str, Any] = {name: now[name] for name in AT_FIRST if name in now}
    sets = {name: list(now[name]) for name in ("labels", "member_ids")}
    for event in reversed(told):
        fields |= {"title": event.before["title"]} if "title" in event.before else {}
        for name, values in sets.items():
            come, gone = event.after.get(name, []), event.before.get(name, [])
            sets[name] = [
                *(each for each in values if each not in come),
                *(each for each in gone if each not in values),
            ]
    fields |= {name: values for name, values in sets.items() if values}
    event = _event(
        project, item, observed_at, f"{item['id']}:created", "card.created", made_at, payload=_plain(item)
    )
    return replace(
        event,
        actor_id=_who(item.get("creator")),
        column_to=column,
        after={**fields, "column_id": column},
    )


def _standing(project: Project, item: Json, told: list[Event], observed_at: datetime) -> list[Event]:
    """That the item stands where it stands since it was put there; by whom and from where, where the timeline tells."""
    value = mapping(item.get("fieldValueByName"))
    at, option_id = instant(value.get("updatedAt")), _text(value.get("optionId"))
    if at is None or option_id is None:
        return []
    column = project.column(option_id)
    same = [event for event in told if event.column_to == column and abs(event.occurred_at - at) <= SAME_MOVE]
    moved = _event(
        project, item, observed_at, f"{item['id']}:status:{at.isoformat()}", "card.moved", at, payload=value
    )
    column_from = same[-1].column_from if same else None
    return [
        replace(
            moved,
            actor_id=same[-1].actor_id if same else None,
            column_from=column_from,
            column_to=column,
            before={"column_id": column_from} if column_from else {},
            after={"column_id": column},
        )
    ]


def _earlier_moves(item: Json, told: list[Event]) -> list[Event]:
    """The moves of the timeline but for the last, which the item's own status tells."""
    at = instant(mapping(item.get("fieldValueByName")).get("updatedAt"))
    moves = (event for event in told if event.action == "card.moved")
    return [event for event in moves if at is None or event.occurred_at < at - SAME_MOVE]


def _event(
    project: Project, item: Json, observed_at: datetime, event_id: str, action: str, at: datetime, *, payload: Json
) -> Event:  # fmt: skip
    card = _text(item.get("id"))
    return Event(
        source=SOURCE,
        event_id=event_id,
        board_id=project.board_id,
        action=action,
        entity_type="card" if card else "board",
        entity_id=card or project.board_id,
        occurred_at=at,
        observed_at=observed_at,
        card_id=card,
        payload=payload,
    )


# ── what kinds of timeline entries say ────────────────────────────────────────────────────────────────────────────


def _status(entry: Json, project: Project) -> dict[str, Any]:
    column_from, column_to = (project.column_named(entry.get(key)) for key in ("previousStatus", "status"))
    return {
        "action": "card.moved",
        "column_from": column_from,
        "column_to": column_to,
        "before": {"column_id": column_from},
        "after": {"column_id": column_to},
    }


def _given(word: str, name: str, find: Callable[[Json], str | None]) -> Callable[[Json, Project], Any]:
    side = "before" if word.startswith("un") else "after"

    def tell(entry: Json, _project: Project) -> dict[str, Any] | None:
        value = find(entry)
        return {"action": f"card.{word}", side: {name: [value]}} if value else None

    return tell


def _label(entry: Json) -> str | None:
    return _text(mapping(entry.get("label")).get("name"))


def _assignee(entry: Json) -> str | None:
    return _who(entry.get("assignee"))


def _renamed(entry: Json, _project: Project) -> dict[str, Any] | None:
    old, new = _text(entry.get("previousTitle")), _text(entry.get("currentTitle"))
    if old is None or new is None:
        return None
    return {"action": "card.updated", "before": {"title": old}, "after": {"title": new}}


def _comment(entry: Json, _project: Project) -> dict[str, Any]:
    return {"action": "comment.created", "after": {"content": _text(entry.get("body"))}}


def _comment_of(entry: Json, event_id: str, said: Mapping[str, Any] | None) -> dict[str, Any]:
    if entry.get("__typename") != "IssueComment" or said is None:
        return {}
    kind: EntityType = "comment"
    return {"entity_type": kind, "entity_id": event_id}


_TELLERS: Mapping[str, Callable[[Json, Project], dict[str, Any] | None]] = {
    "ProjectV2ItemStatusChangedEvent": _status,
    "LabeledEvent": _given("labeled", "labels", _label),
    "UnlabeledEvent": _given("unlabeled", "labels", _label),
    "AssignedEvent": _given("assigned", "member_ids", _assignee),
    "UnassignedEvent": _given("unassigned", "member_ids", _assignee),
    "RenamedTitleEvent": _renamed,
    "IssueComment": _comment,
}


# ── people, and small change ──────────────────────────────────────────────────────────────────────────────────────


def people(items: Iterable[Json]) -> tuple[Entity, ...]:
    """Everybody named in items and their timelines, with their names."""
    found: dict[str, Entity] = {}
    for item in items:
        content = mapping(item.get("content"))
        told = [item.get("creator"), *_nodes(content, "assignees")]
        told += [entry.get(key) for entry in _timeline(item) for key in ("actor", "author", "assignee")]
        found |= {who.entity_id: who for who in _persons(objects(told))}
    return tuple(found.values())


def actor(told: object) -> Json:
    """A GraphQL actor with the words of REST."""
    one = mapping(told)
    return {
        "id": one.get("databaseId") or one.get("login"),
        "login": one.get("login"),
        "name": one.get("name") or None,
        "type": one.get("__typename"),
    }


def _who(told: object) -> str | None:
    found = person(actor(told))
    return found.entity_id if found else None


def _persons(told: Iterable[Json]) -> Iterator[Entity]:
    for each in told:
        if found := person(actor(each)):
            yield found


def _timeline(item: Json) -> list[Json]:
    return _nodes(mapping(item.get("content")), "timelineItems")


def _nodes(thing: Json, name: str) -> list[Json]:
    return objects(mapping(thing.get(name)).get("nodes"))


def _plain(item: Json) -> dict[str, Any]:
    """The item without the timeline, whose entries are payloads of their own events."""
    content = {name: value for name, value in mapping(item.get("content")).items() if name != "timelineItems"}
    return {**item, **({"content": content} if content else {})}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
