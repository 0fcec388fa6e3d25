"""Which section a line belongs to, why it is there, and in which order lines come. Pure.

The rule that places a line is the rule that explains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from digests.model import SECTIONS, CardNow, Line, Person, Section

# Addressed to you, then by how much a reader would miss it.
KINDS = (
    "mention reply assigned due unassigned deleted decision done reopened archived comment moved created updated "
    "board back"
).split()

_DECISION = re.compile(
    r"^\W*(decision|decided|we decided|agreed|entscheidung|entschieden|beschluss|beschlossen|decisão|decidido|decidimos|"
    r"decisión|décision|décidé|decisione|deciso|決定|결정)\b",
    re.IGNORECASE,
)


def is_decision(text: str) -> bool:
    """Whether somebody's words open by calling themselves a decision."""
    return bool(_DECISION.match(text))


def relation(person: Person, card: CardNow | None, *, commented: bool, worked: bool) -> str | None:
    """Why a card is the reader's, in words; None if it is not."""
    mine = set(person.members)
    if card and card.assignees & mine:
        return "you are assigned"
    if card and card.created_by in mine:
        return "you created it"
    if commented:
        return "you commented"
    return "you worked on it" if worked else None


def place(kind: str, yours: str | None) -> tuple[str, str]:
    """The section and the reason of what became of a card."""
    if yours:
        return "Yours", yours
    if kind == "created":
        return "New", "new on your board"
    if kind in ("done", "archived", "deleted", "decision"):
        return "Decisions and done", {
            "done": "finished on your board",
            "archived": "archived on your board",
            "deleted": "deleted from your board",
            "decision": "decided on your board",
        }[kind]
    return "Moved", "on your board"


def arranged(placed: Iterable[tuple[str, Line]]) -> tuple[Section, ...]:
    """Sections in their order, without the empty ones; within each the weightiest first, a card's lines together."""
    placed = list(placed)
    return tuple(
        Section(name, _ordered([line for section, line in placed if section == name]))
        for name in SECTIONS
        if any(section == name for section, _ in placed)
    )


def _ordered(lines: list[Line]) -> tuple[Line, ...]:
    best: dict[object, tuple[int, float, int]] = {}
    for line in lines:
        key = _order(line)
        best[_together(line)] = min(best.get(_together(line), key), key)
    return tuple(
        sorted(lines, key=lambda line: (best[_together(line)], str(_together(line)), line.at, line.events))
    )


def _together(line: Line) -> object:
    return line.card_id or line.events


def _order(line: Line) -> tuple[int, float, int]:
    return KINDS.index(line.kind), -line.at.timestamp(), line.events[0]
