"""What happens to issues of a GitHub repository, as REST tells it, in our words. Pure.

A repository is a board, its id the board's; its columns are the states an issue can be in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.sources.github_fields import (
    AT_FIRST,
    SOURCE,
    Json,
    card_fields,
    card_id,
    closed_column,
    ident,
    nameless,
    told_at,
)
from ingest.sources.values import instant, mapping
from warehouse.model import EntityType, Event

NOT_HAPPENINGS = frozenset({"mentioned", "subscribed", "unsubscribed"})
"""Issue events that tell who gets notifications: nobody did anything on the board."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an issue event says in canonical words."""

    action: str
    entity_type: EntityType = "card"
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    column_from: str | None = None
    column_to: str | None = None


def translate(entry: Json, observed_at: datetime, *, board_id: str) -> Event:
    """One entry of /issues/events. A kind we have no word for becomes `unknown`; the entry is kept as payload.

    Of the issue, which GitHub tells again as it is now with each of its events, the payload keeps what names it.
    """
    issue = mapping(entry.get("issue"))
    card = card_id(board_id, issue)
    teller = _TELLERS.get(str(entry.get("event")))
    said = (teller(entry, board_id) if teller and card else None) or Said(
        "unknown", "card" if card else "board"
    )
    entry_id = ident(entry.get("id"))
    named = {key: issue[key] for key in ("id", "number", "node_id", "url") if key in issue}
    return Event(
        source=SOURCE,
        event_id=f"event:{entry_id}" if entry_id else nameless(entry),
        board_id=board_id,
        action=said.action,
        entity_type=said.entity_type,
        entity_id={"card": card, "board": board_id}.get(said.entity_type),
        occurred_at=told_at(entry, issue, otherwise=observed_at),
        observed_at=observed_at,
        card_id=card,
        actor_id=_doer(entry),
        column_from=said.column_from,
        column_to=said.column_to,
        before=said.before,
        after=said.after,
        payload={**entry, "issue": named} if named else entry,
    )


def opened(issue: Json, observed_at: datetime, *, board_id: str, title: str | None = None) -> Event:
    """The creation of an issue; `title` is what it was called then, where that is known.

    Its labels and assignees are not said: each has an event of its own, also those given at the creation.
    """
    card, column = card_id(board_id, issue), f"{board_id}:open"
    told = card_fields(issue, board_id)
    first: dict[str, Any] = {name: told[name] for name in AT_FIRST if name in told}
    return Event(
        source=SOURCE,
        event_id=f"issue:{ident(issue.get('id'))}:opened" if ident(issue.get("id")) else nameless(issue),
        board_id=board_id,
        action="card.created" if card else "unknown",
        entity_type="card" if card else "board",
        entity_id=card or board_id,
        occurred_at=told_at(issue, otherwise=observed_at),
        observed_at=observed_at,
        card_id=card,
        actor_id=ident(mapping(issue.get("user")).get("id")),
        column_to=column if card else None,
        after={**first, **({"title": title} if title else {}), "column_id": column} if card else {},
        payload=issue,
    )


def commented(comment: Json, observed_at: datetime, *, board_id: str, was: str | None = None) -> list[Event]:
    """A comment, and its last edit if it has been edited; `was` is what it said before, where that is told."""
    comment_id, card = ident(comment.get("id")), _card_of_comment(board_id, comment)
    made_at = told_at(comment, otherwise=observed_at)
    said = comment.get("body") if isinstance(comment.get("body"), str) else None
    if not comment_id:
        return [
            _comment(nameless(comment), "unknown", None, made_at, comment, board_id, card, {}, observed_at)
        ]
    edited_at = instant(comment.get("updated_at"))
    is_edited = edited_at is not None and edited_at > made_at
    first = was if is_edited and was is not None else said
    created = _comment(
        f"comment:{comment_id}", "comment.created", comment_id, made_at, comment, board_id, card,
        {"content": first}, observed_at,
    )  # fmt: skip
    if edited_at is None or not is_edited:
        return [created]
    edited = _comment(
        f"comment:{comment_id}:edited:{edited_at.isoformat()}", "comment.updated", comment_id, edited_at, comment,
        board_id, card, {"content": said}, observed_at,
    )  # fmt: skip
    return [created, edited]


def _comment(
    event_id: str,
    action: str,
    comment_id: str | None,
    at: datetime,
    comment: Json,
    board_id: str,
    card: str | None,
    after: dict[str, Any],
    observed_at: datetime,
) -> Event:
    kind: EntityType = "comment" if comment_id else "card" if card else "board"
    return Event(
        source=SOURCE,
        event_id=event_id,
        board_id=board_id,
        action=action,
        entity_type=kind,
        entity_id=comment_id or card or board_id,
        occurred_at=at,
        observed_at=observed_at,
        card_id=card,
        actor_id=ident(mapping(comment.get("user")).get("id")),
        after=after,
        payload=comment,
    )


# ── what kinds of issue events say ────────────────────────────────────────────────────────────────────────────────


def _closed(entry: Json, board_id: str) -> Said:
    """Closed as done, or as not planned; older events do not say why, the issue does while it stays closed."""
    issue = mapping(entry.get("issue"))
    reason = entry.get("state_reason")
    if reason is None and instant(issue.get("closed_at")) == instant(entry.get("created_at")):
        reason = issue.get("state_reason")
    return _moved(f"{board_id}:open", f"{board_id}:{closed_column(reason)}")


def _moved(column_from: str | None, column_to: str) -> Said:
    before = {"column_id": column_from} if column_from else {}
    return Said("card.moved", "card", before, {"column_id": column_to}, column_from, column_to)


def _labeling(word: str) -> Callable[[Json, str], Said | None]:
    def tell(entry: Json, _board_id: str) -> Said | None:
        name = mapping(entry.get("label")).get("name")
        return _given(word, "labels", name) if isinstance(name, str) and name else None

    return tell


def _assignment(word: str) -> Callable[[Json, str], Said | None]:
    def tell(entry: Json, _board_id: str) -> Said | None:
        member = ident(mapping(entry.get("assignee")).get("id"))
        return _given(word, "member_ids", member) if member else None

    return tell


def _given(word: str, name: str, value: str) -> Said:
    facts = {name: [value]}
    took = word.startswith("un")
    return Said(f"card.{word}", "card", facts if took else {}, {} if took else facts)


def _renamed(entry: Json, _board_id: str) -> Said | None:
    rename = mapping(entry.get("rename"))
    old, new = rename.get("from"), rename.get("to")
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    return Said("card.updated", "card", {"title": old}, {"title": new})


_TELLERS: dict[str, Callable[[Json, str], Said | None]] = {
    "closed": _closed,
    "reopened": lambda _entry, board_id: _moved(None, f"{board_id}:open"),
    "labeled": _labeling("labeled"),
    "unlabeled": _labeling("unlabeled"),
    "assigned": _assignment("assigned"),
    "unassigned": _assignment("unassigned"),
    "renamed": _renamed,
    "comment_deleted": lambda _entry, _board_id: Said("comment.deleted", "comment"),
}


# ── small change ──


def _card_of_comment(board_id: str, comment: Json) -> str | None:
    number = str(comment.get("issue_url") or "").rpartition("/issues/")[2]
    return f"{board_id}#{number}" if number.isascii() and number.isdigit() else None


def _doer(entry: Json) -> str | None:
    """Who did it: for assignments the assigner, since `actor` is then the one it is about."""
    return ident(mapping(entry.get("assigner")).get("id")) or ident(mapping(entry.get("actor")).get("id"))
