"""Reads GitHub projects (Projects v2) as boards, by GraphQL: one walk over all items tells where each stands and since when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.sources import Board, BoardGone, Clock, Page, SourceRefused, SourceUnavailable
from ingest.sources.github_fields import Json
from ingest.sources.github_items import happened
from ingest.sources.github_look import OVERLAP, STRETCH
from ingest.sources.github_project import Project, people, snapshot
from ingest.sources.values import instant, mapping, objects, texts
from ingest.sources.wire import Answer, Wire, retry_after
from warehouse.model import Event, Snapshot

_WHO = "__typename login ... on User { databaseId name } ... on Bot { databaseId } ... on Organization { databaseId }"
_TIMELINE = f"""
timelineItems(first: 100, after: $more, since: $since, itemTypes: [
  PROJECT_V2_ITEM_STATUS_CHANGED_EVENT, LABELED_EVENT, UNLABELED_EVENT, ASSIGNED_EVENT, UNASSIGNED_EVENT,
  RENAMED_TITLE_EVENT, ISSUE_COMMENT
]) {{
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    __typename
    ... on ProjectV2ItemStatusChangedEvent {{ id createdAt previousStatus status actor {{ {_WHO} }} project {{ id }} }}
    ... on LabeledEvent {{ id createdAt actor {{ {_WHO} }} label {{ name }} }}
    ... on UnlabeledEvent {{ id createdAt actor {{ {_WHO} }} label {{ name }} }}
    ... on AssignedEvent {{ id createdAt actor {{ {_WHO} }} assignee {{ ... on Actor {{ {_WHO} }} }} }}
    ... on UnassignedEvent {{ id createdAt actor {{ {_WHO} }} assignee {{ ... on Actor {{ {_WHO} }} }} }}
    ... on RenamedTitleEvent {{ id createdAt actor {{ {_WHO} }} previousTitle currentTitle }}
    ... on IssueComment {{ id createdAt author {{ {_WHO} }} body }}
  }}
}}"""
_ISSUE = f"""
  id number title body url repository {{ nameWithOwner }}
  assignees(first: 20) {{ nodes {{ {_WHO} }} }} labels(first: 50) {{ nodes {{ name }} }}"""
_ITEMS = f"""
query($id: ID!, $after: String, $first: Int!%(variables)s) {{
  node(id: $id) {{
    ... on ProjectV2 {{
      id title url closed
      field(name: "Status") {{ ... on ProjectV2SingleSelectField {{ options {{ id name }} }} }}
      items(first: $first, after: $after) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{
          id createdAt isArchived creator {{ {_WHO} }}
          fieldValueByName(name: "Status") {{ ... on ProjectV2ItemFieldSingleSelectValue {{ optionId name updatedAt }} }}
          content {{
            __typename
            ... on DraftIssue {{ title body assignees(first: 20) {{ nodes {{ {_WHO} }} }} }}
            ... on Issue {{ {_ISSUE} %(timeline)s }}
            ... on PullRequest {{ {_ISSUE} %(timeline)s }}
          }}
        }}
      }}
    }}
  }}
}}"""
ITEMS = _ITEMS % {"variables": "", "timeline": ""}
HISTORY = _ITEMS % {"variables": ", $since: DateTime, $more: String", "timeline": _TIMELINE}
MORE = f"""
query($id: ID!, $since: DateTime, $more: String) {{
  node(id: $id) {{ ... on Issue {{ {_TIMELINE} }} ... on PullRequest {{ {_TIMELINE} }} }}
}}"""
FIND = """
query($owner: String!, $number: Int!) {
  repositoryOwner(login: $owner) { ... on ProjectV2Owner { projectV2(number: $number) { id title } } }
}"""
PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Position:
    """The newest item seen, and the newest instant of anything told; "" for nothing yet.

    `known` are the facts told of the last moments before, which the next look meets again.
    """

    items: str = ""
    told: str = ""
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Position:
        """The position that `str` gave; an unreadable one is the beginning."""
        try:
            kept = mapping(json.loads(text)) if text else {}
        except ValueError:
            kept = {}
        reached = {name: kept[name] for name in ("items", "told") if instant(kept.get(name))}
        return cls(**reached, known=tuple(texts(kept.get("known"))))

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class Projects:
    """The projects one token reads, named owner/number."""

    def __init__(self, wire: Wire, names: tuple[str, ...]) -> None:
        self._wire, self._names = wire, names

    def boards(self) -> list[Board]:
        """Each project that is named; raises SourceRefused where one cannot be seen."""
        return [self._board(name) for name in self._names]

    def _board(self, name: str) -> Board:
        owner, _, number = name.rpartition("/")
        try:
            data = self._ask(FIND, {"owner": owner, "number": int(number)})
            found = mapping(mapping(data.get("repositoryOwner")).get("projectV2"))
        except (BoardGone, ValueError):
            found = {}
        if not isinstance(found.get("id"), str):
            raise SourceRefused(
                f"GITHUB_PROJECTS names {name!r}, which {self._wire.base_url} does not show to this token; write owner/number "
                "as in the project's address, and let the token read projects (scope read:project)"
            )
        return Board(found["id"], str(found.get("title") or name))

    def check(self, board_id: str) -> None:
        """Raise unless this project can be read with its history: SourceChanged where the server is too old to tell it."""
        self._ask(HISTORY, {"id": board_id, "first": 1}, board_id)

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """All items as they are now."""
        taken_at, project, items = clock(), None, []
        for project, page in self._pages(ITEMS, board_id, {}):  # noqa: B007 - the last page's project is the newest
            items += page
        assert project is not None
        return snapshot(project, items, taken_at)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """What happened after `after`, each page by time; the position moves with the last one.

        Items come in the order people gave them, so only the end of the walk says that all was seen.
        """
        position = Position.of(after)
        told_at, new_since = instant(position.told), instant(position.items)
        begin = told_at - OVERLAP if told_at else None
        since = {"since": begin.isoformat().replace("+00:00", "Z")} if begin else {}
        events: list[Event] = []
        items: list[Json] = []
        newest = new_since
        for project, page in self._pages(HISTORY, board_id, since):
            for item in page:
                made_at = instant(item.get("createdAt"))
                newest = max(filter(None, (newest, made_at)), default=None)
                events += happened(project, item, clock(), after=begin, new_since=new_since)
            items += page
        newest_told = max([*(event.occurred_at for event in events), *filter(None, [told_at])], default=None)
        recent = {
            event.event_id for event in events if newest_told and event.occurred_at >= newest_told - OVERLAP
        }
        if newest_told == told_at:
            recent.update(position.known)
        reached = Position(_iso(newest), _iso(newest_told), tuple(sorted(recent)))
        known = frozenset(position.known)
        news = sorted(
            (event for event in events if event.event_id not in known), key=lambda event: event.occurred_at
        )
        if news or reached != position:
            who = people(items)
            for begun in range(0, max(len(news), 1), STRETCH):
                is_last = begun + STRETCH >= len(news)
                yield Page(tuple(news[begun : begun + STRETCH]), str(reached if is_last else position), who)

    def _pages(
        self, query: str, board_id: str, variables: Mapping[str, Any]
    ) -> Iterator[tuple[Project, list[Json]]]:
        cursor: str | None = None
        while True:
            asked = {"id": board_id, "first": PER_PAGE, "after": cursor, **variables}
            node = mapping(self._ask(query, asked, board_id).get("node"))
            if not node:
                raise BoardGone(
                    f"project {board_id} of {self._wire.base_url} is gone, or this token does not see it"
                )
            items = mapping(node.get("items"))
            page = [self._whole(item, variables) for item in objects(items.get("nodes"))]
            yield Project.of(node), page
            cursor = _more(items)
            if cursor is None:
                return

    def _whole(self, item: Json, variables: Mapping[str, Any]) -> Json:
        """The item with all of its timeline, where one page does not hold it."""
        content = mapping(item.get("content"))
        timeline = mapping(content.get("timelineItems"))
        entries = objects(timeline.get("nodes"))
        while (cursor := _more(timeline)) and content.get("id"):
            data = self._ask(MORE, {"id": content["id"], "more": cursor, **variables})
            timeline = mapping(mapping(data.get("node")).get("timelineItems"))
            entries = [*entries, *objects(timeline.get("nodes"))]
        return {**item, "content": {**content, "timelineItems": {"nodes": entries}}} if entries else item

    def _ask(self, query: str, variables: Mapping[str, Any], board_id: str | None = None) -> Json:
        """The `data` of an answer. What GraphQL calls errors comes with status 200."""
        answer = self._wire.post(
            "/graphql", {"query": query, "variables": dict(variables)}, board_id=board_id
        )
        told = mapping(answer.told)
        errors, data = objects(told.get("errors")), mapping(told.get("data"))
        if errors and not any(data.values()):
            raise _meant(errors, answer)
        if not isinstance(told.get("data"), dict):
            raise answer.changed("told no `data`")
        return data


def _meant(errors: list[Json], answer: Answer) -> Exception:
    """What an error without data means for the caller."""
    kinds = {str(error.get("type")) for error in errors}
    words = "; ".join(str(error.get("message")) for error in errors)[:300]
    if "RATE_LIMITED" in kinds:
        wait = retry_after(answer.headers)
        return SourceUnavailable(f"{answer.asked} says: {words}", wait or timedelta(minutes=1))
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return SourceRefused(
            f"{answer.asked} says: {words}; let GITHUB_TOKEN read projects (scope read:project)"
        )
    if "NOT_FOUND" in kinds:
        return BoardGone(f"{answer.asked} says: {words}")
    return answer.changed(f"says: {words}")


def _more(connection: Json) -> str | None:
    page = mapping(connection.get("pageInfo"))
    cursor = page.get("endCursor")
    return cursor if page.get("hasNextPage") is True and isinstance(cursor, str) else None


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
