"""A GitHub of our own at the port: repositories by REST, projects by GraphQL, and the webhooks they would send."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from ingest.sources import Delivery
from ingest.sources.github import GitHub

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REPO = 7001
ADA = {"login": "ada", "id": 11, "type": "User"}
BEN = {"login": "ben", "id": 12, "type": "User"}
BOT = {"login": "robot[bot]", "id": 13, "type": "Bot"}


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class GitHubSite:
    """One repository, acme/shop, and one project, acme/5. Time goes on a second with each thing done."""

    at: datetime = BEGIN
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    hooks: list[Delivery] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    refusals: list[httpx.Response] = field(default_factory=list)
    before_answer: Callable[[httpx.Request], None] = lambda _request: None
    last: int = 100
    page: int = 100

    # ── what people do ─────────────────────────────────────────────────────────────────────────────────────────

    def open(
        self,
        title: str = "Broken",
        *,
        who: dict[str, Any] = ADA,
        labels: tuple[str, ...] = (),
        pull: bool = False,
    ) -> int:
        number = len(self.issues) + 1
        at = self._tick()
        kind = "pull" if pull else "issues"
        self.issues[number] = {
            "id": 9000 + number, "node_id": f"I_{number}", "number": number, "title": title, "body": f"{title}!", "user": who,
            "state": "open", "state_reason": None, "labels": [], "assignees": [], "milestone": None, "comments": 0,
            "url": f"https://api.github.test/repos/acme/shop/issues/{number}", "html_url": f"https://github.test/acme/shop/{kind}/{number}",
            "created_at": stamp(at), "updated_at": stamp(at), "closed_at": None, **({"pull_request": {"url": "…"}} if pull else {}),
        }  # fmt: skip
        self._hook("issues", "opened", number, who)
        for label in labels:
            self.label(number, label, who=who, at=at)
        return number

    def close(self, number: int, reason: str = "completed", who: dict[str, Any] = BEN) -> None:
        at = self._touch(number, state="closed", state_reason=reason)
        self.issues[number]["closed_at"] = stamp(at)
        self._event(number, "closed", who, at, state_reason=None if reason == "completed" else reason)
        self._hook("issues", "closed", number, who)

    def reopen(self, number: int, who: dict[str, Any] = BEN) -> None:
        at = self._touch(number, state="open", state_reason="reopened", closed_at=None)
        self._event(number, "reopened", who, at)
        self._hook("issues", "reopened", number, who)

    def label(self, number: int, name: str, who: dict[str, Any] = ADA, at: datetime | None = None) -> None:
        at = self._touch(number, at=at)
        self.issues[number]["labels"].append({"id": len(name), "name": name, "color": "d73a4a"})
        self._event(number, "labeled", who, at, label={"name": name, "color": "d73a4a"})
        self._hook("issues", "labeled", number, who, label={"name": name})

    def unlabel(self, number: int, name: str) -> None:
        at = self._touch(number)
        self.issues[number]["labels"] = [
            each for each in self.issues[number]["labels"] if each["name"] != name
        ]
        self._event(number, "unlabeled", ADA, at, label={"name": name, "color": "d73a4a"})

    def assign(self, number: int, whom: dict[str, Any], who: dict[str, Any] = ADA) -> None:
        at = self._touch(number)
        self.issues[number]["assignees"].append(whom)
        self._event(number, "assigned", whom, at, assignee=whom, assigner=who)
        self._event(number, "subscribed", whom, at)
        self._hook("issues", "assigned", number, who, assignee=whom)

    def rename(self, number: int, title: str) -> None:
        old = self.issues[number]["title"]
        at = self._touch(number, title=title)
        self._event(number, "renamed", ADA, at, rename={"from": old, "to": title})
        self._hook("issues", "edited", number, ADA, changes={"title": {"from": old}})

    def comment(self, number: int, body: str, who: dict[str, Any] = BEN) -> int:
        at, comment_id = self._touch(number), self._next()
        kind = "pull" if "pull_request" in self.issues[number] else "issues"
        self.comments[comment_id] = {
            "id": comment_id, "node_id": f"IC_{comment_id}", "user": who, "body": body, "created_at": stamp(at), "updated_at": stamp(at),
            "issue_url": f"https://api.github.test/repos/acme/shop/issues/{number}",
            "html_url": f"https://github.test/acme/shop/{kind}/{number}#issuecomment-{comment_id}",
        }  # fmt: skip
        self._hook("issue_comment", "created", number, who, comment=self.comments[comment_id])
        return comment_id

    def edit_comment(self, number: int, comment_id: int, body: str) -> None:
        old, at = self.comments[comment_id]["body"], self._touch(number)
        self.comments[comment_id] |= {"body": body, "updated_at": stamp(at)}
        self._hook(
            "issue_comment",
            "edited",
            number,
            BEN,
            comment=self.comments[comment_id],
            changes={"body": {"from": old}},
        )

    def delete_comment(self, number: int, comment_id: int) -> None:
        at = self._touch(number)
        self._hook("issue_comment", "deleted", number, BEN, comment=self.comments.pop(comment_id))
        self._event(number, "comment_deleted", BEN, at)

    # ── a project ──────────────────────────────────────────────────────────────────────────────────────────────

    def make_project(self, *statuses: str) -> None:
        options = [{"id": f"opt{place}", "name": name} for place, name in enumerate(statuses)]
        self.project = {
            "id": "PVT_1", "title": "Roadmap", "url": "https://github.test/orgs/acme/projects/5", "closed": False,
            "field": {"options": options}, "items": [],
        }  # fmt: skip

    def add_item(self, title: str, *, draft: bool = False, labels: tuple[str, ...] = ()) -> dict[str, Any]:
        at, number = self._tick(), self._next()
        content: dict[str, Any] = {
            "__typename": "DraftIssue",
            "title": title,
            "body": "",
            "assignees": {"nodes": []},
        }
        if not draft:
            content |= {
                "__typename": "Issue", "id": f"I_{number}", "number": number, "url": f"https://github.test/acme/shop/issues/{number}",
                "repository": {"nameWithOwner": "acme/shop"}, "labels": {"nodes": [{"name": name} for name in labels]}, "timeline": [],
            }  # fmt: skip
        item = {
            "id": f"PVTI_{number}", "createdAt": stamp(at), "isArchived": False, "fieldValueByName": None, "content": content,
            "creator": gql(ADA),
        }  # fmt: skip
        self.project["items"].append(item)
        return item

    def put(self, item: dict[str, Any], status: str, *, is_recorded: bool = True, late: int = 0) -> None:
        """Set the status; GitHub may forget to record it in the timeline, or record it a little later."""
        at = self._tick()
        option = next(each for each in self.project["field"]["options"] if each["name"] == status)
        old = (item["fieldValueByName"] or {}).get("name") or ""
        item["fieldValueByName"] = {"optionId": option["id"], "name": status, "updatedAt": stamp(at)}
        if is_recorded and "timeline" in item["content"]:
            self.record(
                item, "ProjectV2ItemStatusChangedEvent", at + timedelta(seconds=late), actor=gql(BEN), previousStatus=old,
                status=status, project={"id": "PVT_1"},
            )  # fmt: skip

    def record(self, item: dict[str, Any], kind: str, at: datetime | None = None, **more: Any) -> None:
        at = at or self._tick()
        item["content"]["timeline"].append(
            {"__typename": kind, "id": f"T_{self._next()}", "createdAt": stamp(at), **more}
        )

    # ── answers ────────────────────────────────────────────────────────────────────────────────────────────────

    def github(self, **options: Any) -> GitHub:
        """A reader of this GitHub."""
        named = {"repositories": ("acme/shop",), "projects": ("acme/5",) if self.project else ()}
        return GitHub(
            "ghp_secret", base_url="https://api.github.test", transport=httpx.MockTransport(self.answer), attempts=2,
            first_wait=timedelta(), **{**named, **options},
        )  # fmt: skip

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.before_answer(request)
        if self.refusals:
            return self.refusals.pop(0)
        path, asked = request.url.path, dict(request.url.params)
        if path == "/graphql":
            return self._graphql(json.loads(request.content))
        if path.lower() == "/repos/acme/shop":
            return httpx.Response(200, json=self.repository())
        if not path.startswith("/repos/acme/shop/"):
            return httpx.Response(404, json={"message": "Not Found"})
        if path.endswith("/issues/events"):
            told = [
                {**event, "issue": self.issues[event["number"]]}
                for event in reversed(self.events)
                if event["number"] in self.issues
            ]
        else:
            things = self.comments if path.endswith("/comments") else self.issues
            told = sorted(things.values(), key=lambda thing: thing["updated_at"])
            assert (asked["sort"], asked["direction"]) == ("updated", "asc")
            told = [thing for thing in told if thing["updated_at"] >= asked.get("since", "")]
        return self._paged(request, told, asked)

    def repository(self) -> dict[str, Any]:
        return {
            "id": REPO,
            "full_name": "acme/shop",
            "html_url": "https://github.test/acme/shop",
            "archived": False,
        }

    def _paged(
        self, request: httpx.Request, told: list[dict[str, Any]], asked: dict[str, str]
    ) -> httpx.Response:
        number = int(asked.get("page", "1"))
        size = min(self.page, int(asked["per_page"]))
        headers = {}
        if number * size < len(told):
            query = urlencode({**asked, "page": str(number + 1)})
            headers["link"] = (
                f'<https://api.github.test/repositories/{REPO}/issues?{query}>; rel="next", <https://x>; rel="last"'
            )
        return httpx.Response(
            200, json=json.loads(json.dumps(told[(number - 1) * size : number * size])), headers=headers
        )

    def _graphql(self, asked: dict[str, Any]) -> httpx.Response:
        variables, query = asked["variables"], asked["query"]
        if "repositoryOwner" in query:
            found = (
                self.project
                if (variables["owner"], variables["number"]) == ("acme", 5) and self.project
                else None
            )
            return httpx.Response(
                200,
                json={
                    "data": {
                        "repositoryOwner": {
                            "projectV2": found and {"id": found["id"], "title": found["title"]}
                        }
                    }
                },
            )
        if "items(first" not in query:
            item = next(
                each for each in self.project["items"] if each["content"].get("id") == variables["id"]
            )
            return httpx.Response(200, json={"data": {"node": self._timeline(item, variables)}})
        if variables["id"] != self.project.get("id"):
            return httpx.Response(
                200,
                json={"data": {"node": None}, "errors": [{"type": "NOT_FOUND", "message": "no such node"}]},
            )
        first, begin = min(self.page, variables["first"]), int(variables.get("after") or 0)
        items = [
            {
                **item,
                "content": {
                    **plain(item["content"]),
                    **(self._timeline(item, variables) if "timelineItems" in query else {}),
                },
            }
            for item in self.project["items"][begin : begin + first]
        ]
        more = begin + first < len(self.project["items"])
        node = {
            **self.project,
            "items": {"nodes": items, "pageInfo": {"hasNextPage": more, "endCursor": str(begin + first)}},
        }
        return httpx.Response(200, json=json.loads(json.dumps({"data": {"node": node}})))

    def _timeline(self, item: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if "timeline" not in item["content"]:
            return {}
        entries = [
            each
            for each in item["content"]["timeline"]
            if each["createdAt"] >= (variables.get("since") or "")[:19]
        ]
        entries.sort(key=lambda entry: entry["createdAt"])
        begin = int(variables.get("more") or 0)
        size = min(self.page, 100)
        page = {"hasNextPage": begin + size < len(entries), "endCursor": str(begin + size)}
        return {"timelineItems": {"nodes": entries[begin : begin + size], "pageInfo": page}}

    # ── inside ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _tick(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def _next(self) -> int:
        self.last += 1
        return self.last

    def _touch(self, number: int, at: datetime | None = None, **changes: Any) -> datetime:
        at = at or self._tick()
        self.issues[number] |= {**changes, "updated_at": stamp(at)}
        return at

    def _event(self, number: int, kind: str, who: dict[str, Any], at: datetime, **more: Any) -> None:
        self.events.append(
            {
                "id": self._next(),
                "number": number,
                "event": kind,
                "actor": who,
                "created_at": stamp(at),
                **more,
            }
        )

    def _hook(self, kind: str, action: str, number: int, who: dict[str, Any], **more: Any) -> None:
        told = {
            "action": action,
            "issue": self.issues[number],
            "repository": self.repository(),
            "sender": who,
            **more,
        }
        self.hooks.append(delivery(kind, told))


def delivery(kind: str, told: object) -> Delivery:
    return Delivery(
        "/hooks/github",
        {},
        {"x-github-event": kind, "content-type": "application/json"},
        json.dumps(told).encode(),
    )


def gql(user: dict[str, Any]) -> dict[str, Any]:
    """A user as GraphQL tells one."""
    return {
        "__typename": user["type"],
        "login": user["login"],
        "databaseId": user["id"],
        "name": user["login"].title(),
    }


def plain(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "timeline"}
