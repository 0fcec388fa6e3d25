"""A PLANKA of our own at the port: a board, its log newest first by pages of 50, its archive and its comments."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ingest.sources.planka import Planka

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FIRST_AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
BOARD, ANA, TODO, DONE, ARCHIVE, TRASH = "501", "601", "701", "702", "703", "704"
LISTS = {TODO: "active", DONE: "closed", ARCHIVE: "archive", TRASH: "trash"}


def number(turn: int, *, milliseconds: int = 1000) -> str:
    """The id that PLANKA gives `turn` steps of so many milliseconds after the start."""
    at = FIRST_AT + timedelta(milliseconds=turn * milliseconds)
    return str(((int(at.timestamp() * 1000) - 1567191600000) << 23) + 1)


def row(turn: int, **fields: Any) -> dict[str, Any]:
    """A row made at that turn."""
    made_at = (FIRST_AT + timedelta(seconds=turn)).isoformat().replace("+00:00", "Z")
    return {"id": number(turn), "createdAt": made_at, "updatedAt": None, **fields}


def action(kind: str, turn: int, card: str, **data: Any) -> dict[str, Any]:
    return row(
        turn, type=kind, boardId=BOARD, cardId=card, userId=ANA, data={"card": {"name": "Dig"}, **data}
    )


def move(turn: int, card: str, left: str, reached: str) -> dict[str, Any]:
    lists = [{"id": each, "type": LISTS[each], "name": LISTS[each]} for each in (left, reached)]
    return action("moveCard", turn, card, fromList=lists[0], toList=lists[1])


def creation(turn: int, card: str) -> dict[str, Any]:
    return action("createCard", turn, card, list={"id": TODO, "type": "active", "name": "To do"})


def card(card_id: str, column: str = TODO, **fields: Any) -> dict[str, Any]:
    return {
        **row(0),
        "id": card_id,
        "name": "Dig",
        "listId": column,
        "prevListId": TODO if column == ARCHIVE else None,
        "position": 1,
        "commentsTotal": 0,
        "boardId": BOARD,
        "listChangedAt": None,
        **fields,
    }


@dataclass
class PlankaSite:
    """One board; `asked` is every request's path and query, `refusals` are given before anything else."""

    item: dict[str, Any] = field(default_factory=lambda: {"id": BOARD, "name": "Garden"})
    included: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "lists": [{**row(0), "id": each, "type": kind, "name": kind} for each, kind in LISTS.items()],
            "cards": [],
            "users": [{"id": ANA, "name": "Ana", "username": "ana", "email": "ana@example.org"}],
        }
    )
    actions: list[dict[str, Any]] = field(default_factory=list)
    away: list[dict[str, Any]] = field(default_factory=list)
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: list[httpx.Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def planka(self, **options: Any) -> Planka:
        """A reader of this site that does not wait."""
        calm = {"token": "key_1", "first_wait": timedelta(0), "transport": httpx.MockTransport(self.answer)}
        return Planka("http://planka.test", **(calm | options))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        self.requests.append(request)
        if self.refusals:
            return self.refusals.pop(0)
        told = self._told(request.url.path.split("/")[2:], request.url.params.get("beforeId"))
        if told is None:
            return httpx.Response(404, json={"code": "E_NOT_FOUND", "message": "not found"})
        # What goes over a real wire has no shared objects.
        return httpx.Response(200, json=json.loads(json.dumps(told)))

    def _told(self, parts: list[str], before: str | None) -> object:
        users = {"users": self.included.get("users", [])}
        match parts:
            case ["projects"]:
                return {"items": [], "included": {"boards": [self.item]}}
            case ["boards", board] if board == self.item["id"]:
                return {"item": self.item, "included": self.included}
            case ["boards", board, "actions"] if board == self.item["id"]:
                return {"items": _page(self.actions, before), "included": users}
            case ["lists", list_id, "cards"]:
                away = [each for each in self.away if each["listId"] == list_id]
                return {"items": away[-50:][::-1], "included": users}
            case ["cards", card_id]:
                found = [each for each in self.away if each["id"] == card_id]
                return {"item": found[0], "included": self.beside.get(card_id, {})} if found else None
            case ["cards", card_id, "comments"]:
                return {"items": _page(self.comments.get(card_id, []), before), "included": users}
        return None


def _page(rows: Iterable[dict[str, Any]], before: str | None) -> list[dict[str, Any]]:
    newest = sorted(rows, key=lambda each: -int(each["id"]))
    return [each for each in newest if before is None or int(each["id"]) < int(before)][:50]
