"""A Trello of our own at the port: serves an export's contents as the REST API does, newest action first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx

from ingest.sources.trello_rest import Trello

Reading = Literal["millisecond", "second", "inclusive"]
"""How a Trello compares the border of a page: by date, by the seconds in the ids, or with the border itself."""


@dataclass
class TrelloSite:
    """Boards by id, each as an export has it; `asked` is every request's path and query."""

    boards: dict[str, dict[str, Any]]
    reading: Reading = "millisecond"
    refusals: list[httpx.Response] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    asked: list[httpx.URL] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)

    def trello(self, page: int = 1000, **options: Any) -> Trello:
        """A reader of this site that does not wait."""
        calm = {
            "pace": timedelta(0),
            "first_wait": timedelta(0),
            "transport": httpx.MockTransport(self.answer),
        }
        return Trello("key-k", "token-t", page=page, **(calm | options))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        self.headers.append(request.headers)
        if self.refusals:
            return self.refusals.pop(0)
        parts = request.url.path.strip("/").split("/")[1:]
        query = dict(request.url.params)
        if parts[0] == "members":
            mine = [{"id": each["id"], "name": each["name"]} for each in self.boards.values()]
            return httpx.Response(200, json=mine if parts[-1] == "boards" else {"id": "me"})
        if parts[1] in self.lost:
            return httpx.Response(401, text="unauthorized permission requested")
        board = self.boards.get(parts[1])
        if board is None:
            return httpx.Response(404, text="The requested resource was not found.")
        return httpx.Response(200, content=json.dumps(self._told(board, "/".join(parts[2:]), query)))

    def _told(self, board: dict[str, Any], path: str, query: Mapping[str, str]) -> object:
        if path == "actions":
            actions = sorted(board["actions"], key=_date, reverse=True)
            told = [each for each in actions if self._is_between(each, query)][: int(query["limit"])]
            return [_cut(each) for each in told] if query.get("fields") == "date" else told
        if path == "cards/all":
            cards = sorted(board["cards"], key=lambda each: str(each["id"]), reverse=True)
            return [each for each in cards if self._is_between(each, query)][: int(query["limit"])]
        if path == "labels":
            return board["labels"]
        return {key: value for key, value in board.items() if key not in ("actions", "cards")}

    def _is_between(self, thing: dict[str, Any], query: Mapping[str, str]) -> bool:
        at = _date(thing) if self.reading != "second" else _date(thing).replace(microsecond=0)
        before, since = (_instant(query.get(name)) for name in ("before", "since"))
        if self.reading == "inclusive":
            return (before is None or at <= before) and (since is None or at >= since)
        if self.reading == "second" and before:
            before = before.replace(microsecond=0)
        return (before is None or at < before) and (since is None or at > since - timedelta(milliseconds=1))


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _date(thing: dict[str, Any]) -> datetime:
    """An action's date; a card's making, which is in its id."""
    if isinstance(thing.get("date"), str):
        return datetime.fromisoformat(thing["date"])
    return datetime.fromtimestamp(int(str(thing["id"])[:8], 16), UTC)


def _cut(action: dict[str, Any]) -> dict[str, Any]:
    return {key: action[key] for key in ("id", "date") if key in action}
