"""What a GitHub webhook tells. Pure.

Most deliveries carry neither the id nor the instant that the list of issue events gives the same fact, so they only
ring: the board is looked at, and the fact is kept as the list tells it. New issues and comments carry both.
"""

from __future__ import annotations

from datetime import datetime

from ingest.sources import Delivery, Heard
from ingest.sources.github_events import commented, opened
from ingest.sources.github_fields import Json, card_id, ident, is_pull_request, people
from ingest.sources.hearing import prove, said, signature
from ingest.sources.values import instant, mapping
from warehouse.model import Event

_OF_REPOSITORIES = frozenset(
    {"issues", "issue_comment", "label", "milestone", "pull_request", "repository", "sub_issues"}
)
_OF_PROJECTS = frozenset({"projects_v2", "projects_v2_item", "projects_v2_status_update"})


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:
    """The facts in a delivery, or the boards to look at because of it; raises HookRefused where it is not GitHub's own."""
    if secret is not None:
        expected = "sha256=" + signature(delivery.body, secret, "sha256").hex()
        prove(delivery.headers.get("x-hub-signature-256", ""), expected, "X-Hub-Signature-256")
    told, kind = said(delivery), delivery.headers.get("x-github-event", "")
    if kind in _OF_PROJECTS:
        project = mapping(told.get("projects_v2"))
        item = mapping(told.get("projects_v2_item")) or mapping(told.get("projects_v2_status_update"))
        board_id = ident(item.get("project_node_id")) or ident(project.get("node_id"))
        return Heard(rings=(board_id,) if board_id else ())
    board_id = ident(mapping(told.get("repository")).get("id"))
    if kind not in _OF_REPOSITORIES or not board_id:
        return Heard()
    events = _events(kind, told, observed_at, board_id)
    if events:
        return Heard(events, people=people([mapping(told.get("issue")), mapping(told.get("comment")), told]))
    return Heard(rings=(board_id,))


def _events(kind: str, told: Json, observed_at: datetime, board_id: str) -> tuple[Event, ...]:
    """What the delivery tells with the same id and instant as the lists do; nothing where it does not."""
    issue, comment, action = mapping(told.get("issue")), mapping(told.get("comment")), told.get("action")
    if not card_id(board_id, issue) or is_pull_request(issue):
        return ()
    if (kind, action) == ("issues", "opened") and _is_whole(issue):
        return (opened(issue, observed_at, board_id=board_id),)
    if kind == "issue_comment" and action in ("created", "edited") and _is_whole(comment):
        was = mapping(mapping(told.get("changes")).get("body")).get("from")
        was = was if action == "edited" and isinstance(was, str) else None
        return tuple(commented(comment, observed_at, board_id=board_id, was=was))
    return ()


def _is_whole(thing: Json) -> bool:
    return bool(ident(thing.get("id")) and instant(thing.get("created_at")))
