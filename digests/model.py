"""The nouns of this room: people, the world as it is named now, and what a reader is told. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from operator import eq
from typing import Literal, overload

from warehouse.model import Window

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECTIONS = ("Waiting on you", "Yours", "Decisions and done", "Moved", "New", "Quiet")


@dataclass(frozen=True, slots=True)
class Pause:
    """Local days without mail, from `first` to `last`, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often mail comes: at `each` send time, at the first of a day (`daily`), of a week (`weekly`, from the day
    `on`), at each and as soon as something is addressed to the reader (`mentions`), or `never`.
    """

    name: Literal["each", "daily", "weekly", "mentions", "never"] = "each"
    on: str = "mon"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told things. `members` are "source:member_id" keys; no zone means: asked, never mailed.

    `country` is ISO 3166, with a region where holidays differ ("DE-BY"). `muted` and `followed` name boards by id or
    title; whoever follows some is told of no others. `chosen_at` is when they last chose. `unread` digests in a row were sent and not read since;
    `slows_down` says whether that makes mail weekly.
    """

    person_id: str
    name: str
    email: str | None = None
    zone: str | None = None
    send_at: tuple[time, ...] = (time(8),)
    work_days: tuple[str, ...] = WEEK[:5]
    work_hours: tuple[time, time] = (time(9), time(17, 30))
    members: tuple[str, ...] = ()
    imported: bool = False
    country: str | None = None
    pauses: tuple[Pause, ...] = ()
    cadence: Cadence = Cadence()
    slows_down: bool = True
    unread: int = 0
    chosen_at: datetime | None = None
    muted: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()
    sections: tuple[str, ...] = SECTIONS


@dataclass(frozen=True, slots=True)
class BoardNow:
    """A board as it is now."""

    board_id: str
    source: str
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnNow:
    """A column as it is now; `is_done` as the source says, None where it says nothing."""

    column_id: str
    title: str
    is_done: bool | None = None


@dataclass(frozen=True, slots=True)
class CardNow:
    """A card as it is now. `created_by` and `assignees` are member keys."""

    card_id: str
    board_id: str
    title: str
    column_id: str | None = None
    url: str | None = None
    created_by: str | None = None
    assignees: frozenset[str] = frozenset()
    items_done: int = 0
    items: int = 0


@dataclass(frozen=True, slots=True)
class MemberNow:
    """A member as known now; `key` is "source:member_id"."""

    key: str
    name: str
    username: str | None = None
    kind: str = "human"


@dataclass(frozen=True, slots=True)
class CommentNow:
    """A comment as it is now; `author` is a member key."""

    comment_id: str
    card_id: str
    author: str | None
    parent_id: str | None = None
    content: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """What is needed to name things and to know whose they are, as of now."""

    boards: Mapping[str, BoardNow] = field(default_factory=dict)
    columns: Mapping[str, ColumnNow] = field(default_factory=dict)
    cards: Mapping[str, CardNow] = field(default_factory=dict)
    members: Mapping[str, MemberNow] = field(default_factory=dict)
    board_members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    comments: Mapping[str, CommentNow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing told: a sentence (`lead`, and `quote` where somebody's words are given), why, by whom, when.

    `told` are the offsets the sentence says; `events` all offsets that went into it. `at` is in the
    reader's zone. `card_id` is None for what happened to a board or column. `late`: it happened before
    the window began and only became known now.
    """

    card_id: str | None
    card: str
    board: str
    kind: str
    lead: str
    reason: str
    actors: tuple[str, ...]
    at: datetime
    url: str | None
    events: tuple[int, ...]
    told: tuple[int, ...]
    quote: str = ""
    late: bool = False

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.lead}: “{self.quote}”" if self.quote else f"{self.lead}."


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of one rank, most important first."""

    name: str
    lines: tuple[Line, ...]


class Elsewhere(Sequence[int]):
    """The offsets of a window that are not among `here`, in order: counted without naming each, for there may be millions."""

    def __init__(self, window: Window, here: Iterable[int]) -> None:
        self._all, self._here = range(window.after + 1, window.upto + 1), frozenset(here)

    def __len__(self) -> int:
        return len(self._all) - len(self._here)

    def __iter__(self) -> Iterator[int]:
        return (offset for offset in self._all if offset not in self._here)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[int, ...]: ...
    def __getitem__(self, place: int | slice) -> int | tuple[int, ...]:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal to the tuple of its offsets, whose hash would name each


@dataclass(frozen=True, slots=True)
class Accounted:
    """Where every offset of the window went; the lists are disjoint and together the whole window."""

    shown: tuple[int, ...] = ()
    folded: tuple[int, ...] = ()
    excluded: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """How many events the window holds."""
        return len(self.shown) + len(self.folded) + sum(map(len, self.excluded.values()))


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What one person is told about one window. `zone` is None where the person has none (times are UTC).

    `boards` are the ids of those it tells of.
    """

    person: Person
    zone: str | None
    window: Window
    from_at: datetime
    to_at: datetime
    sections: tuple[Section, ...]
    accounted: Accounted
    first: bool = False
    boards: tuple[str, ...] = ()

    @property
    def lines(self) -> Iterator[Line]:
        """All lines, in the order they are told."""
        return (line for section in self.sections for line in section.lines)


@dataclass(frozen=True, slots=True)
class Links:
    """Where a mail leads, "" where it does not: the dashboard (`page`), its own page without a login (`web`), the way to
    fewer mails (`fewer`), and the two that mail programs use to end them (`one_click` by POST, `mailto` by a mail).
    """

    page: str = ""
    web: str = ""
    fewer: str = ""
    one_click: str = ""
    mailto: str = ""


NOWHERE = Links()
