"""One reader's window while it is told: who reads, what things are called, and the line a card's or board's news makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from digests import wording
from digests.fold import Facet, Folded
from digests.model import Line, Person, World
from digests.naming import Names, clean, safe_url, shortened
from digests.wording import Clause

Seen = Mapping[Facet, tuple[datetime, int]]
"""When the reader last touched a thing themselves."""


@dataclass(frozen=True)
class Telling:
    """One reader's window: what is asked about it more than once."""

    world: World
    names: Names
    seen: Seen
    worked_on: frozenset[str]

    @property
    def person(self) -> Person:
        return self.names.person

    @cached_property
    def commented_on(self) -> frozenset[str]:
        """Cards the reader has written a comment on."""
        return frozenset(c.card_id for c in self.world.comments.values() if c.author in self.person.members)


@dataclass(frozen=True, slots=True)
class About:
    """What a line is about: a card by its id and title, or the board itself."""

    board_id: str
    card_id: str | None = None
    title: str = ""
    url: str | None = None


def line(
    telling: Telling, about: About, kind: str, clauses: list[Clause], reason: str, *, quote: str = ""
) -> Line:
    """The line these clauses make."""
    names, board = telling.names, telling.world.boards.get(about.board_id)
    at = max(clause.at for clause in clauses)
    return Line(
        card_id=about.card_id,
        card=about.title,
        board=shortened(clean(board.title), 80) if board and clean(board.title) else "A board",
        kind=kind,
        lead=wording.sentence(clauses, names),
        reason=reason,
        actors=tuple(dict.fromkeys(names.full(key) for clause in clauses for key in clause.actors)),
        at=at.astimezone(names.zone),
        url=safe_url(about.url) or safe_url(board.url if board else None),
        events=tuple(sorted({offset for clause in clauses for offset in clause.events})),
        told=tuple(sorted({offset for clause in clauses for offset in clause.told})),
        quote=quote,
    )


def seen(mine: Folded) -> Seen:
    """What the reader's own events say they have seen. That a card was created is seen by whoever did anything on it later."""
    found = {facet: net.touches[-1].order for facet, net in mine.items()}
    for facet, order in list(found.items()):
        exists = Facet(facet.subject, "exists")
        found[exists] = max(found.get(exists, order), order)
    return found
