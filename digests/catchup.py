"""What one person is told about one window, and where every event of it went. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from digests import rank, wording
from digests.fold import Facet, Folded, Net, fold, touched
from digests.mentions import handles, mentioned
from digests.model import Accounted, CardNow, CatchUp, Line, Person, World
from digests.naming import Names, actor, clean, counted, quoted, safe_url, shortened
from digests.wording import Clause
from warehouse.model import Event, Window

LATE = timedelta(minutes=15)
"""An event this much older than its window's beginning is marked: it reached us late."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Events up to `at` are not told, but accounted under `reason`; `offsets` are those already known to be so."""

    at: datetime
    reason: str
    offsets: tuple[int, ...] = ()


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
    for event in events:
        reason = _excluded(person, world, event, cutoff)
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
    shown = {offset for _, line in placed for offset in line.told}
    accounted = Accounted(
        tuple(sorted(shown)),
        tuple(sorted({_offset(event) for event in told} - shown)),
        {reason: tuple(sorted(offsets)) for reason, offsets in sorted(excluded.items()) if offsets},
    )
    return CatchUp(person, person.zone, window, from_at, now, rank.arranged(placed), accounted, first)


def _offset(event: Event) -> int:
    assert event.event_offset is not None, "events of the log carry their offset"
    return event.event_offset


def _excluded(person: Person, world: World, event: Event, cutoff: Cutoff | None) -> str | None:
    if not world.board_members.get(event.board_id, frozenset()) & set(person.members):
        return "not_on_board"
    if cutoff and event.occurred_at <= cutoff.at:
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
            yield from _Card(telling, board_id, card_id, nets).placed()
        else:
            yield from _board_lines(telling, board_id, nets)


def _news(others: Folded, mine: Folded) -> Folded:
    """What others did after the reader's own last touch of the same thing: what came before, the reader has seen."""
    found = {}
    for facet, net in others.items():
        news = net.since(mine[facet].touches[-1].order) if facet in mine else net
        if news:
            found[facet] = news
    return found


def _board_lines(telling: Telling, board_id: str, nets: Folded) -> Iterator[tuple[str, Line]]:
    for facet, net in nets.items():
        kept = facet.kind.removesuffix(".title").removesuffix(".is_done") + ".exists"
        subsumed = not facet.kind.endswith(".exists") and Facet(facet.subject, kept, facet.key) in nets
        known = facet.kind == "joined" or facet.kind in wording.BOARD_CLAUSES
        if net.changed and known and not subsumed:
            section = (
                "New" if facet.kind in ("column.exists", "board.exists", "joined") and net.after else "Moved"
            )
            clause = wording.board_clause(facet, net, telling.names)
            yield section, _line(telling, board_id, None, "board", [clause], "on your board")


@dataclass(frozen=True)
class _Card:
    """One card's news for one reader."""

    telling: Telling
    board_id: str
    card_id: str
    nets: Folded
    taken: set[Facet] = field(default_factory=set)

    @cached_property
    def card(self) -> CardNow | None:
        return self.telling.world.cards.get(self.card_id)

    @cached_property
    def exists(self) -> Net | None:
        return self.nets.get(Facet(self.card_id, "exists"))

    @property
    def born(self) -> bool:
        return self.exists is not None and self.exists.before is False

    @property
    def gone(self) -> bool:
        return self.exists is not None and self.exists.after is False

    @cached_property
    def yours(self) -> str | None:
        was_mine = any(
            net.before for facet, net in self.nets.items() if facet.kind == "member" and self._me(facet, net)
        )
        found = rank.relation(
            self.telling.person,
            self.card,
            commented=self.card_id in self.telling.commented_on,
            worked=self.card_id in self.telling.worked_on,
        )
        return found or ("you were assigned" if was_mine else None)

    def placed(self) -> Iterator[tuple[str, Line]]:
        """The card's lines: what is addressed to the reader, then what became of it, then what was said."""
        yield from self._addressed()
        vanished = self.born and self.gone
        if vanished:
            return
        main = self._main()
        section = main[0] if main else rank.place("comment", self.yours)[0]
        if main:
            yield main
        for facet, net in self.nets.items():
            if facet.kind == "comment" and facet not in self.taken and net.after is not None and net.changed:
                kind = "decision" if rank.is_decision(self._said(facet, net)) else "comment"
                place, reason = rank.place(kind, self.yours)
                yield (place if kind == "decision" else section), self._comment(kind, facet, net, reason)

    def _me(self, facet: Facet, net: Net) -> bool:
        return f"{net.touches[-1].event.source}:{facet.key}" in self.telling.person.members

    def _addressed(self) -> Iterator[tuple[str, Line]]:
        for facet, net in self.nets.items():
            found = self._comment_to_me(facet, net) if facet.kind == "comment" else None
            if facet.kind == "description" and self._names_me(net):
                said = wording.clause("mentioned you in the description", [net])
                found = self._line("mention", [said], "mentions you", quote=quoted(str(net.after)))
            if found:
                self.taken.add(facet)
                yield "Waiting on you", found
            elif facet.kind == "member" and self._me(facet, net):
                self.taken.add(facet)
                yield self._assignment(net)
        due = Facet(self.card_id, "due_at")
        if due in self.nets and not self.born and not self.gone and self.yours == "you are assigned":
            self.taken.add(due)
            moved = wording.due(self.nets[due], self.telling.names, every=True)
            yield "Waiting on you", self._line("due", [moved], "due date on your card")

    def _names_me(self, net: Net) -> bool:
        mentions = self.telling.mentions_me
        return mentions(net.after, self.board_id, self.card) and not mentions(
            net.before, self.board_id, self.card
        )

    def _comment_to_me(self, facet: Facet, net: Net) -> Line | None:
        if net.after is None:
            return None
        if self._names_me(net):
            return self._comment("mention", facet, net, "mentions you")
        parent_id = net.touches[0].event.after.get("parent_id")
        parent = self.telling.world.comments.get(parent_id) if parent_id else None
        if parent and parent.author in self.telling.person.members and net.before is None:
            return self._comment("reply", facet, net, "reply to you")
        return None

    def _assignment(self, net: Net) -> tuple[str, Line]:
        if net.changed and net.after:
            said = wording.clause("assigned you", [net], every=True)
            return "Waiting on you", self._line("assigned", [said], "assigned to you")
        does = "took you off it" if not net.after else "took you off it and assigned you again"
        if not net.changed and not net.after:
            does = "assigned you and took you off again"
        return "Yours", self._line(
            "unassigned", [wording.clause(does, [net], every=True)], "you were assigned"
        )

    def _comment(self, kind: str, facet: Facet, net: Net, reason: str) -> Line:
        verb = {"mention": "mentioned you", "reply": "replied to you"}.get(kind, "wrote")
        if net.before is not None:
            verb = "edited a comment" if kind in ("comment", "decision") else f"{verb} (edited)"
        return self._line(kind, [wording.clause(verb, [net])], reason, quote=self._said(facet, net))

    def _said(self, facet: Facet, net: Net) -> str:
        """The comment's words; a restored one is told by the board alone."""
        known = self.telling.world.comments.get(facet.key)
        return quoted(str(net.after or (known.content if known else ""))) or "…"

    def _main(self) -> tuple[str, Line] | None:
        clauses = list(self._clauses())
        if not clauses:
            return None
        kind = self._kind(clauses)
        section, reason = rank.place(kind, self.yours)
        return section, self._line(kind, clauses, reason)

    def _clauses(self) -> Iterator[Clause]:
        names, moved = self.telling.names, self.nets.get(Facet(self.card_id, "column"))
        if self.exists and self.gone:
            yield wording.clause("deleted it", [self.exists], weight=3)
            return
        if self.exists and self.born:
            yield wording.created(self.exists, moved, names)
        elif self.exists and self.exists.changed:
            yield wording.clause("restored it", [self.exists], weight=3)
        if moved and (told := wording.column(moved, names, born=self.born)):
            yield told
        rest = {facet: net for facet, net in self.nets.items() if facet not in self.taken}
        yield from wording.details(rest, names, self.card, born=self.born)
        erased = [
            net
            for facet, net in rest.items()
            if facet.kind == "comment" and net.changed and net.after is None
        ]
        if erased:
            yield wording.clause(f"deleted {counted(len(erased), 'comment')}", erased, weight=0)

    def _kind(self, clauses: list[Clause]) -> str:
        names, moved = self.telling.names, self.nets.get(Facet(self.card_id, "column"))
        archived = self.nets.get(Facet(self.card_id, "archived"))
        if self.gone:
            return "deleted"
        if moved and moved.changed and names.is_done(moved.after) and not names.is_done(moved.before):
            return "done"
        if self.born:
            return "created"
        if archived and archived.changed and archived.after:
            return "archived"
        if moved and moved.changed:
            return "reopened" if names.is_done(moved.before) and not names.is_done(moved.after) else "moved"
        return "back" if moved and len(clauses) == 1 else "updated"

    def _line(self, kind: str, clauses: list[Clause], reason: str, quote: str = "") -> Line:
        return _line(self.telling, self.board_id, self, kind, clauses, reason, quote)

    @property
    def title(self) -> str:
        """What the card is called now; its last known title if it is gone."""
        named = self.nets.get(Facet(self.card_id, "title"))
        title = (self.card.title if self.card else None) or (
            str(named.after or named.before) if named else ""
        )
        for net in self.nets.values():
            title = title or str(
                net.touches[-1].event.before.get("title") or net.touches[-1].event.after.get("title") or ""
            )
        return shortened(clean(title), 160) or "A card without a title"


def _line(
    telling: Telling,
    board_id: str,
    card: _Card | None,
    kind: str,
    clauses: list[Clause],
    reason: str,
    quote: str = "",
) -> Line:
    names, board = telling.names, telling.world.boards.get(board_id)
    at = max(clause.at for clause in clauses)
    known = card.card if card else None
    return Line(
        card_id=card.card_id if card else None,
        card=card.title if card else "",
        board=shortened(clean(board.title), 80) if board and clean(board.title) else "A board",
        kind=kind,
        lead=wording.sentence(clauses, names),
        reason=reason,
        actors=tuple(dict.fromkeys(names.full(key) for clause in clauses for key in clause.actors)),
        at=at.astimezone(names.zone),
        url=safe_url(known.url if known else None) or safe_url(board.url if board else None),
        events=tuple(sorted({offset for clause in clauses for offset in clause.events})),
        told=tuple(sorted({offset for clause in clauses for offset in clause.told})),
        quote=quote,
        late=telling.late_before is not None and at < telling.late_before,
    )
