"""One reader's window while it is told: who reads, what things are called, and the line a card's or board's news makes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from digests import wording
from digests.fold import Facet, Folded
from digests.mentions import handles, mentioned
from digests.model import CardNow, Line, Person, World
from digests.naming import Names, clean, safe_url, shortened
from digests.wording import Clause


@dataclass(frozen=True)
class Telling:
    """One reader's window: what is asked about it more than once."""

    person: Person
    world: World
    now: datetime
    mine: Folded
    worked_on: frozenset[str]
    late_before: datetime | None = None

    @cached_property
    def names(self) -> Names:
        return Names(self.person, self.world, self.now)

    @cached_property
    def _handles(self) -> dict[str, Mapping[str, frozenset[str]]]:
        members = self.world.members
        return {
            board_id: handles(members[key] for key in keys if key in members)
            for board_id, keys in self.world.board_members.items()
        }

    def mentions_me(self, text: object, board_id: str, card: CardNow | None) -> bool:
        """Whether a text on that board names the reader, alone or with everybody."""
        found = mentioned(str(text or ""), self._handles.get(board_id, {}))
        on_card = "card" in found and card is not None and bool(card.assignees & set(self.person.members))
        return "*" in found or on_card or bool(found & set(self.person.members))

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
        late=telling.late_before is not None and at < telling.late_before,
    )


def board_lines(telling: Telling, board_id: str, nets: Folded) -> Iterator[tuple[str, Line]]:
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
