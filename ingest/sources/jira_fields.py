"""Jira's words for issues, people and rich text, turned into ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingest.sources.values import iso, mapping, texts
from warehouse.model import Entity

SOURCE = "jira"
ISSUE = (
    "summary description status assignee labels duedate resolution created updated creator reporter".split()
)
"""The fields of an issue we ask for."""

Json = Mapping[str, Any]


def id_of(value: object) -> str | None:
    """An id, which comes as text or as a number; an empty one is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def own_id(board_id: str, thing: str) -> str:
    """Our id of a thing on a board. An issue may stand on several boards and is a card of its own on each."""
    return f"{board_id}:{thing}"


def plain(value: object) -> str | None:
    """The text of a field: as it is, or of a document in Atlassian's format the texts in it; None where there is none."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return None
    said: list[str] = []
    open_nodes: list[object] = [value]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, str):
            said.append(node)
        elif isinstance(node, dict):
            within = node.get("content")
            open_nodes.append("\n" if node.get("type") in _BLOCKS else "")
            open_nodes += reversed(within) if isinstance(within, list) else []
            open_nodes += [node["text"]] if isinstance(node.get("text"), str) else []
    return "".join(said).strip()


_BLOCKS = frozenset("paragraph heading listItem codeBlock hardBreak rule tableRow".split())


def card_fields(issue: Json, column_id: str | None) -> dict[str, Any]:
    """The canonical fields of an issue as it stands."""
    told, key = mapping(issue.get("fields")), id_of(issue.get("key"))
    maker = person_id(told.get("creator")) or person_id(told.get("reporter"))
    fields: dict[str, Any] = {
        "title": plain(told.get("summary")),
        "description": plain(told.get("description")) or None,
        "column_id": column_id,
        "due_at": iso(told.get("duedate")),
        "due_done": bool(told.get("resolution")),
        "archived": False,
        "human_id": key,
        "url": page(issue, f"/browse/{key}"),
        "member_ids": texts([person_id(told.get("assignee"))]),
        "labels": texts(told.get("labels")),
        "created_at": iso(told.get("created")),
    }
    return fields | ({"created_by": maker} if maker else {})


def page(thing: Json, path: str) -> str | None:
    """The address of a page of the site a thing came from."""
    site, found, _ = str(thing.get("self") or "").partition("/rest/")
    return site + path if found else None


def person_id(person: object) -> str | None:
    """The account id of a person."""
    return id_of(mapping(person).get("accountId"))


def people(told: Iterable[object]) -> tuple[Entity, ...]:
    """The people among these, each once, with their names."""
    found = {person_id(person): {"name": mapping(person).get("displayName")} for person in told}
    return tuple(
        Entity("member", who, name if isinstance(name["name"], str) else {})
        for who, name in found.items()
        if who
    )
