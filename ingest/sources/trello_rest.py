"""Reads Trello over its REST API: boards, snapshots, and a board's actions from oldest to newest; hears its webhooks."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

import httpx

from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Delivery,
    Heard,
    HookRefused,
    Level,
    Page,
    SourceRefused,
)
from ingest.sources.hearing import prove, said, signature
from ingest.sources.site import Site
from ingest.sources.trello_events import SOURCE, happened_at, label_names, names_labels, translate
from ingest.sources.trello_fields import made_at, people_in, text
from ingest.sources.trello_pages import Json, Place, edge, walk
from ingest.sources.trello_snapshot import snapshot
from ingest.sources.values import mapping, objects
from ingest.sources.wire import Answer, Door, Wire
from warehouse.model import Entity, Snapshot

DOOR = Door("Trello", "TRELLO_BASE_URL", "TRELLO_KEY and TRELLO_TOKEN")
_ADDRESS = "https://api.trello.com"
_KEY_PAGE = "make a key at https://trello.com/power-ups/admin and a read-only token from the link beside it"
_PAGE = 1000  # the most Trello tells at once
_PACE = timedelta(milliseconds=120)  # 100 requests in 10 s are allowed a token
_FIRST_WAIT = timedelta(seconds=2)  # a 429 says no time: three doubling waits outlast the 10 s
_BOARD = {
    "fields": "name,url,closed,dateLastActivity",
    "lists": "all",
    "members": "all",
    "member_fields": "fullName,username",
    "labels": "all",
    "labels_limit": "1000",
    "checklists": "all",
}

_CARDS = {
    "fields": "name,desc,idList,pos,due,dueComplete,closed,idAttachmentCover,cover,idMembers,idLabels,labels,idShort,url"
}
_DATES = {"fields": "date", "member": "false", "memberCreator": "false"}


def connect(settings: Mapping[str, str]) -> Trello:
    """The Trello these settings name; raises SourceRefused, naming the one that is missing or wrong."""
    for name in ("TRELLO_KEY", "TRELLO_TOKEN"):
        if not settings.get(name):
            raise SourceRefused(f"{name} is not set; {_KEY_PAGE}")
    boards = [each.strip() for each in settings.get("TRELLO_BOARDS", "").split(",") if each.strip()]
    for board in boards:
        if not re.fullmatch(r"[0-9A-Za-z]{8}|[0-9a-f]{24}", board):
            raise SourceRefused(f"TRELLO_BOARDS names {board!r}; give board ids, as in trello.com/b/<id>/…")
    address = settings.get("TRELLO_BASE_URL") or _ADDRESS
    return Trello(settings["TRELLO_KEY"], settings["TRELLO_TOKEN"], board_ids=boards, base_url=address)


class Trello(Site):
    """One Trello, as one token sees it. Safe to use from several threads."""

    name = SOURCE
    rest = timedelta(seconds=30)

    def __init__(
        self,
        key: str,
        token: str,
        *,
        board_ids: list[str] | None = None,
        base_url: str = _ADDRESS,
        transport: httpx.BaseTransport | None = None,
        page: int = _PAGE,
        pace: timedelta = _PACE,
        first_wait: timedelta = _FIRST_WAIT,
    ) -> None:
        """`board_ids` are the boards to read, none given: all. Raises SourceRefused where address or key cannot be right."""
        self._board_ids, self._page = board_ids or [], page
        secrets = f'OAuth oauth_consumer_key="{DOOR.key(key)}", oauth_token="{DOOR.key(token)}"'
        self._wire = Wire(
            base_url,
            headers={"Authorization": secrets},
            door=DOOR,
            transport=transport,
            first_wait=first_wait,
            pace=pace,
        )
        super().__init__(self._wire)

    def boards(self) -> list[Board]:
        """The boards asked for, or every open board the token sees. One asked for that is gone keeps its place."""
        if self._board_ids:
            return [self._board(board_id) for board_id in self._board_ids]
        answer = self._wire.get("/1/members/me/boards", {"filter": "open", "fields": "name"})
        return [
            Board(board["id"], str(board.get("name") or ""))
            for board in objects(_listed(answer))
            if text(board.get("id"))
        ]

    def probe(self, board_id: str) -> Level:  # noqa: ARG002 - other sources look
        """Every board has its log."""
        return "log"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""
        taken_at = clock()
        answer = self._ask(board_id, "", _BOARD)
        if mapping(answer.told).get("id") != board_id:
            raise answer.changed(f"told no board {board_id}")
        pages = walk(lambda before: self._list(board_id, "/cards/all", _CARDS, before), _made_at, self._page)
        cards = {str(card.get("id")): card for _, page in pages for card in page}
        shown = {**answer.told, "cards": list(cards.values()), "actions": []}
        return snapshot(shown, taken_at, label_names(shown.get("labels")))

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """The board's actions after `after`, oldest first, a page at a time."""
        place, labels = Place.of(after), None
        for actions in self._forward(board_id, place.since):
            if labels is None and any(names_labels(action) for action in actions):
                told = self._ask(board_id, "/labels", {"limit": "1000", "fields": "name,color"})
                labels = label_names(_listed(told))
            now = clock()
            events = [translate(each, now, board_id=board_id, labels=labels) for each in reversed(actions)]
            new = {each.event_id: each for each in events if each.event_id not in place.told}
            if new:
                told_now = sorted(new.values(), key=lambda event: event.occurred_at)
                place = place.after(told_now, now)
                yield Page(tuple(told_now), str(place), _people(actions))

    def _board(self, board_id: str) -> Board:
        try:
            told = mapping(self._ask(board_id, "", {"fields": "name"}).told)
        except BoardGone:
            return Board(board_id, "")
        return Board(text(told.get("id")) or board_id, str(told.get("name") or ""))

    def _ask(self, board_id: str, path: str, params: Mapping[str, str]) -> Answer:
        """One answer about a board. A token that works elsewhere and is refused here has lost this board alone."""
        try:
            return self._wire.get(f"/1/boards/{board_id}{path}", params, board_id=board_id)
        except SourceRefused as refused:
            self._wire.get("/1/members/me", {"fields": "username"})
            raise BoardGone(str(refused)) from refused

    def _list(
        self, board_id: str, path: str, params: Mapping[str, str], before: str | None = None
    ) -> list[Json]:
        """The newest of a board's things, those before `before` where it is given; newest first for actions."""
        border = {"before": before} if before else {}
        return _listed(self._ask(board_id, path, {"limit": str(self._page), **params, **border}))

    def _forward(self, board_id: str, since: datetime | None) -> Iterator[list[Json]]:
        """The actions from `since` on, the oldest page first, each page newest action first.

        Trello begins with the newest, and a long log does not fit into memory: walk back over the dates alone,
        then read the pages again in the order they happened.
        """
        params = {"since": edge(since)} if since else {}
        pages = walk(
            lambda before: self._list(board_id, "/actions", params | (_DATES if before else {}), before),
            happened_at,
            self._page,
        )
        _, newest = next(pages)
        for before in reversed([before for before, _ in pages]):
            yield self._list(board_id, "/actions", params, before)
        yield newest


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:
    """The action a webhook brings: by id and date the one that reading the board tells.

    An action that names labels by id alone rings instead: the board knows their texts, the delivery does not.
    """
    if not secret:
        raise HookRefused(f"TRELLO_SECRET is not set; take the secret of your key from {_KEY_PAGE}")
    told = delivery.headers.get("x-trello-webhook", "")
    signed = [_signature(delivery.body, address, secret) for address in _callbacks(delivery)]
    fitting = (each for each in signed if hmac.compare_digest(each.encode(), told.encode("utf-8", "replace")))
    prove(told, next(fitting, signed[0]), "the header x-trello-webhook")
    body = said(delivery)
    action = mapping(body.get("action"))
    board_id = text(mapping(mapping(action.get("data")).get("board")).get("id"))
    if not board_id:
        return Heard()
    if names_labels(action) or not text(action.get("id")) or happened_at(action) is None:
        return Heard(rings=(board_id,))
    return Heard((translate(action, observed_at, board_id=board_id),), people=_people([action]))


def _callbacks(delivery: Delivery) -> list[str]:
    """The addresses this delivery may have been sent to: Trello signs the one the webhook was made with.

    A proxy may have changed what we see of it. Whoever does not know the secret can sign none of them.
    """
    told = [delivery.url] if delivery.url else []
    headers = delivery.headers
    hosts = [headers[name] for name in ("x-forwarded-host", "host") if headers.get(name)] or [""]
    schemes = dict.fromkeys(
        (headers.get("x-forwarded-proto", "https").split(",")[0].strip(), "https", "http")
    )
    query = "?" + urlencode(delivery.query) if delivery.query else ""
    return told + [f"{scheme}://{host}{delivery.path}{query}" for scheme in schemes for host in hosts]


def _signature(body: bytes, address: str, secret: str) -> str:
    return base64.b64encode(signature(body + address.encode(), secret, "sha1")).decode()


def _made_at(thing: Json) -> datetime | None:
    return made_at(thing.get("id"))


def _listed(answer: Answer) -> list[Json]:
    """The things of a list; one that is no object stays as the one field of one."""
    if not isinstance(answer.told, list):
        raise answer.changed("told no list")
    return [each if isinstance(each, dict) else {"action": each} for each in answer.told]


def _people(actions: list[Json]) -> tuple[Entity, ...]:
    return tuple(Entity("member", who, fields) for who, fields in people_in(actions).items())
