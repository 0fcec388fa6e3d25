"""Boards as their makers tell them: one file a source, what each can do, and the ways it can fail.

Each error is named for what the caller does next, and its message says what was tried, with the
value, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from warehouse.model import Entity, Event, Snapshot

Clock = Callable[[], datetime]
"""Tells the time, UTC-aware."""

Level = Literal["log", "bell", "poll"]
"""How well a board can be read: by its log, by a bell that says when to look again, or only by looking now and then."""


class SourceUnavailable(Exception):
    """The source did not answer, or answered that it cannot now: try again, `retry_after` this if it said so."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(Exception):
    """The source will not let us read: stop and tell a person."""


class SourceChanged(Exception):
    """The source answered in a shape we do not know: its contract moved, or something stands in between.

    `payload` is what it answered, for whoever keeps it to be looked at.
    """

    def __init__(self, message: str, payload: bytes = b"") -> None:
        super().__init__(message)
        self.payload = payload


class BoardGone(Exception):
    """This one board is not there any more: leave it, and go on with the others."""


class StreamEnded(Exception):
    """The stream ended, as streams do: listen again, after `retry_after` if it asked for that; not soon if `for_good`."""

    def __init__(self, retry_after: timedelta | None = None, *, for_good: bool = False) -> None:
        super().__init__("the stream ended")
        self.retry_after, self.for_good = retry_after, for_good


@dataclass(frozen=True, slots=True)
class Board:
    """A board a source offers."""

    board_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a board's log, oldest first, and the position after it: kept together or not at all.

    `position` is the source's own word, opaque to everybody else; "" is the beginning of the log.
    `people` are the members named in it, with their names.
    """

    events: tuple[Event, ...]
    position: str
    people: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One streamed line of a board's log: its place there (gapless per board), what happened, and who did it.

    `str(seq)` is the position after it, so that a stream and the log it belongs to speak of the same places.
    """

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

    @property
    def rest(self) -> timedelta:
        """How long to rest between two looks where nothing rings: polite by default."""

    def boards(self) -> list[Board]:
        """Every board it lets us read."""

    def probe(self, board_id: str) -> Level:
        """How well the board can be read."""

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """The board's log after the position `after`, oldest first, to its end as it is now."""

    def close(self) -> None:
        """Stop reading: whoever waits for a word gets SourceUnavailable."""

    def __enter__(self) -> Self:
        """Open until the block is left."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, and let go of the connections."""


@runtime_checkable
class Streaming(Source, Protocol):
    """A source that also tells what happens as it happens."""

    def stream(self, board_id: str, after: str | None, clock: Clock) -> Iterator[Entry | None]:
        """What follows `after` (None: now) as it happens; None is a ring without words.

        Ends when the source ends it, or raises StreamEnded where the source says when to come back.
        """


# ── what a source tells of its own accord (webhooks) ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came: names of headers in lower case, the body's bytes as they were signed.

    `url` is the whole address the sender called, as well as it can be known from behind a proxy (Trello signs it).
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a delivery tells: facts, members with their names, and boards (ids) to look at because of it.

    A fact that is also told when the board is read has the same `event_id` and `occurred_at` here; where that
    cannot be, the delivery only rings. `answer` is what the sender wants to read back, if anything.
    """

    events: tuple[Event, ...] = ()
    rings: tuple[str, ...] = ()
    people: tuple[Entity, ...] = ()
    answer: str = ""


class HookRefused(Exception):
    """The delivery is not signed as it must be (or carries another token): nothing of it is taken."""
