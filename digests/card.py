"""One card's news for one reader: what is addressed to them, what became of it, what was said. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from digests import rank, wording
from digests.fold import Facet, Folded, Net
from digests.model import CardNow, Line
from digests.naming import clean, counted, quoted, shortened
from digests.telling import About, Telling, line
from digests.wording import Clause

Mentions = Callable[[str], frozenset[str]]
"""Whom a text on the card's board names: see `mentions.mentioned`."""


@dataclass(frozen=True)
class CardNews:
    """One card's news for one reader."""

    telling: Telling
    board_id: str
    card_id: str
    mentions: Mentions
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
            yield self._open_section(), self._line("due", [moved], "due date on your card")

    def _open_section(self) -> str:
        """What was asked of you on a card that is finished or put away by now no longer waits on you."""
        net = self.nets.get(Facet(self.card_id, "column"))
        column = net.after if net else self.card.column_id if self.card else None
        archived = self.nets.get(Facet(self.card_id, "archived"))
        over = self.gone or self.telling.names.is_closed(column) or bool(archived and archived.after)
        return "Yours" if over else "Waiting on you"

    def _names_me(self, net: Net) -> bool:
        return self._mentions_me(net.after) and not self._mentions_me(net.before)

    def _mentions_me(self, text: object) -> bool:
        """Whether a text names the reader, alone or with everybody."""
        found, mine = self.mentions(str(text or "")), set(self.telling.person.members)
        on_card = "card" in found and self.card is not None and bool(self.card.assignees & mine)
        return "*" in found or on_card or bool(found & mine)

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
            return self._open_section(), self._line("assigned", [said], "assigned to you")
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
        rest = {facet: net for facet, net in self.nets.items() if facet not in self.taken}
        if self.exists and self.gone:
            yield wording.clause("deleted it", [self.exists])
            return
        if self.exists and self.born:
            yield from wording.created(self.exists, moved, names)
        elif self.exists and self.exists.changed:
            yield wording.clause("restored it", [self.exists])
        if moved and not self.born:
            yield wording.column(moved, names)
        yield from wording.assignments(rest, names)
        yield from wording.details(rest, names, self.card, born=self.born)
        erased = [
            net
            for facet, net in rest.items()
            if facet.kind == "comment" and net.changed and net.after is None
        ]
        if erased:
            yield wording.clause(f"deleted {counted(len(erased), 'comment')}", erased)

    def _kind(self, clauses: list[Clause]) -> str:
        archived = self.nets.get(Facet(self.card_id, "archived"))
        if self.gone:
            return "deleted"
        if self._moved() == "done":
            return "done"
        if archived and archived.changed and archived.after:
            return "archived"
        if self.born:
            return "created"
        moved = self._moved()
        return moved if moved and (moved != "back" or len(clauses) == 1) else "updated"

    def _moved(self) -> str | None:
        names, net = self.telling.names, self.nets.get(Facet(self.card_id, "column"))
        if net is None or not net.changed:
            return "back" if net else None
        if names.is_done(net.after) and not names.is_done(net.before):
            return "done"
        return "reopened" if names.is_done(net.before) and not names.is_closed(net.after) else "moved"

    def _line(self, kind: str, clauses: list[Clause], reason: str, quote: str = "") -> Line:
        about = About(self.board_id, self.card_id, self.title, self.card.url if self.card else None)
        return line(self.telling, about, kind, clauses, reason, quote=quote)

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
        return shortened(clean(title), 160) or ("A deleted card" if self.gone else "A card without a title")
