"""What happens to items of a GitHub project (Projects v2), as GraphQL tells it, in our words. Pure.

A project is a board, its columns are the options of its Status field. Where an item stands GitHub tells with the
instant it was put there; where it stood before only the timeline of its issue tells, and not always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.github_fields import AT_FIRST, SOURCE, Json, nameless, text
from ingest.sources.github_project import Project, card_fields, timeline_of, who_is
from ingest.sources.values import instant, mapping
from warehouse.model import EntityType, Event

SAME_MOVE = timedelta(minutes=1)
"""A change of status in the timeline this close before the item's own instant is told by that instant."""


def happened(
    project: Project, item: Json, observed_at: datetime, *, after: datetime | None, new_since: datetime | None
) -> list[Event]:
    """What happened to an item after `after` (None: ever), oldest first.

    Of an item made after `new_since` the creation and earlier moves are told too, as far as the timeline has them.
    """
    made_at = instant(item.get("createdAt"))
    if not text(item.get("id")) or made_at is None:
        return [_event(project, item, observed_at, nameless(item), "unknown", observed_at, payload=item)]
    is_new = new_since is None or made_at > new_since
    timeline = [
        entry for entry in timeline_of(item) if (instant(entry.get("createdAt")) or made_at) >= made_at
    ]
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
    entry_id = text(entry.get("id"))
    event_id = f"{item.get('id')}:{entry_id}" if entry_id else nameless(entry)
    teller = _TELLERS.get(str(entry.get("__typename")))
    said = teller(entry, project) if teller else None
    return replace(
        _event(project, item, observed_at, event_id, "unknown", at, payload=entry),
        actor_id=who_is(entry.get("actor")) or who_is(entry.get("author")),
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
        actor_id=who_is(item.get("creator")),
        column_to=column,
        after={**fields, "column_id": column},
    )


def _standing(project: Project, item: Json, told: list[Event], observed_at: datetime) -> list[Event]:
    """That the item stands where it stands since it was put there; by whom and from where, where the timeline tells."""
    value = mapping(item.get("fieldValueByName"))
    at, option_id = instant(value.get("updatedAt")), text(value.get("optionId"))
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
    card = text(item.get("id"))
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
    return text(mapping(entry.get("label")).get("name"))


def _assignee(entry: Json) -> str | None:
    return who_is(entry.get("assignee"))


def _renamed(entry: Json, _project: Project) -> dict[str, Any] | None:
    old, new = text(entry.get("previousTitle")), text(entry.get("currentTitle"))
    if old is None or new is None:
        return None
    return {"action": "card.updated", "before": {"title": old}, "after": {"title": new}}


def _comment(entry: Json, _project: Project) -> dict[str, Any]:
    return {"action": "comment.created", "after": {"content": text(entry.get("body"))}}


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


def _plain(item: Json) -> dict[str, Any]:
    """The item without the timeline, whose entries are payloads of their own events."""
    content = {name: value for name, value in mapping(item.get("content")).items() if name != "timelineItems"}
    return {**item, **({"content": content} if content else {})}
