"""One board's news in one window: folded once, and told once to all who have no part in it. Pure.

Most of what happens on a board concerns two or three of those who read it. To everybody else a card's lines are the same,
but for the zone of their times; so they are made once, and only whoever has a part in a card is told of it by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from digests import wording
from digests.card import CardNews
from digests.fold import Facet, Folded, Touched, folded, touches
from digests.mentions import handles, mentioned
from digests.model import Line, Person, World
from digests.naming import Everybody, Names, actor
from digests.telling import About, Seen, Telling, line
from warehouse.model import Event

Placed = tuple[str, Line]
"""A line and the section it belongs to."""
Done = tuple[Event, tuple[Touched, ...]]
"""An event and all that it does."""


@dataclass(frozen=True, eq=False)
class BoardNews:
    """A board's events of one window. `early` are the offsets too old to be told; `world` knows of no other board."""

    board_id: str
    world: World
    everybody: Everybody
    events: tuple[Event, ...]
    now: datetime
    early: Sequence[int] = ()
    _named: dict[str, frozenset[str]] = field(default_factory=dict)
    _strangers: dict[str | None, Telling] = field(default_factory=dict)

    @cached_property
    def offsets(self) -> frozenset[int]:
        """Of the events that may be told."""
        return frozenset(event.event_offset or 0 for event in self.events)

    @cached_property
    def done(self) -> tuple[Done, ...]:
        """Each event with all that it does."""
        return tuple((event, touches(event)) for event in self.events)

    @cached_property
    def noise(self) -> frozenset[int]:
        """Of the events that change nothing anybody is told about."""
        return frozenset(event.event_offset or 0 for event, does in self.done if not does)

    @cached_property
    def by_whom(self) -> Mapping[str | None, list[Done]]:
        """The events by the member key of who did them."""
        found: dict[str | None, list[Done]] = defaultdict(list)
        for one in self.done:
            found[actor(one[0])].append(one)
        return found

    @cached_property
    def subjects(self) -> Mapping[str, Subject]:
        """What the events are about, by card; the board itself under no card."""
        found: dict[str, list[Touched]] = defaultdict(list)
        for event, does in self.done:
            found[event.card_id or ""] += does
        return {card_id: Subject(self, card_id, some) for card_id, some in found.items() if some}

    def named_in(self, text: str) -> frozenset[str]:
        """Whom a text on this board names."""
        if text not in self._named:
            self._named[text] = mentioned(text, self._handles)
        return self._named[text]

    def stranger(self, zone: str | None) -> Telling:
        """Somebody in that zone who has no part in anything."""
        if zone not in self._strangers:
            names = Names(Person("", "", zone=zone), self.world, self.everybody, self.now)
            self._strangers[zone] = Telling(self.world, names, {}, frozenset())
        return self._strangers[zone]

    @cached_property
    def _handles(self) -> Mapping[str, frozenset[str]]:
        here, members = self.world.board_members.get(self.board_id, frozenset()), self.world.members
        return handles(members[key] for key in here if key in members)


@dataclass(frozen=True, eq=False)
class Subject:
    """A card, or the board itself, and all that happened to it on this board."""

    board: BoardNews
    card_id: str
    touches: list[Touched]
    _to_strangers: dict[str | None, tuple[Placed, ...]] = field(default_factory=dict)

    def placed(self, telling: Telling) -> Iterable[Placed]:
        """The lines it makes for the reader: their own, where they have a part in it; else what all others are told."""
        if self._is_strange_to(telling):
            zone = telling.person.zone
            if zone not in self._to_strangers:
                self._to_strangers[zone] = tuple(self._lines(self.board.stranger(zone), self.nets))
            return self._to_strangers[zone]
        mine = telling.person.members
        others = folded(one for one in self.touches if actor(one[1].event) not in mine)
        return self._lines(telling, _since(telling.seen, others))

    @cached_property
    def nets(self) -> Folded:
        """All of it, whoever did it."""
        return folded(self.touches)

    def _is_strange_to(self, telling: Telling) -> bool:
        """Nothing the reader did, is named in or could see elsewhere makes it read otherwise for them."""
        return (
            self.parts is not None
            and self.parts.isdisjoint(telling.person.members)
            and self.card_id not in telling.worked_on
            and self.card_id not in telling.commented_on
        )

    @cached_property
    def parts(self) -> frozenset[str] | None:
        """The member keys of who has a part in it; None where it may lead to another board."""
        if not self._stays_here:
            return None
        world = self.board.world
        card = world.cards.get(self.card_id)
        about = {card.created_by, *card.assignees} if card else set()
        wrote = {one.author for one in map(world.comments.get, self._comments) if one}
        return frozenset(key for key in (*self._named, *about, *wrote, *self._did) if key)

    @property
    def _did(self) -> Iterator[str | None]:
        """Who did something, and whom it was done to."""
        for facet, touch in self.touches:
            yield actor(touch.event)
            if facet.kind in ("member", "joined"):
                yield f"{touch.event.source}:{facet.key}"

    @cached_property
    def _named(self) -> frozenset[str]:
        said = {
            str(text or "")
            for facet, touch in self.touches
            if facet.kind in ("comment", "description")
            for text in (touch.before, touch.after)
        }
        return frozenset().union(*map(self.board.named_in, said))

    @cached_property
    def _comments(self) -> frozenset[str]:
        """The comments it is about, and those they answer."""
        about = [(facet.key, touch) for facet, touch in self.touches if facet.kind == "comment"]
        answered = {str(parent) for _, touch in about if (parent := touch.event.after.get("parent_id"))}
        return frozenset({key for key, _ in about} | answered)

    @property
    def _stays_here(self) -> bool:
        """Whether all it names is known on this board: who reads other boards too knows no better."""
        world = self.board.world
        columns = {
            str(column)
            for facet, touch in self.touches
            if facet.kind == "column"
            for column in (touch.before, touch.after)
            if column
        }
        known = not self.card_id or self.card_id in world.cards
        return known and columns <= world.columns.keys() and self._comments <= world.comments.keys()

    def _lines(self, telling: Telling, nets: Folded) -> Iterator[Placed]:
        if self.card_id:
            card = CardNews(telling, self.board.board_id, self.card_id, self.board.named_in, nets)
            return card.placed()
        return board_lines(telling, self.board.board_id, nets)


def _since(seen: Seen, others: Folded) -> Folded:
    """What others did after the reader's own last touch of the same thing: what came before, the reader has seen."""
    found = {facet: net.since(seen[facet]) if facet in seen else net for facet, net in others.items()}
    return {facet: net for facet, net in found.items() if net}


def board_lines(telling: Telling, board_id: str, nets: Folded) -> Iterator[Placed]:
    """What became of a board, its columns and its members, with the section each belongs to."""
    for facet, net in nets.items():
        kept = facet.kind.removesuffix(".title").removesuffix(".is_done") + ".exists"
        subsumed = not facet.kind.endswith(".exists") and Facet(facet.subject, kept, facet.key) in nets
        known = facet.kind == "joined" or facet.kind in wording.BOARD_CLAUSES
        if net.changed and known and not subsumed:
            section = (
                "New" if facet.kind in ("column.exists", "board.exists", "joined") and net.after else "Moved"
            )
            clause = wording.board_clause(facet, net, telling.names)
            yield section, line(telling, About(board_id), "board", [clause], "on your board")
