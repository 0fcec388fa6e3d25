"""What one person is told about one window, and where every event of it went. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digests import rank
from digests.board import BoardNews, Done, Placed
from digests.fold import folded
from digests.following import silent
from digests.model import Accounted, CatchUp, Line, Person, World
from digests.naming import Everybody, Names
from digests.telling import Telling, seen
from warehouse.model import Event, Window

LATE = timedelta(minutes=15)
"""An event this much older than its window's beginning is marked: it reached us late."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Events up to `at` are not told, but accounted under `reason`.

    `boards` are the ids of the boards it holds for; None: for all.
    """

    at: datetime
    reason: str
    boards: frozenset[str] | None = None

    def on(self, board_id: str) -> datetime | None:
        """Up to when nothing is told of that board."""
        return self.at if self.boards is None or board_id in self.boards else None


@dataclass(frozen=True, slots=True)
class Span:
    """A window and its times: what `from_at` and `now` say at its two ends.

    `late` marks what happened before `from_at`; `first`: nobody has told the reader anything before. `too_early` is why
    the early events of boards are left out.
    """

    window: Window
    from_at: datetime
    now: datetime
    late: bool = False
    first: bool = False
    too_early: str = "before_first"


def catch_up(
    person: Person, world: World, events: Iterable[Event], span: Span, *, cutoff: Cutoff | None = None
) -> CatchUp:
    """Every event of the window is told, folded or excluded with a reason."""
    by_board: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_board[event.board_id].append(event)
    everybody = Everybody(world.members)
    boards = [
        news(board_id, world, everybody, some, span.now, not_after=cutoff.on(board_id) if cutoff else None)
        for board_id, some in by_board.items()
    ]
    return told(person, world, boards, span if cutoff is None else replace(span, too_early=cutoff.reason))


def news(
    board_id: str,
    world: World,
    everybody: Everybody,
    events: Iterable[Event],
    now: datetime,
    *,
    not_after: datetime | None = None,
    early: Sequence[int] = (),
) -> BoardNews:
    """A board's news, without what happened up to `not_after`; `early` are the offsets already known to be so."""
    recent: list[Event] = []
    held: list[int] = []
    for event in events:
        if not_after is not None and event.occurred_at <= not_after:
            held.append(event.event_offset or 0)
        else:
            recent.append(event)
    return BoardNews(board_id, world, everybody, tuple(recent), now, (*early, *held) if held else early)


def told(
    person: Person, world: World, boards: Iterable[BoardNews], span: Span, *, elsewhere: Sequence[int] = ()
) -> CatchUp:
    """What the boards' news is to this reader. `elsewhere` are the window's offsets on boards the reader is not on."""
    excluded: dict[str, set[int]] = defaultdict(set)
    read = list(_read(person, world, boards, span, excluded))
    own = [one for board in read for key in person.members for one in board.by_whom.get(key, ())]
    excluded["own"] = {event.event_offset or 0 for event, _ in own}
    for board in read:
        excluded["noise"] |= board.noise - excluded["own"]
    telling = _telling(person, world, own, read, span.now)
    placed = [one for board in read for subject in board.subjects.values() for one in subject.placed(telling)]
    placed = [(section, _dated(line, span)) for section, line in placed]
    wanted = [one for one in placed if one[0] in person.sections]
    excluded["section"] = _offsets(placed) - _offsets(wanted) if len(wanted) < len(placed) else set()
    offsets = {offset for board in read for offset in board.offsets}
    accounted = _accounted(offsets, wanted, excluded, elsewhere)
    heard = _heard(read, excluded["own"])
    return CatchUp(
        person,
        person.zone,
        span.window,
        span.from_at,
        span.now,
        rank.arranged(wanted),
        accounted,
        span.first,
        heard,
    )


def _read(
    person: Person, world: World, boards: Iterable[BoardNews], span: Span, excluded: dict[str, set[int]]
) -> Iterator[BoardNews]:
    """The boards the reader is told of; what is left out of them, and what the others hold, is accounted for."""
    quiet, mine = silent(person, world.boards), set(person.members)
    for board in boards:
        on_board = bool(world.board_members.get(board.board_id, frozenset()) & mine)
        reason = quiet.get(board.board_id) if on_board else "not_on_board"
        excluded[reason or span.too_early].update(board.early)
        if reason:
            excluded[reason] |= board.offsets
        else:
            yield board


def _heard(read: Iterable[BoardNews], own: set[int]) -> tuple[str, ...]:
    """The boards on which something happened that concerns the reader, in the order in which it did."""
    firsts = {board.board_id: min(board.offsets - board.noise - own, default=0) for board in read}
    return tuple(sorted((board_id for board_id, first in firsts.items() if first), key=firsts.__getitem__))


def _telling(
    person: Person, world: World, own: list[Done], boards: list[BoardNews], now: datetime
) -> Telling:
    everybody = boards[0].everybody if boards else Everybody(world.members)
    worked_on = frozenset(event.card_id for event, _ in own if event.card_id)
    mine = folded(touch for _, does in own for touch in does)
    return Telling(world, Names(person, world, everybody, now), seen(mine), worked_on)


def _dated(line: Line, span: Span) -> Line:
    return replace(line, late=True) if span.late and line.at < span.from_at - LATE else line


def _accounted(
    offsets: set[int], wanted: Iterable[Placed], excluded: Mapping[str, set[int]], elsewhere: Sequence[int]
) -> Accounted:
    shown = {offset for _, line in wanted for offset in line.told}
    folded_in = offsets.difference(shown, excluded["own"], excluded["noise"], excluded["section"])
    reasons: dict[str, Sequence[int]] = {
        reason: tuple(sorted(some)) for reason, some in excluded.items() if some
    }
    if elsewhere:
        foreign = excluded.get("not_on_board")
        reasons["not_on_board"] = tuple(sorted({*elsewhere, *foreign})) if foreign else elsewhere
    return Accounted(tuple(sorted(shown)), tuple(sorted(folded_in)), dict(sorted(reasons.items())))


def _offsets(placed: Iterable[Placed]) -> set[int]:
    return {offset for _, line in placed for offset in line.events}
