"""Reads a Kanboard over JSON-RPC: projects, how they stand, and their activity; its webhooks ring."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from ingest.sources import Board, BoardGone, Clock, Delivery, Heard, Level, Page, SourceRefused
from ingest.sources.hearing import prove, said
from ingest.sources.kanboard_events import Memory, author, translate
from ingest.sources.kanboard_fields import SOURCE, Told, key, snapshot, text
from ingest.sources.site import Site
from ingest.sources.values import mapping, objects
from ingest.sources.wire import Answer, Door, Wire
from warehouse.model import Snapshot

__all__ = ["SOURCE", "Kanboard", "connect", "hear", "translate"]

APP = "jsonrpc"  # the user name that goes with the token of the whole Kanboard
_PATH = "/jsonrpc.php"
_DOOR = Door("Kanboard", "KANBOARD_BASE_URL", "KANBOARD_TOKEN")
_BATCH = 90  # calls in one request
_NO_ACCESS = (401, 403, -32001, -32003)

Call = tuple[str, Mapping[str, Any]]


class Kanboard(Site):
    """One Kanboard, as its application token or one of its users sees it. Safe to use from several threads."""

    name = SOURCE
    rest = timedelta(seconds=30)

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        user: str = APP,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
    ) -> None:
        """`token` is the application's, or with `user` that user's own; raises SourceRefused where it cannot be one."""
        _DOOR.key(token)
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._wire = Wire(
            base_url,
            headers={"Authorization": f"Basic {basic}"},
            door=_DOOR,
            transport=transport,
            attempts=attempts,
            first_wait=first_wait,
        )
        super().__init__(self._wire)
        self._is_app = user == APP
        self._memory: dict[str, Memory] = {}

    def boards(self) -> list[Board]:
        """Every open project: all there are with the application's token, the user's own with a user's."""
        answer, (told,) = self._ask(("getAllProjects" if self._is_app else "getMyProjects", {}))
        if not isinstance(told, list):
            raise answer.changed("told no list of projects")
        return [
            Board(board_id, str(project.get("name") or ""))
            for project in objects(told)
            if str(project.get("is_active")) == "1" and (board_id := key(project.get("id")))
        ]

    def probe(self, board_id: str) -> Level:
        """Kanboard keeps an activity of every project: this looks whether it opens."""
        self._activity(board_id)
        return "log"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The project as it stands now, with its closed tasks and all that is on them."""
        taken_at = clock()  # before asking: what changes meanwhile counts as later
        project = {"project_id": int(board_id)}
        answer, (about, columns, opened, closed, users) = self._ask(
            ("getProjectById", project),
            ("getColumns", project),
            ("getAllTasks", {**project, "status_id": 1}),
            ("getAllTasks", {**project, "status_id": 0}),
            ("getProjectUsers", project),
        )
        if not about:
            raise BoardGone(
                f"project {board_id} of {self._wire.base_url} is not there, or closed to this token"
            )
        if not isinstance(columns, list) or not isinstance(opened, list) or not isinstance(closed, list):
            raise answer.changed(f"told no columns and tasks of project {board_id}")
        tasks = [*objects(opened), *objects(closed)]
        told = Told(mapping(about), objects(columns), tasks, _names(users), self._details(tasks))
        return snapshot(told, self._wire.base_url, board_id, taken_at)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """What the project's activity tells after the entry `after`, oldest first: of the newest 50, which is all it tells."""
        entries = sorted(self._activity(board_id), key=_place)
        observed_at, memory = clock(), self._memory.setdefault(board_id, {})
        url = self._wire.base_url
        events = [
            translate(entry, observed_at, board_id=board_id, base_url=url, memory=memory) for entry in entries
        ]
        # The last entry, and those that stood before it then: others among them have come late. What is older than all
        # of them has only moved up into the newest 50 because a task was deleted together with its entries.
        told = {int(each) for each in after.split() if each.isdecimal()}
        new = [
            each
            for each in events
            if not (at := _place(each.payload)) or (at not in told and at > min(told, default=0))
        ]
        if new:
            last = max([*map(_place, entries), *told])
            before = sorted({_place(entry) for entry in entries} - {last, 0})
            named = {found.entity_id: found for entry in entries if (found := author(entry))}
            yield Page(tuple(new), " ".join(map(str, [last, *before])), tuple(named.values()))

    def _activity(self, board_id: str) -> list[Mapping[str, Any]]:
        answer, (about, told) = self._ask(
            ("getProjectById", {"project_id": int(board_id)}),
            ("getProjectActivity", {"project_id": int(board_id)}),
        )
        if not about:
            raise BoardGone(
                f"project {board_id} of {self._wire.base_url} is not there, or closed to this token"
            )
        if not isinstance(told, list):
            raise answer.changed(f"told no activity of project {board_id}")
        return objects(told)

    def _details(self, tasks: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], object]:
        """Comments, subtasks and tags of each task: Kanboard tells them a task at a time only."""
        wanted = [
            (task_id, kind, (method, {"task_id": int(task_id)}))
            for task in tasks
            if (task_id := key(task.get("id")))
            for kind, method in (
                ("comments", "getAllComments"),
                ("subtasks", "getAllSubtasks"),
                ("tags", "getTaskTags"),
            )
        ]
        found: dict[tuple[str, str], object] = {}
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            _, results = self._ask(*(call for _, _, call in part))
            found |= {
                (task_id, kind): result for (task_id, kind, _), result in zip(part, results, strict=True)
            }
        return found

    def _ask(self, *calls: Call) -> tuple[Answer, list[Any]]:
        """The results of several calls, sent as one request."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        answer = self._wire.post(_PATH, body)
        told = answer.told if isinstance(answer.told, list) else [answer.told]
        by_number = {each.get("id"): each for each in objects(told)}
        for each in objects(told):
            self._check(answer, mapping(each.get("error")))
        if set(by_number) != set(range(len(calls))):
            raise answer.changed("did not answer each call")
        return answer, [by_number[number].get("result") for number in range(len(calls))]

    def _check(self, answer: Answer, error: Mapping[str, Any]) -> None:
        if not error:
            return
        why = f"{error.get('message')} {error.get('data') or ''}".strip()
        if error.get("code") in _NO_ACCESS:
            raise SourceRefused(
                f"{answer.asked} answered {error.get('code')} ({why}); check KANBOARD_TOKEN and KANBOARD_USER, and that "
                "it may read the project"
            )
        raise answer.changed(f"answered the error {error.get('code')} ({why})")


def connect(settings: Mapping[str, str]) -> Kanboard:
    """The Kanboard the settings name; raises SourceRefused naming what is missing and how to get it."""
    address, token = settings.get("KANBOARD_BASE_URL", ""), settings.get("KANBOARD_TOKEN", "")
    if not address:
        raise SourceRefused(
            "KANBOARD_BASE_URL is not set; set it to the address of your Kanboard, http(s)://host"
        )
    if not token:
        raise SourceRefused(
            "KANBOARD_TOKEN is not set; in Kanboard: Settings, API, API token; or with KANBOARD_USER that user's own "
            "(My profile, API)"
        )
    return Kanboard(address, token, user=settings.get("KANBOARD_USER") or APP)


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:  # noqa: ARG001 - sources hear alike
    """Which project to look at; raises HookRefused where the address does not carry the token.

    It tells no facts: a delivery has neither an id nor an instant, so that nobody could say which entry of the
    activity it is.
    """
    if secret is not None:
        prove(delivery.query.get("token", ""), secret, "the token in the address")
    told = mapping(said(delivery).get("event_data"))
    named = (told.get("project_id"), mapping(told.get("task")).get("project_id"))
    return Heard(rings=tuple(dict.fromkeys(board for each in named if (board := key(each)))))


# small things ------------------------------------------------------------------------------------


def _place(entry: Mapping[str, Any]) -> int:
    return int(key(entry.get("id")) or 0)


def _names(users: object) -> dict[str, str]:
    """A project's members: names by id; nobody comes as an empty list."""
    return {found: str(text(name) or "") for each, name in mapping(users).items() if (found := key(each))}
