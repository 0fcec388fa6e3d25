"""Boards as their makers tell them: one file a source, what each can do, and the ways it can fail.

Each error is named for what the caller does next, and its message says what was tried, with the
value, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from warehouse.model import Entity, Event, Snapshot

Clock = Callable[[], datetime]
"""Tells the time, UTC-aware."""

Level = Literal["log", "bell"]
"""How well a board can be read: by its log, or only by a bell that says when to look again."""


class SourceUnavailable(Exception):
    """The source did not answer, or answered that it cannot now: try again, `retry_after` this if it said so."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(Exception):
    """The source will not let us read: stop and tell a person."""


class SourceChanged(Exception):
    """The source answered in a shape we do not know: its contract moved, or something stands in between."""


class BoardGone(Exception):
    """This one board is not there any more: leave it, and go on with the others."""


@dataclass(frozen=True, slots=True)
class Board:
    """A board a source offers."""

    board_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a board's own log: its place there (gapless per board), what happened, and who did it."""

    seq: int
    event: Event
    actor: Entity | None = None


class Source(Protocol):
    """Where boards are read from. Used by several threads; `close` makes each of them come back at once.

    `clock` tells when we observed what is told.
    """

    @property
    def name(self) -> str:
        """What its events carry as `source`."""

    def boards(self) -> list[Board]:
        """Every board it lets us read."""

    def probe(self, board_id: str) -> Level:
        """How well the board can be read."""

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""

    def activity(self, board_id: str, after: int, clock: Clock) -> Iterator[list[Entry]]:
        """The board's log after `after`, oldest first, by pages."""

    def stream(self, board_id: str, after: int | None, clock: Clock) -> Iterator[Entry | None]:
        """What follows `after` (None: now) as it happens; None is a ring without words. Ends when the source ends it."""

    def close(self) -> None:
        """Stop reading: whoever waits for a word gets SourceUnavailable."""
