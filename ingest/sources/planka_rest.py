"""What PLANKA answers over REST, put together: a board with all its rows, and the pages of its log."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.planka_fields import Json, Rows, place, rows_of
from ingest.sources.values import mapping, objects
from ingest.sources.wire import USER_AGENT, Answer, Wire, parse

_STEP = 50  # PLANKA's page: of actions, comments and archived cards alike


class Rest:
    """Asks one PLANKA for what belongs together. Safe to use from several threads."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._comments: dict[str, tuple[object, list[Json]]] = {}
        self._named: dict[str, tuple[int, dict[str, int]]] = {}
        self._away: dict[str, tuple[int, Rows]] = {}

    def boards(self) -> list[Json]:
        """Every board the user sees, in all projects."""
        answer = self.wire.get("/api/projects")
        told = mapping(mapping(answer.told).get("included")).get("boards")
        if not isinstance(told, list):
            raise answer.changed("told no `included.boards`")
        return objects(told)

    def columns(self, board_id: str) -> tuple[Json, Rows]:
        """The board and the rows of the cards in its columns, without their comments."""
        answer = self.wire.get(f"/api/boards/{board_id}", board_id=board_id)
        board, rows = mapping(mapping(answer.told).get("item")), _included(answer)
        if not board or "cards" not in rows:
            raise answer.changed("told no board with its cards")
        return board, rows

    def board(self, board_id: str) -> tuple[Json, Rows]:
        """The board and all its rows: of the cards in its columns and in its archive, with comments."""
        board, rows = self.columns(board_id)
        archives = [row["id"] for row in rows_of(rows, "lists") if row.get("type") == "archive"]
        shown = {str(card.get("id")) for card in rows["cards"]}
        rows = _joined([rows, *(part for each in archives for part in self._archive(each, shown, board_id))])
        return board, self._with_comments(rows, board_id)

    def log(self, board_id: str, since: int) -> tuple[list[Json], list[Json]]:
        """The actions at or after the place `since`, and the users who did them."""
        actions: list[Json] = []
        users: list[Json] = []
        for answer in self._backwards(f"/api/boards/{board_id}/actions", board_id):
            places = [place(action.get("id")) for action in items(answer)]
            # One without a readable id is kept, however old: it is known by what it says.
            actions += [each for each, at in zip(items(answer), places, strict=True) if not at or at >= since]
            users += _included(answer).get("users", [])
            if any(0 < at < since for at in places):
                break
        return actions, users

    def with_away(self, rows: Rows, actions: Iterable[Json], board_id: str) -> Rows:
        """The rows, and those of cards that these actions name and that are not in a column any more.

        A card in the archive or the trash is asked for by itself, again whenever a later action names it.
        """
        shown = {str(card.get("id")) for card in rows["cards"]}
        latest: dict[str, int] = {}
        for action in actions:
            if place(action.get("cardId")) and action["cardId"] not in shown:
                latest[action["cardId"]] = max(latest.get(action["cardId"], 0), place(action.get("id")))
        found = _joined([rows, *(self._card(card_id, at) for card_id, at in latest.items())])
        return self._with_comments(found, board_id)

    def _archive(self, list_id: str, shown: set[str], board_id: str) -> Iterator[Rows]:
        """The cards of an archive. PLANKA 2.1 hands out the newest 50 over REST and fails to turn the page (its
        `before` is an object, which no query string can carry there): where that is not all, the others are cards
        that the log names and that stand nowhere else.
        """
        answer = self.wire.get(f"/api/lists/{list_id}/cards", board_id=board_id)
        cards = items(answer)
        yield {**_included(answer), "cards": cards}
        if len(cards) < _STEP:
            return
        shown |= {str(card.get("id")) for card in cards}
        for card_id, at in self._named_in_log(board_id).items():
            rows = {} if card_id in shown else self._card(card_id, at)
            if any(card.get("listId") == list_id for card in rows.get("cards", [])):
                yield rows

    def _named_in_log(self, board_id: str) -> dict[str, int]:
        """Every card that the board's log names, and its last action: the log is read once, and then on from there."""
        read_to, named = self._named.get(board_id, (0, {}))
        actions, _ = self.log(board_id, read_to)
        for action in actions:
            read_to = max(read_to, place(action.get("id")))
            if place(action.get("cardId")):
                named[action["cardId"]] = max(named.get(action["cardId"], 0), place(action.get("id")))
        self._named[board_id] = read_to, named
        return named

    def _card(self, card_id: str, at: int) -> Rows:
        """A card by itself with its rows, asked for once after the action `at`; no rows where it is deleted."""
        kept = self._away.get(card_id)
        if kept and kept[0] == at:
            return kept[1]
        rows: Rows = {}
        with suppress(BoardGone):  # the card is; the board has answered
            answer = self.wire.get(f"/api/cards/{card_id}", board_id=card_id)
            rows = {**_included(answer), "cards": [mapping(mapping(answer.told).get("item"))]}
        self._away[card_id] = at, rows
        return rows

    def _with_comments(self, rows: Rows, board_id: str) -> Rows:
        return {
            **rows,
            "comments": [each for card in rows["cards"] for each in self._comments_of(card, board_id)],
        }

    def _comments_of(self, card: Json, board_id: str) -> list[Json]:
        """A card's comments, asked for when their number or the card has changed: a new comment changes both."""
        if not card.get("commentsTotal") or not place(card.get("id")):
            return []
        state = (card.get("commentsTotal"), card.get("updatedAt"))
        kept = self._comments.get(card["id"])
        if kept and kept[0] == state:
            return kept[1]
        pages = self._backwards(f"/api/cards/{card['id']}/comments", board_id)
        found = [comment for answer in pages for comment in items(answer)]
        self._comments[card["id"]] = state, found
        return found

    def _backwards(self, path: str, board_id: str) -> Iterator[Answer]:
        """Every page of a path, newest first, until one is not full."""
        params: dict[str, str] = {}
        while True:
            answer = self.wire.get(path, params, board_id=board_id)
            yield answer
            page = items(answer)
            last = str(page[-1].get("id")) if page else ""
            if len(page) < _STEP or not place(last) or last == params.get("beforeId"):
                return
            params = {"beforeId": last}


class Login(httpx.Auth):
    """Gets an access token with a user's name and password, and a new one when it is no longer taken."""

    requires_response_body = True

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self._url = base_url.rstrip("/") + "/api/access-tokens"
        self._asking = {"emailOrUsername": user, "password": password}
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the token; before it, or where the token is refused, a request for one."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return
        self._token = self._read(
            (yield httpx.Request("POST", self._url, json=self._asking, headers={"User-Agent": USER_AGENT}))
        )
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def _read(self, answer: httpx.Response) -> str:
        where = f"POST {self._url} answered {answer.status_code}"
        try:
            told = mapping(parse(answer.content))
        except (ValueError, RecursionError):
            told = {}
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise SourceRefused(
                f"{where} ({told.get('message', 'no reason given')}); check PLANKA_USER and PLANKA_PASSWORD, and "
                "log in once with a browser: a new user has terms to accept first"
            )
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise SourceUnavailable(f"{where}; try again later")
        if not isinstance(told.get("item"), str):
            raise SourceChanged(
                f"{where} without a token; check that PLANKA_BASE_URL is a PLANKA", answer.content
            )
        return str(told["item"])


def items(answer: Answer) -> list[Json]:
    """The `items` of an answer; raises SourceChanged where it has none."""
    told = mapping(answer.told).get("items")
    if not isinstance(told, list):
        raise answer.changed("told no `items`")
    return objects(told)


def _included(answer: Answer) -> dict[str, list[Json]]:
    return {kind: objects(rows) for kind, rows in mapping(mapping(answer.told).get("included")).items()}


def _joined(parts: Iterable[Mapping[str, Any]]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for part in parts:
        for kind, rows in part.items():
            found.setdefault(kind, []).extend(rows)
    return found
