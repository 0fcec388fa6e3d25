"""A GitHub project as a board: its Status options as columns, its items as cards, and the people in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.sources.github_fields import SOURCE, Json, person, text
from ingest.sources.values import instant, mapping, objects
from warehouse.model import Entity, Snapshot

NO_STATUS = "No status"
_DONE = frozenset({"done", "closed", "complete", "completed", "finished"})


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
            each["name"]: each["id"] for each in options if text(each.get("name")) and text(each.get("id"))
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
    items = [item for item in items if text(item.get("id"))]
    board = {
        "title": text(project.fields.get("title")),
        "url": text(project.fields.get("url")),
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
    repository = text(mapping(content.get("repository")).get("nameWithOwner"))
    number, creator = content.get("number"), person(actor(item.get("creator")))
    said: dict[str, Any] = {
        "title": text(content.get("title")),
        "description": text(content.get("body")),
        "column_id": project.column(text(mapping(item.get("fieldValueByName")).get("optionId"))),
        "archived": item.get("isArchived") is True,
        "url": text(content.get("url")),
        "human_id": f"{repository or ''}#{number}" if isinstance(number, int) else None,
        "created_at": at.isoformat() if (at := instant(item.get("createdAt"))) else None,
        "created_by": creator.entity_id if creator else None,
        "member_ids": [who.entity_id for who in _persons(nodes(content, "assignees"))],
        "labels": [name for each in nodes(content, "labels") if (name := text(each.get("name")))],
    }
    return {name: value for name, value in said.items() if value is not None}


def people(items: Iterable[Json]) -> tuple[Entity, ...]:
    """Everybody named in items and their timelines, with their names."""
    found: dict[str, Entity] = {}
    for item in items:
        content = mapping(item.get("content"))
        told = [item.get("creator"), *nodes(content, "assignees")]
        told += [entry.get(key) for entry in timeline_of(item) for key in ("actor", "author", "assignee")]
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


def who_is(told: object) -> str | None:
    """The id of an actor."""
    found = person(actor(told))
    return found.entity_id if found else None


def _persons(told: Iterable[Json]) -> Iterator[Entity]:
    for each in told:
        if found := person(actor(each)):
            yield found


def timeline_of(item: Json) -> list[Json]:
    """What happened to the issue of an item."""
    return nodes(mapping(item.get("content")), "timelineItems")


def nodes(thing: Json, name: str) -> list[Json]:
    """The things of a GraphQL connection."""
    return objects(mapping(thing.get(name)).get("nodes"))
