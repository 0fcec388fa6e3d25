"""A Jira of our own at the port: issues with their pasts, searched by the JQL we send, paged by places in a list.

Its marks of pages are numbers of places: what a site at its worst would do, where one issue less moves all others up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ingest.sources.jira import Jira

SITE = "https://garden.atlassian.net"
ANA = {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ana Lima"}
BEN = {"accountId": "5b109f2e9729b51b54dc274d", "displayName": "Ben Okri"}
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STATUSES = {
    "10": ("To plant", "new"),
    "11": ("Digging", "indeterminate"),
    "12": ("Watering", "indeterminate"),
    "13": ("Planted", "done"),
    "14": ("Compost", "done"),
}
COLUMNS = {"To plant": ["10"], "At work": ["11", "12"], "Planted": ["13"]}


def told(at: datetime) -> str:
    """An instant as Jira writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def status(number: str) -> dict[str, Any]:
    name, category = STATUSES[number]
    return {"id": number, "name": name, "statusCategory": {"key": category}}


def item(name: str, was: str | None, now: str | None, *, words: bool = False, **more: Any) -> dict[str, Any]:
    """A changelog item; `words` where Jira tells texts alone."""
    ids = {"from": None if words else was, "to": None if words else now}
    return {
        "field": name,
        "fieldtype": "jira",
        "fieldId": name,
        **ids,
        "fromString": was,
        "toString": now,
        **more,
    }


def history(
    number: int, at: datetime, *items: dict[str, Any], author: dict[str, Any] = ANA
) -> dict[str, Any]:
    return {"id": str(number), "author": author, "created": told(at), "items": list(items)}


def issue(number: int, *, at: datetime = START, **fields: Any) -> dict[str, Any]:
    """An issue as a search tells it, created `at` and not changed since unless told otherwise."""
    kept = {
        "summary": f"Tulips {number}",
        "description": None,
        "status": status("10"),
        "assignee": None,
        "labels": [],
    }
    kept |= {
        "duedate": None,
        "resolution": None,
        "creator": ANA,
        "reporter": ANA,
        "created": told(at),
        "updated": told(at),
    }
    kept |= {"comment": {"comments": [], "total": 0}}
    return {
        "id": str(number),
        "key": f"GAR-{number}",
        "self": f"{SITE}/rest/api/2/issue/{number}",
        "fields": kept | fields,
    }


@dataclass
class JiraSite:
    """Issues, what happened to them, and what the search already knows of it. Everything can be changed between requests."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    pasts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    boards: dict[str, str] = field(default_factory=lambda: {"1": "Garden"})
    configuration: dict[str, Any] | None = None
    statuses: list[dict[str, Any]] = field(default_factory=lambda: [status(each) for each in STATUSES])
    now: datetime = START + timedelta(days=1)
    comments_told: int = 20
    as_numbers: bool = True
    refusals: list[httpx.Response] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    between: Callable[[], None] = field(default=lambda: None)
    not_indexed: set[str] = field(default_factory=set)

    def jira(self, page: int = 100, **options: Any) -> Jira:
        """A reader of this site that does not wait."""
        calm = {
            "pace": timedelta(0),
            "first_wait": timedelta(0),
            "transport": httpx.MockTransport(self.answer),
        }
        return Jira(SITE, "ana@example.org", "token-t", page=page, **(calm | options))

    def change(self, number: int, at: datetime, *items: dict[str, Any], **fields: Any) -> None:
        """What somebody did to an issue, in its past and in what it is now."""
        past = self.pasts.setdefault(str(number), [])
        past.insert(0, history(1000 + sum(map(len, self.pasts.values())), at, *items))
        found = next(each for each in self.issues if each["id"] == str(number))
        found["fields"] |= {**fields, "updated": told(at)}

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        self.asked.append((path, body or dict(request.url.params)))
        self.headers.append(request.headers)
        if self.refusals:
            return self.refusals.pop(0)
        found = self._told(path, body, request.url.params)
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return httpx.Response(
            404 if found is None else 200, content=json.dumps(found), headers={"Date": date}
        )

    def _told(self, path: str, body: dict[str, Any], params: httpx.QueryParams) -> object:
        if path == "/rest/agile/1.0/board":
            start = int(params["startAt"])
            found = [{"id": int(number), "name": name} for number, name in self.boards.items()]
            return {"values": found[start : start + 1], "isLast": start + 1 >= len(found)}
        if named := re.fullmatch(r"/rest/agile/1.0/board/(\d+)/configuration", path):
            return self._configuration(named[1]) if named[1] in self.boards else None
        if path == "/rest/api/2/status":
            return self.statuses
        if path == "/rest/api/2/search/jql":
            return self._found(body)
        if path == "/rest/api/2/changelog/bulkfetch":
            return self._pasts(body)
        if named := re.fullmatch(r"/rest/api/2/issue/(\d+)/comment", path):
            start, most = int(params["startAt"]), int(params["maxResults"])
            found = next((each for each in self.issues if each["id"] == named[1]), None)
            return found and {"comments": found["fields"]["comment"]["comments"][start : start + most]}
        raise AssertionError(path)

    def _configuration(self, number: str) -> dict[str, Any]:
        columns = [
            {"name": name, "statuses": [{"id": each} for each in own]} for name, own in COLUMNS.items()
        ]
        made = {
            "id": int(number),
            "name": self.boards[number],
            "filter": {"id": "77"},
            "columnConfig": {"columns": columns},
        }
        return self.configuration or made | {"self": f"{SITE}/rest/agile/1.0/board/{number}/configuration"}

    def _found(self, body: dict[str, Any]) -> dict[str, Any]:
        self.between()
        bounds = {name: int(at) for name, at in re.findall(r"(updated|created) >= (\d+)", body["jql"])}
        assert body["jql"].endswith("ORDER BY created ASC")
        matching = [
            each
            for each in sorted(self.issues, key=lambda each: str(each["fields"].get("created")))
            if each["id"] not in self.not_indexed
            and all(_milliseconds(each["fields"][name]) >= at for name, at in bounds.items())
        ]
        start = int(body.get("nextPageToken", 0))
        page = [self._cut(each) for each in matching[start : start + body["maxResults"]]]
        is_last = start + len(page) >= len(matching)
        return {"issues": page, "isLast": is_last} | (
            {} if is_last else {"nextPageToken": str(start + len(page))}
        )

    def _cut(self, found: dict[str, Any]) -> dict[str, Any]:
        """An issue with no more comments than a search tells."""
        comments = found["fields"].get("comment")
        if not isinstance(comments, dict) or not isinstance(comments.get("comments"), list):
            return found
        some = {"comments": comments["comments"][: self.comments_told], "total": len(comments["comments"])}
        return found | {"fields": found["fields"] | {"comment": some}}

    def _pasts(self, body: dict[str, Any]) -> dict[str, Any]:
        flat = [(name, each) for name in body["issueIdsOrKeys"] for each in self.pasts.get(name, [])]
        start = int(body.get("nextPageToken", 0))
        page = flat[start : start + 3]
        logs = [{"issueId": name, "changeHistories": [self._dated(each)]} for name, each in page]
        more = {} if start + 3 >= len(flat) else {"nextPageToken": str(start + 3)}
        return {"issueChangeLogs": logs, **more}

    def _dated(self, past: dict[str, Any]) -> dict[str, Any]:
        is_number = self.as_numbers and str(past.get("created")).startswith("20")
        return past | {"created": _milliseconds(past["created"])} if is_number else past


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
