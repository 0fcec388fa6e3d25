"""Reads a Flux: boards, snapshots, the activity log, and the event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx

from ingest.sources import Board, BoardGone, Clock, Entry, Level, SourceChanged
from ingest.sources.flux_entries import SOURCE, label_names, person, snapshot, translate
from ingest.sources.flux_wire import CHECK_ADDRESS, Wire
from ingest.sources.values import mapping, objects
from warehouse.model import Snapshot

PAGE = 1000


class Flux:
    """One Flux, as one key sees it. Safe to use from several threads; `close` ends open streams at once."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
    ) -> None:
        """Raises SourceRefused where the address or the key cannot be right."""
        self._labels: dict[str, dict[str, str]] = {}
        self._wire = Wire(base_url, api_key, transport=transport, attempts=attempts, first_wait=first_wait)

    @property
    def name(self) -> str:
        """What its events carry as `source`."""
        return SOURCE

    def boards(self) -> list[Board]:
        """Every board the key may read, in all its workspaces."""
        told = self._wire.get("/api/boards/all")
        if not isinstance(told.get("boards"), list):
            raise SourceChanged(f"GET {self._wire.base_url}/api/boards/all told no `boards`; {CHECK_ADDRESS}")
        return [
            Board(board["id"], str(board.get("title") or ""))
            for board in objects(told["boards"])
            if board.get("id")
        ]

    def probe(self, board_id: str) -> Level:
        """How well this board can be read: by its log, or by a bell that says when to look.

        Raises SourceChanged when it has neither.
        """
        with suppress(BoardGone, SourceChanged):
            if isinstance(
                self._wire.get(f"/api/boards/{board_id}/activity", {"limit": "1"}).get("activity"), list
            ):
                return "log"
        with suppress(BoardGone, SourceChanged), self._wire.stream(_events(board_id), None):
            return "bell"
        self._wire.get(f"/api/boards/{board_id}")  # gone altogether? then that is what to say
        raise SourceChanged(
            f"board {board_id} of {self._wire.base_url} has neither an activity log nor an event stream; "
            "reading such a board by polling is not built yet"
        )

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""
        taken_at = clock()  # before asking: what changes meanwhile counts as later
        told = self._wire.get(f"/api/boards/{board_id}")
        if not isinstance(told.get("board"), dict):
            raise SourceChanged(
                f"GET {self._wire.base_url}/api/boards/{board_id} told no `board`; {CHECK_ADDRESS}"
            )
        self._labels.setdefault(board_id, {}).update(label_names(told))
        return snapshot(told, board_id, taken_at)

    def activity(self, board_id: str, after: int, clock: Clock, limit: int = PAGE) -> Iterator[list[Entry]]:
        """The log after `after`, oldest first, a page at a time."""
        while True:
            told = self._wire.get(
                f"/api/boards/{board_id}/activity", {"after": str(after), "limit": str(limit)}
            )
            if not isinstance(told.get("activity"), list):
                raise SourceChanged(
                    f"{self._wire.base_url}/api/boards/{board_id}/activity told no `activity`; {CHECK_ADDRESS}"
                )
            page = [self._entry(entry, board_id, clock()) for entry in objects(told["activity"])]
            if not page or page[-1].seq <= after:
                return
            yield page
            after = page[-1].seq
            if told.get("next") is None and len(page) < limit:
                return

    def stream(self, board_id: str, after: int | None, clock: Clock) -> Iterator[Entry | None]:
        """What happens from now on, after replaying what followed `after`; None is a ring without words."""
        with self._wire.stream(_events(board_id), after) as events:
            for event in events:
                if not event.data:
                    continue  # a keep-alive; the decoder makes an empty event of it once an id was told
                try:
                    yield self._entry(mapping(json.loads(event.data)), board_id, clock())
                except (ValueError, SourceChanged):
                    yield None

    def close(self) -> None:
        """End every stream, from any thread, without waiting for its next word."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._wire.release()

    def _entry(self, told: Mapping[str, Any], board_id: str, observed_at: datetime) -> Entry:
        seq = told.get("seq")
        if not isinstance(seq, int):
            raise SourceChanged(
                f"an activity entry of board {board_id} at {self._wire.base_url} has no `seq`; {CHECK_ADDRESS}"
            )
        labels = self._labels.setdefault(board_id, {})
        labels.update(label_names(told))
        event = translate(told, observed_at, board_id=board_id, labels=labels)
        return Entry(seq, event, person(mapping(told.get("actor"))))


def _events(board_id: str) -> str:
    return f"/api/boards/{board_id}/events"
