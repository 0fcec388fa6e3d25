"""Reads a Flux: boards, snapshots, the activity log, and the event stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import httpx

from ingest.sources import (
    Board,
    BoardGone,
    Clock,
    Entry,
    Level,
    Page,
    SourceChanged,
    SourceRefused,
    StreamEnded,
)
from ingest.sources.flux_entries import (
    SOURCE,
    label_named,
    label_names,
    names_labels,
    person,
    snapshot,
    translate,
)
from ingest.sources.flux_fields import member_id
from ingest.sources.site import Site
from ingest.sources.values import mapping, objects
from ingest.sources.wire import Answer, Door, Wire, parse
from warehouse.model import Entity, Event, Snapshot

PAGE = 1000
DOOR = Door("Flux", "FLUX_BASE_URL", "FLUX_API_KEY")
_REST = timedelta(minutes=5)  # Flux asks integrators to look "typically every 5 to 15 minutes"


def connect(settings: Mapping[str, str]) -> Flux:
    """The Flux these settings name; raises SourceRefused, naming the one that is missing."""
    for name in (DOOR.address_setting, DOOR.key_setting):
        if not settings.get(name):
            raise SourceRefused(f"{name} is not set; Flux shows it under Settings, API keys")
    return Flux(settings[DOOR.address_setting], settings[DOOR.key_setting])


class Flux(Site):
    """One Flux, as one key sees it. Safe to use from several threads; `close` ends open streams at once."""

    name = SOURCE

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
        rest: timedelta = _REST,
    ) -> None:
        """Raises SourceRefused where the address or the key cannot be right."""
        self._labels: dict[str, dict[str, str]] = {}
        self._looked: set[str] = set()
        self.rest = rest
        self._wire = Wire(
            base_url,
            headers={"Authorization": f"Bearer {DOOR.key(api_key)}"},
            door=DOOR,
            transport=transport,
            attempts=attempts,
            first_wait=first_wait,
        )
        super().__init__(self._wire)

    def boards(self) -> list[Board]:
        """Every board the key may read, in all its workspaces."""
        answer = self._wire.get("/api/boards/all")
        told = mapping(answer.told).get("boards")
        if not isinstance(told, list):
            raise answer.changed("told no `boards`")
        return [
            Board(board["id"], str(board.get("title") or ""))
            for board in objects(told)
            if isinstance(board.get("id"), str) and board["id"]
        ]

    def probe(self, board_id: str) -> Level:
        """How well this board can be read: by its log, by a bell that says when to look, or by looking."""
        with suppress(BoardGone, SourceChanged):
            if isinstance(self._log(board_id, {"limit": "1"})[1], list):
                return "log"
        with (
            suppress(BoardGone, SourceChanged),
            self._wire.stream(_events(board_id), None, board_id=board_id),
        ):
            return "bell"
        self._wire.get(
            f"/api/boards/{board_id}", board_id=board_id
        )  # gone altogether? then that is to be said
        return "poll"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""
        taken_at = clock()  # before asking: what changes meanwhile counts as later
        return snapshot(self._look(board_id), board_id, taken_at)

    def activity(self, board_id: str, after: str, clock: Clock, limit: int = PAGE) -> Iterator[Page]:
        """The log after `after`, oldest first, a page at a time."""
        last = int(after) if after.isdecimal() else 0
        while True:
            answer, told = self._log(board_id, {"after": str(last), "limit": str(limit)})
            if not isinstance(told, list):
                raise answer.changed("told no `activity`")
            entries, seen_at = objects(told), clock()
            page = [self._event(entry, board_id, seen_at, answer) for entry in entries]
            if not page or entries[-1]["seq"] <= last:
                return
            last = entries[-1]["seq"]
            yield Page(tuple(page), str(last), _people(entries))
            if mapping(answer.told).get("next") is None and len(page) < limit:
                return

    def stream(self, board_id: str, after: str | None, clock: Clock) -> Iterator[Entry | None]:
        """What happens from now on, after replaying what followed `after`; None is a ring without words."""
        last, retry = "0" if after == "" else after, None
        with self._wire.stream(_events(board_id), last, board_id=board_id) as events:
            for event in events:
                retry = retry if event.retry is None else timedelta(milliseconds=event.retry)
                if not event.data:
                    continue  # a keep-alive; the decoder makes an empty event of it once an id was told
                try:
                    told = mapping(parse(event.data))
                    heard = self._event(told, board_id, clock())
                    yield Entry(told["seq"], heard, person(mapping(told.get("actor"))))
                except (ValueError, RecursionError, SourceChanged):
                    yield None
        if retry is not None:
            raise StreamEnded(retry)

    def _look(self, board_id: str) -> Mapping[str, Any]:
        """What the source says of a board, whose labels are known from then on."""
        answer = self._wire.get(f"/api/boards/{board_id}", board_id=board_id)
        told = mapping(answer.told)
        if not isinstance(told.get("board"), dict):
            raise answer.changed("told no `board`")
        self._labels.setdefault(board_id, {}).update(label_names(told))
        self._looked.add(board_id)
        return told

    def _log(self, board_id: str, params: Mapping[str, str]) -> tuple[Answer, object]:
        answer = self._wire.get(f"/api/boards/{board_id}/activity", params, board_id=board_id)
        return answer, mapping(answer.told).get("activity")

    def _event(
        self, told: Mapping[str, Any], board_id: str, observed_at: datetime, answer: Answer | None = None
    ) -> Event:
        """What an entry says, once it is sure that it has a `seq`."""
        if not isinstance(told.get("seq"), int):
            words = f"told an activity entry of board {board_id} without `seq`"
            raise answer.changed(words) if answer else SourceChanged(words)
        if board_id not in self._looked and names_labels(told):
            self._look(board_id)  # what the labels of before are called stands on the board alone
        labels = self._labels.setdefault(board_id, {})
        labels.update(label_named(told))
        return translate(told, observed_at, board_id=board_id, labels=labels)


def _people(entries: list[Mapping[str, Any]]) -> tuple[Entity, ...]:
    """Everybody who acted, each once, as named last."""
    actors = (mapping(entry.get("actor")) for entry in entries)
    last = {member_id(actor): actor for actor in actors}
    return tuple(found for actor in last.values() if (found := person(actor)))


def _events(board_id: str) -> str:
    return f"/api/boards/{board_id}/events"
