"""How a catch-up is laid out for reading: entries by card, what is cut when it is long, the sums. Pure.

Text and HTML show one layout, so that they say the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from digests.agenda import habit
from digests.model import SECTIONS, CatchUp, Line, Section
from digests.naming import counted, day, listed
from digests.news import headline, subject, tiles, zone_of

Limits = Mapping[str, int]
LIMITS: Limits = {
    "Waiting on you": 40, "Yours": 20, "Decisions and done": 12, "Moved": 10, "New": 10, "Quiet": 5,
}  # fmt: skip
STATEMENTS = 4
"""So many sentences a card; what was said beyond is counted."""
NAMED = 12
"""So many titles in an entry that is about many cards."""
UNCUT: Limits = dict.fromkeys(LIMITS, sys.maxsize)
"""Everything, as a mail's own page shows it."""
ALIKE = 3
"""From so many on, cards of which the same is to be said share one entry."""


@dataclass(frozen=True, slots=True)
class Title:
    """A card's title and where to open it."""

    text: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence about an entry, or somebody's words (`quote`)."""

    lead: str
    quote: str
    when: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One card and what is told of it, or several cards of which the same is told (`more`: how many are not named)."""

    titles: tuple[Title, ...]
    more: int
    board: str
    statements: tuple[Statement, ...]
    unsaid: int
    reason: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one entry: all of one card, or one each of several cards of which the same is to be said (`alike`)."""

    lines: tuple[Line, ...]
    alike: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A section as it is shown; `left_out` says what was cut, per board."""

    name: str
    count: int
    entries: tuple[Entry, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class Total:
    """What happened on one board."""

    board: str
    cards: int
    done: int
    new: int
    words: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything a digest shows, in order."""

    subject: str
    headline: str
    when: str
    tiles: tuple[tuple[int, str], ...]
    blocks: tuple[Block, ...]
    totals: tuple[Total, ...]
    footer: tuple[str, ...]


def laid_out(catch_up: CatchUp, limits: Mapping[str, int] = LIMITS) -> Layout:
    """The layout with at most so many entries a section."""
    blocks = tuple(_block(section, limits[section.name], catch_up) for section in catch_up.sections)
    lines = list(catch_up.lines)
    sums = tuple(tile for tile in tiles(catch_up) if tile[0])[:5]
    totals = tuple(sorted(_totals(lines), key=lambda total: (-total.cards, total.board)))
    return Layout(
        subject=subject(catch_up),
        headline=headline(catch_up),
        when=_when(catch_up),
        tiles=sums if len(sums) > 1 else (),
        blocks=blocks,
        totals=totals if len(totals) > 1 or any(block.left_out for block in blocks) else (),
        footer=tuple(_footer(catch_up)),
    )


def tighter(limits: Mapping[str, int]) -> Mapping[str, int] | None:
    """The next smaller limits: the lowest rank is cut first. None when there is nothing left to cut."""
    for floor in (3, 1, 0):
        for name in reversed(SECTIONS):
            if limits[name] > floor:
                return {**limits, name: max(floor, limits[name] // 2)}
    return None


def _when(catch_up: CatchUp) -> str:
    zone = zone_of(catch_up)
    to_at = catch_up.to_at.astimezone(zone)
    named = catch_up.zone or "UTC (you have no zone set)"
    boards = {line.board for line in catch_up.lines}
    board = f" · {boards.pop()}" if len(boards) == 1 else ""
    since = f"since {day(catch_up.from_at.astimezone(zone), to_at)}"
    return f"{to_at:%A} {to_at.day} {to_at:%B %Y} · {since} · times in {named}{board}"


def _block(section: Section, limit: int, catch_up: CatchUp) -> Block:
    now = catch_up.to_at.astimezone(zone_of(catch_up))
    groups = list(_groups(section.lines))
    # To leave one or two out would save nothing.
    limit = limit + 2 if 5 <= limit == LIMITS[section.name] and len(groups) <= limit + 2 else limit
    entries = [_entry(group, now, whole=limit == sys.maxsize) for group in groups[:limit]]
    if len({line.board for line in catch_up.lines}) == 1:
        entries = [replace(entry, board="") if entry.titles else entry for entry in entries]
    cards_told = len({line.card_id or line.events for line in section.lines})
    return Block(section.name, cards_told, tuple(entries), _left_out(groups[limit:]))


def _left_out(groups: Iterable[Group]) -> str:
    """How many cards were cut, and of which boards."""
    cards: dict[str, int] = {}
    for group in groups:
        board = group.lines[0].board
        cards[board] = cards.get(board, 0) + (len(group.lines) if group.alike else 1)
    where = [f"{number:,} on {board}" for board, number in cards.items()]
    return (
        f"and {sum(cards.values()):,} more" + (f": {listed(where)}" if len(where) > 1 else "")
        if where
        else ""
    )


def _groups(lines: Iterable[Line]) -> Iterator[Group]:
    """The lines of each entry to be, in order."""
    groups = [tuple(group) for _, group in groupby(lines, lambda line: line.card_id or line.events)]
    alike: dict[object, list[Line]] = {}
    for group in groups:
        if len(group) == 1 and not group[0].quote and group[0].card_id:
            alike.setdefault(_sameness(group[0]), []).append(group[0])
    told: set[object] = set()
    for group in groups:
        same = alike.get(_sameness(group[0]), []) if len(group) == 1 else []
        if len(same) < ALIKE:
            yield Group(group)
        elif _sameness(group[0]) not in told:
            told.add(_sameness(group[0]))
            yield Group(tuple(same), alike=True)


def _entry(group: Group, now: datetime, *, whole: bool) -> Entry:
    if group.alike:
        return _shared(group.lines, now, sys.maxsize if whole else NAMED)
    return _single(group.lines, now, sys.maxsize if whole else STATEMENTS)


def _sameness(line: Line) -> object:
    return line.kind, line.lead, line.board, line.reason, line.quote, line.late


def _single(lines: tuple[Line, ...], now: datetime, most: int) -> Entry:
    first = lines[0]
    titles = (Title(first.card, first.url),) if first.card_id else ()
    statements = tuple(_statement(line, now) for line in lines[:most])
    reasons = [reason for reason in dict.fromkeys(line.reason for line in lines) if reason != "on your board"]
    done = any(line.kind == "done" for line in lines)
    why = ", ".join(reasons or [first.reason])
    return Entry(titles, 0, first.board, statements, len(lines) - len(statements), why, done)


def _shared(lines: tuple[Line, ...], now: datetime, most: int) -> Entry:
    """One entry for cards of which the same is to be said."""
    named = tuple(Title(line.card, line.url) for line in lines[:most])
    last = _statement(max(lines, key=lambda line: line.at), now)
    statement = Statement(f"Each of these {len(lines)}: {last.lead}", "", last.when)
    return Entry(
        named,
        len(lines) - len(named),
        lines[0].board,
        (statement,),
        0,
        lines[0].reason,
        lines[0].kind == "done",
    )


def _statement(line: Line, now: datetime) -> Statement:
    when = day(line.at, now) if (now - line.at).days >= 6 or line.at > now else f"{line.at:%a %H:%M}"
    lead = line.lead if line.quote else f"{line.lead}."
    return Statement(lead, line.quote, f"{when}, happened earlier" if line.late else when)


def _totals(lines: list[Line]) -> Iterator[Total]:
    for board in dict.fromkeys(line.board for line in lines):
        here = [line for line in lines if line.board == board]
        kinds = [line.kind for line in here]
        words = sum(1 for line in here if line.quote)
        cards = {line.card_id for line in here if line.card_id}
        yield Total(board, len(cards), kinds.count("done"), kinds.count("created"), words)


def _footer(catch_up: CatchUp) -> Iterator[str]:
    accounted = catch_up.accounted
    other = {
        reason: len(offsets) for reason, offsets in accounted.excluded.items() if reason != "not_on_board"
    }
    words = {
        "own": "yours",
        "before_first": "older than a week",
        "before_since": "before then",
        "noise": "minor",
        "muted": "on boards you muted",
        "not_followed": "on boards you do not follow",
        "section": "in sections you left out",
    }
    parts = [f"{len(accounted.shown):,} shown", f"{len(accounted.folded):,} folded"]
    parts += [f"{number:,} {words.get(reason, reason)}" for reason, number in other.items()]
    events = len(accounted.shown) + len(accounted.folded) + sum(other.values())
    yield f"{counted(events, 'event')}: {', '.join(parts)}."
    if accounted.folded:
        yield "Folded events went into a result above or cancelled each other out."
    yield from habit(catch_up.person)
