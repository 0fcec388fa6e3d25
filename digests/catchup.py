"""What one person is told about one window, and where every event of it went. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from digests import rank
from digests.card import CardNews
from digests.fold import Facet, Folded, fold, touched
from digests.following import silent
from digests.model import Accounted, CatchUp, Line, Person, World
from digests.naming import actor
from digests.telling import Telling, board_lines
from warehouse.model import Event, Window

LATE = timedelta(minutes=15)
"""An event this much older than its window's beginning is marked: it reached us late."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Events up to `at` are not told, but accounted under `reason`; `offsets` are those already known to be so.

    `boards` are the ids of the boards it holds for; None: for all.
    """

    at: datetime
    reason: str
    offsets: tuple[int, ...] = ()
    boards: frozenset[str] | None = None

    def holds(self, event: Event) -> bool:
        """Whether the event is too old to be told."""
        return event.occurred_at <= self.at and (self.boards is None or event.board_id in self.boards)


def catch_up(
    person: Person,
    world: World,
    events: Iterable[Event],
    window: Window,
    *,
    now: datetime,
    from_at: datetime,
    cutoff: Cutoff | None = None,
    elsewhere: Iterable[int] = (),
    late: bool = False,
    first: bool = False,
) -> CatchUp:
    """Every event of the window on the reader's boards is told, folded or excluded with a reason.

    `elsewhere` are the window's offsets on boards the reader is not on; `late` marks what happened before `from_at`.
    """
    excluded: dict[str, list[int]] = defaultdict(list)
    excluded["not_on_board"] += elsewhere
    if cutoff:
        excluded[cutoff.reason] += cutoff.offsets
    told: list[Event] = []
    own: list[Event] = []
    quiet = silent(person, world.boards)
    for event in events:
        reason = _excluded(person, world, event, cutoff, quiet)
        if reason is None:
            told.append(event)
        else:
            excluded[reason].append(_offset(event))
        if reason == "own":
            own.append(event)
    mine = fold(own)
    worked_on = frozenset(event.card_id for event in own if event.card_id)
    telling = Telling(person, world, now, mine, worked_on, from_at - LATE if late else None)
    placed = list(_placed(telling, told))
    wanted = [(section, line) for section, line in placed if section in person.sections]
    excluded["section"] += _offsets(placed) - _offsets(wanted)
    accounted = _accounted(told, wanted, excluded)
    boards = tuple(dict.fromkeys(event.board_id for event in told))
    return CatchUp(person, person.zone, window, from_at, now, rank.arranged(wanted), accounted, first, boards)


def _accounted(
    told: Iterable[Event], wanted: Iterable[tuple[str, Line]], excluded: Mapping[str, Iterable[int]]
) -> Accounted:
    shown = {offset for _, line in wanted for offset in line.told}
    folded = {_offset(event) for event in told} - shown - set(excluded["section"])
    reasons = {reason: tuple(sorted(offsets)) for reason, offsets in sorted(excluded.items()) if offsets}
    return Accounted(tuple(sorted(shown)), tuple(sorted(folded)), reasons)


def _offset(event: Event) -> int:
    assert event.event_offset is not None, "events of the log carry their offset"
    return event.event_offset


def _offsets(placed: Iterable[tuple[str, Line]]) -> set[int]:
    return {offset for _, line in placed for offset in line.events}


def _excluded(
    person: Person, world: World, event: Event, cutoff: Cutoff | None, quiet: Mapping[str, str]
) -> str | None:
    if not world.board_members.get(event.board_id, frozenset()) & set(person.members):
        return "not_on_board"
    if event.board_id in quiet:
        return quiet[event.board_id]
    if cutoff and cutoff.holds(event):
        return cutoff.reason
    if actor(event) in person.members:
        return "own"
    return None if any(True for _ in touched(event)) else "noise"


def _placed(telling: Telling, events: list[Event]) -> Iterator[tuple[str, Line]]:
    by_subject: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        by_subject[event.board_id, event.card_id or ""].append(event)
    for (board_id, card_id), some in by_subject.items():
        nets = _news(fold(some), telling.mine)
        if card_id:
            yield from CardNews(telling, board_id, card_id, nets).placed()
        else:
            yield from board_lines(telling, board_id, nets)


def _news(others: Folded, mine: Folded) -> Folded:
    """What others did after the reader's own last touch of the same thing: what came before, the reader has seen.

    That a card was created is seen by whoever did anything on it later.
    """
    seen = {facet: net.touches[-1].order for facet, net in mine.items()}
    for facet, order in list(seen.items()):
        exists = Facet(facet.subject, "exists")
        seen[exists] = max(seen.get(exists, order), order)
    found = {facet: net.since(seen[facet]) if facet in seen else net for facet, net in others.items()}
    return {facet: net for facet, net in found.items() if net}
