"""A Kanboard of our own at the port: one project whose activity it tells the newest 50 entries of, over JSON-RPC."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ingest.sources.kanboard import Kanboard

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FIRST_SECOND = 1_773_133_200  # 2026-03-10T09:00:00Z
BOARD, ANA = "2", 5


def task(task_id: int = 7, **fields: Any) -> dict[str, Any]:
    """A task as Kanboard tells it."""
    return {
        "id": task_id,
        "title": "Dig",
        "description": "",
        "project_id": 2,
        "column_id": 3,
        "owner_id": 0,
        "position": 1,
        "is_active": 1,
        "date_due": 0,
        "creator_id": ANA,
        "date_creation": FIRST_SECOND,
        **fields,
    }


def entry(number: int, kind: str = "task.create", **fields: Any) -> dict[str, Any]:
    """An entry of the activity; two are told in each second."""
    told = {"task": task(), **fields}
    return {
        "id": number,
        "date_creation": FIRST_SECOND + number // 2,
        "event_name": kind,
        "creator_id": ANA,
        "project_id": 2,
        "task_id": told["task"]["id"],
        "author_username": "ana",
        "author_name": "Ana",
        "email": "ana@example.org",
        "avatar_path": None,
        "author": "Ana",
        "event_title": "Ana did it",
        "event_content": "<p>",
        **told,
    }


@dataclass
class KanboardSite:
    """`calls` is every method that was called with its parameters, `refusals` are given before anything else."""

    activity: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": 3, "title": "Ready", "position": 1}]
    )
    users: Any = field(default_factory=lambda: {"5": "Ana"})
    on_tasks: dict[tuple[str, int], Any] = field(default_factory=dict)
    refusals: list[httpx.Response] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def kanboard(self, **options: Any) -> Kanboard:
        """A reader of this site that does not wait."""
        calm = {"first_wait": timedelta(0), "transport": httpx.MockTransport(self.answer)}
        return Kanboard("http://kanboard.test", "token-t", **(calm | options))

    @property
    def user(self) -> str:
        """Who asked last."""
        given = self.requests[-1].headers["authorization"].removeprefix("Basic ")
        return base64.b64decode(given).decode().split(":")[0]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.refusals:
            return self.refusals.pop(0)
        asked = json.loads(request.content)
        told = [{"jsonrpc": "2.0", "id": each["id"], **self._told(each)} for each in asked]
        return httpx.Response(200, json=told[::-1])  # a batch is answered in any order

    def _told(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        method, params = asked["method"], asked["params"]
        self.calls.append((method, params))
        if "task_id" in params:
            return {"result": self.on_tasks.get((method, params["task_id"]), [])}
        project = {"id": 2, "name": "Garden", "is_active": 1}
        if method in ("getAllProjects", "getMyProjects"):
            return {"result": [project, {"id": 3, "name": "Closed", "is_active": 0}]}
        if params.get("project_id") != int(BOARD):
            return {"result": None}
        status = params.get("status_id")
        return {
            "result": {
                "getProjectById": project,
                "getColumns": self.columns,
                "getAllTasks": [each for each in self.tasks if each["is_active"] == status],
                "getProjectUsers": self.users,
                "getProjectActivity": sorted(self.activity, key=lambda each: -(each["id"] or 0))[:50],
            }[method]
        }
