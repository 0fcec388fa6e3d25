"""GitHub's issues and people, and their fields, in our words. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ingest.sources.values import instant, iso, mapping, objects
from warehouse.model import Entity, Snapshot

SOURCE = "github"
Json = Mapping[str, Any]

COLUMNS = {"open": "Open", "closed": "Closed", "not_planned": "Closed as not planned"}
"""The columns of a repository, left to right."""

AT_FIRST: tuple[str, ...] = ("title", "description", "url", "human_id")
"""The fields a creation tells."""


def snapshot(repository: Json, issues: Iterable[Json], taken_at: datetime, *, board_id: str) -> Snapshot:
    """A repository and its issues as a board stands."""
    issues = list(issues)
    board = {
        "title": repository.get("full_name"),
        "url": repository.get("html_url"),
        "archived": repository.get("archived") is True,
    }
    columns = (
        Entity(
            "column",
            f"{board_id}:{name}",
            {"title": title, "position": float(place), "is_done": name == "closed"},
        )
        for place, (name, title) in enumerate(COLUMNS.items())
    )
    cards = (
        Entity("card", card, card_fields(issue, board_id))
        for issue in issues
        if (card := card_id(board_id, issue))
    )
    return Snapshot(
        SOURCE, board_id, taken_at, (Entity("board", board_id, board), *columns, *cards, *people(issues))
    )


def card_fields(issue: Json, board_id: str) -> dict[str, Any]:
    """The canonical fields of an issue."""
    is_closed = issue.get("state") == "closed"
    said: dict[str, Any] = {
        "title": text(issue.get("title")),
        "description": text(issue.get("body")),
        "column_id": f"{board_id}:{closed_column(issue.get('state_reason')) if is_closed else 'open'}",
        "url": text(issue.get("html_url")),
        "human_id": f"#{number}" if (number := ident(issue.get("number"))) else None,
        "created_at": iso(issue.get("created_at")),
        "created_by": ident(mapping(issue.get("user")).get("id")),
    }
    said = {name: value for name, value in said.items() if value is not None or name == "description"}
    if isinstance(issue.get("assignees"), list):
        said["member_ids"] = each_once(ident(each.get("id")) for each in objects(issue["assignees"]))
    if isinstance(issue.get("labels"), list):
        labels = (mapping(each).get("name") if isinstance(each, dict) else each for each in issue["labels"])
        said["labels"] = each_once(text(each) for each in labels)
    return said


def closed_column(reason: object) -> str:
    """Where an issue goes that is closed for this reason: what nobody will do is not done."""
    return "not_planned" if reason in ("not_planned", "duplicate") else "closed"


def card_id(board_id: str, issue: Json) -> str | None:
    """The card an issue is: its number in its repository, which is all that comments name it by."""
    number = ident(issue.get("number"))
    return f"{board_id}#{number}" if number else None


def is_pull_request(thing: Json) -> bool:
    """Whether an issue, or the issue a comment stands under, is a pull request."""
    return bool(thing.get("pull_request")) or "/pull/" in str(thing.get("html_url") or "")


def people(things: Iterable[Json]) -> tuple[Entity, ...]:
    """Everybody named in issues, comments or events of them, with their names."""
    found: dict[str, Entity] = {}
    for thing in things:
        told = [thing.get(key) for key in ("user", "actor", "assigner", "assignee", "sender")]
        assignees = thing.get("assignees")
        for user in objects([*told, *(assignees if isinstance(assignees, list) else ())]):
            if who := person(user):
                found[who.entity_id] = who
    return tuple(found.values())


def person(user: Json) -> Entity | None:
    """Somebody who has an account, named by it; None where no id is told."""
    user_id, login = ident(user.get("id")), text(user.get("login"))
    if not user_id:
        return None
    kind = "bot" if user.get("type") == "Bot" else "human"
    names = {"name": text(user.get("name")) or login, "username": login} if login else {}
    return Entity("member", user_id, {**names, "kind": kind})


# ── small change ──────────────────────────────────────────────────────────────────────────────────────────────────


def ident(value: object) -> str | None:
    """An id as text: GitHub tells numbers in REST, text in GraphQL."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return value if isinstance(value, str) and value else None


def nameless(entry: Json) -> str:
    """An id for what has none: the same entry always gets the same."""
    try:
        told = json.dumps(dict(entry), sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):  # too deep to be written: then by what can be
        told = str(sorted(str(key) for key in entry))
    return "nameless:" + hashlib.sha256(told.encode()).hexdigest()


def told_at(*things: Json, otherwise: datetime) -> datetime:
    """The first `created_at` there is: never the moment of reading while anything says better, so that it stays the same."""
    found = (instant(thing.get("created_at")) for thing in things)
    return next((at for at in found if at), otherwise)


def text(value: object) -> str | None:
    """The value where it is a text that says something."""
    return value if isinstance(value, str) and value else None


def each_once(values: Iterable[str | None]) -> list[str]:
    """What there is, in order, each once."""
    return list(dict.fromkeys(value for value in values if value))
