"""Events to net changes. Pure, and a law: `fold(a + b) == merge(fold(a), fold(b))` in any order.

A facet is one thing that can change (a card's column, one assignee of it, one comment); its net is the
touches of it in the order they happened, so what was before is the first touch's and what is after the last's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from warehouse.model import Event


class Facet(NamedTuple):
    """One thing that can change: `kind` says what, `key` which of several. `subject` is the card, else the board."""

    subject: str
    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """One event's effect on one facet."""

    event: Event
    before: object
    after: object
    order: tuple[datetime, int]
    """When it happened; the log's order decides between equals."""


@dataclass(frozen=True, slots=True)
class Net:
    """What came of a facet: its touches, oldest first."""

    touches: tuple[Touch, ...]

    @property
    def before(self) -> object:
        return self.touches[0].before

    @property
    def after(self) -> object:
        return self.touches[-1].after

    @property
    def changed(self) -> bool:
        """False when it ended where it began."""
        return bool(self.before != self.after)

    @property
    def offsets(self) -> tuple[int, ...]:
        return tuple(sorted(touch.event.event_offset or 0 for touch in self.touches))

    def since(self, order: tuple[datetime, int]) -> Net | None:
        """What came of it after that moment."""
        later = tuple(touch for touch in self.touches if touch.order > order)
        return Net(later) if later else None


Folded = Mapping[Facet, Net]
Change = tuple[Facet, object, object]
"""A facet, and its value before and after."""
Touched = tuple[Facet, Touch]
"""A facet, and what one event did to it."""

_SCALARS = ("title", "description", "due_at", "due_done", "archived", "cover")
_PARTS = {
    "comment": ("comment", "content"),
    "checklist": ("item", "text"),
    "checklist_item": ("item", "text"),
    "attachment": ("attachment", "name"),
}
_SWITCHES = {
    "archived": ("archived", False, True),
    "unarchived": ("archived", True, False),
    "deleted": ("exists", True, False),
    "restored": ("exists", False, True),
}


def fold(events: Iterable[Event]) -> Folded:
    """Net changes by facet. An event that changes nothing anybody is told about touches nothing."""
    return folded(touch for event in events for touch in touches(event))


def touches(event: Event) -> tuple[Touched, ...]:
    """What an event does, facet by facet: all that folding needs of it, to be worked out once and folded often."""
    order = (event.occurred_at, event.event_offset or 0)
    return tuple((facet, Touch(event, before, after, order)) for facet, before, after in touched(event))


def folded(every: Iterable[Touched]) -> Folded:
    """The fold of the events these touches are of."""
    facets: dict[Facet, dict[int, Touch]] = {}
    for facet, touch in every:
        facets.setdefault(facet, {})[touch.event.event_offset or 0] = touch
    return {facet: _net(some.values()) for facet, some in facets.items()}


def merge(one: Folded, other: Folded) -> Folded:
    """The fold of both halves' events."""
    both = dict(one)
    for facet, net in other.items():
        mine = both[facet].touches if facet in both else ()
        both[facet] = _net({touch.event.event_offset: touch for touch in (*mine, *net.touches)}.values())
    return both


def _net(some: Collection[Touch]) -> Net:
    return Net(tuple(some) if len(some) == 1 else tuple(sorted(some, key=attrgetter("order"))))


def touched(event: Event) -> Iterator[Change]:
    """The facets an event touches, each with its value before and after."""
    entity, _, verb = event.action.partition(".")
    if entity == "action":
        entity, verb = event.entity_type, _undone(event)
    if entity == "card" and event.card_id:
        yield from _card(event, event.card_id, verb)
    elif entity in ("checklist", "checklist_item") and event.card_id and not event.entity_id:
        yield from _checklist(event, event.card_id, verb)
    elif entity in _PARTS and event.card_id and event.entity_id:
        yield from _part(event, event.card_id, event.entity_id, *_PARTS[entity], verb)
    elif entity in ("column", "board", "member"):
        yield from _board(event, entity, verb)


def _undone(event: Event) -> str:
    """What undoing amounts to: a thing is back, gone, or as it was before."""
    gone = event.after.get("deleted")
    return "updated" if gone is None else "deleted" if gone else "restored"


def _card(event: Event, card: str, verb: str) -> Iterator[Change]:
    if verb == "reordered":
        return
    if verb == "created":
        yield Facet(card, "exists"), False, True
    if verb in _SWITCHES:
        kind, was, is_now = _SWITCHES[verb]
        yield Facet(card, kind), was, is_now
    if verb in ("created", "moved", "updated"):
        yield from _place(event, card)
    yield from _fields(
        event, card, [kind for kind in _SCALARS if kind != "archived" or verb not in _SWITCHES]
    )


def _place(event: Event, card: str) -> Iterator[Change]:
    was = event.column_from or event.before.get("column_id")
    is_now = event.column_to or event.after.get("column_id")
    if is_now and is_now != was:
        yield Facet(card, "column"), was, is_now


def _fields(event: Event, card: str, scalars: Iterable[str]) -> Iterator[Change]:
    for kind in scalars:
        if kind in event.after and event.before.get(kind) != event.after[kind]:
            yield Facet(card, kind), event.before.get(kind), event.after[kind]
    for kind, name in (("member", "member_ids"), ("label", "labels")):
        for key in event.before.get(name) or ():
            yield Facet(card, kind, key), True, False
        for key in event.after.get(name) or ():
            yield Facet(card, kind, key), False, True


def _checklist(event: Event, card: str, verb: str) -> Iterator[Change]:
    """A whole checklist, of which some sources say no more than the name."""
    was, is_now = event.before.get("checklist"), event.after.get("checklist")
    if verb == "deleted" or (is_now and is_now != was):
        yield Facet(card, "checklist", str(was or is_now)), was, None if verb == "deleted" else is_now


def _part(event: Event, card: str, key: str, kind: str, name: str, verb: str) -> Iterator[Change]:
    was, is_now = event.before.get(name), event.after.get(name)
    if verb in ("checked", "unchecked"):
        yield Facet(card, "ticked", key), verb == "unchecked", verb == "checked"
    elif verb in ("created", "restored"):
        yield Facet(card, kind, key), None, is_now or ""
        if verb == "created" and event.after.get("done"):
            yield Facet(card, "ticked", key), False, True
    elif verb == "deleted":
        yield Facet(card, kind, key), was or "", None
    elif verb == "updated":
        if name in event.after and was != is_now:
            yield Facet(card, kind, key), was if was is not None else "", is_now
        if "done" in event.after and kind == "item":
            yield Facet(card, "ticked", key), not event.after["done"], bool(event.after["done"])


def _board(event: Event, entity: str, verb: str) -> Iterator[Change]:
    key = event.entity_id or ""
    if entity == "member":
        if verb in ("joined", "left"):
            yield Facet(event.board_id, "joined", key), verb == "left", verb == "joined"
        return
    subject = Facet(event.board_id, entity, key)
    if verb == "created":
        yield subject._replace(kind=f"{entity}.exists"), False, True
    elif verb in _SWITCHES:
        kind, was, is_now = _SWITCHES[verb]
        yield subject._replace(kind=f"{entity}.{kind}"), was, is_now
    for kind in ("title", "is_done"):
        if verb == "updated" and kind in event.after and event.before.get(kind) != event.after[kind]:
            yield subject._replace(kind=f"{entity}.{kind}"), event.before.get(kind), event.after[kind]
