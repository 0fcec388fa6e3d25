"""What became of one card, as clauses a person would write: who, did what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from digests.fold import Facet, Net
from digests.model import CardNow
from digests.naming import Names, actor, clean, counted, listed, shortened


@dataclass(frozen=True, slots=True)
class Clause:
    """“Ana and Ben” (`actors`, member keys) “moved it to Done” (`does`); which offsets say so, which went into it."""

    actors: tuple[str | None, ...]
    does: str
    told: tuple[int, ...]
    events: tuple[int, ...]
    at: datetime


def clause(does: str, nets: Iterable[Net], *, every: bool = False) -> Clause:
    """A clause over what changed, by whom each ended as it is; tells the last touch of each.

    `every`: by all who touched it, telling every touch.
    """
    nets = list(nets)
    last = sorted((net.touches[-1] for net in nets), key=lambda touch: touch.order)
    touches = sorted((touch for net in nets for touch in net.touches), key=lambda touch: touch.order)
    actors = tuple(dict.fromkeys(actor(touch.event) for touch in (touches if every else last)))
    offsets = tuple(sorted({touch.event.event_offset or 0 for touch in touches}))
    told = offsets if every else tuple(sorted({touch.event.event_offset or 0 for touch in last}))
    return Clause(actors, does, told, offsets, last[-1].event.occurred_at)


def by_all(does: str, net: Net) -> Clause:
    """A clause that names everybody who had a hand in it and tells the last touch."""
    return replace(clause(does, [net]), actors=clause(does, [net], every=True).actors)


def sentence(clauses: Iterable[Clause], names: Names) -> str:
    """“Ana moved it from To do to Doing and ticked 3 checklist items; Ben set the due date to Fri 12 Jun 17:00”."""
    groups: list[tuple[tuple[str | None, ...], list[str]]] = []
    for one in clauses:
        if groups and groups[-1][0] == one.actors:
            groups[-1][1].append(one.does)
        else:
            groups.append((one.actors, [one.does]))
    text = "; ".join(f"{people(actors, names)} {_joined(does)}" for actors, does in groups)
    return text[:1].upper() + text[1:]


def people(actors: Iterable[str | None], names: Names) -> str:
    """“Ana”, “Ana and Ben”."""
    return listed(dict.fromkeys(names.short(key) for key in actors), 3)


def _joined(does: list[str]) -> str:
    return does[0] if len(does) == 1 else f"{', '.join(does[:-1])} and {does[-1]}"


def column(net: Net, names: Names) -> Clause:
    """Where the card went; a move there and back is told as such."""
    moves, was, is_now = len(net.touches), names.column(net.before), names.column(net.after)
    times = f" ({moves} moves)" if moves > 2 else ""
    if not net.changed:
        return by_all(f"moved it {moves}×, back to {is_now}, where it was", net)
    if names.is_done(net.before) and not names.is_closed(net.after):
        return by_all(f"reopened it, from {was} back to {is_now}{times}", net)
    return by_all(
        f"moved it from {was} to {is_now}{times}" if net.before else f"moved it to {is_now}{times}", net
    )


def created(exists: Net, moved: Net | None, names: Names) -> Iterator[Clause]:
    """Where the card began, and where it is if it went on."""
    if moved is None or moved.touches[0].event.event_offset != exists.touches[0].event.event_offset:
        yield clause("created it", [exists])
        start, later = None, moved
    else:
        yield clause(f"created it in {names.column(moved.touches[0].after)}", [exists])
        start, later = moved.touches[0].after, moved.since(moved.touches[0].order)
    if later and later.after != start:
        moves = f" ({len(later.touches)} moves)" if len(later.touches) > 2 else ""
        yield by_all(f"moved it to {names.column(later.after)}{moves}", later)


def due(net: Net, names: Names, *, every: bool = False) -> Clause:
    """A due date set, moved, removed, or moved and back."""
    was, is_now = _instant(net.before), _instant(net.after)
    if not net.changed:
        does = (
            f"moved the due date {len(net.touches)}×; it is back at {names.day(is_now)}"
            if is_now
            else ("set a due date and removed it again")
        )
    elif was and is_now:
        does = f"moved the due date from {names.day(was)} to {names.day(is_now)}"
    elif is_now:
        does = f"set the due date to {names.day(is_now)}"
    else:
        does = f"removed the due date ({names.day(was)})" if was else "removed the due date"
    return clause(does, [net], every=every)


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def details(nets: Mapping[Facet, Net], names: Names, card: CardNow | None, *, born: bool) -> Iterator[Clause]:
    """The clauses about a card that are neither its place nor its comments, weightiest first."""
    single = {facet.kind: net for facet, net in nets.items() if not facet.key and net.changed}
    if "archived" in single:
        net = single["archived"]
        yield clause("archived it" if net.after else "brought it back from the archive", [net])
    if "due_at" in single:
        yield due(single["due_at"], names)
    if "due_done" in single:
        net = single["due_done"]
        yield clause("marked the due date as met" if net.after else "marked the due date as not met", [net])
    yield from _several(nets, "checklist", "added the checklist", "removed the checklist", "checklist")
    yield from _items(nets, card)
    yield from _several(nets, "attachment", "attached", "removed the attachment", "file")
    if not born:
        yield from _rewritten(single)
        yield from _labels(nets)


def _rewritten(single: Mapping[str, Net]) -> Iterator[Clause]:
    if "title" in single:
        yield clause(
            f"renamed it from “{shortened(clean(str(single['title'].before or '')), 80)}”", [single["title"]]
        )
    if "description" in single:
        net = single["description"]
        does = (
            "removed the description"
            if not net.after
            else "wrote a description"
            if not net.before
            else ("changed the description")
        )
        yield clause(does, [net])
    if "cover" in single:
        yield clause("changed the cover", [single["cover"]])


def assignments(nets: Mapping[Facet, Net], names: Names) -> Iterator[Clause]:
    """Who took the card on or left it, who was put on it or taken off."""
    groups: dict[tuple[str | None, bool, bool], list[tuple[str, Net]]] = {}
    for facet, net in nets.items():
        if facet.kind == "member" and net.changed:
            last = net.touches[-1].event
            key = f"{last.source}:{facet.key}"
            groups.setdefault((actor(last), bool(net.after), actor(last) == key), []).append((key, net))
    for (_, there, oneself), some in groups.items():
        who = listed(names.short(key) for key, _ in some)
        does = (
            ("took it on" if there else "left it")
            if oneself
            else f"assigned {who}"
            if there
            else f"took {who} off it"
        )
        yield clause(does, [net for _, net in some])


def _labels(nets: Mapping[Facet, Net]) -> Iterator[Clause]:
    for there, does in ((True, "added"), (False, "removed")):
        labels = {
            f.key: n for f, n in nets.items() if f.kind == "label" and n.changed and bool(n.after) is there
        }
        if labels:
            named = listed(f"“{shortened(clean(label), 40)}”" for label in labels)
            yield clause(f"{does} the label{'s' * (len(labels) > 1)} {named}", labels.values())


def _items(nets: Mapping[Facet, Net], card: CardNow | None) -> Iterator[Clause]:
    fresh = {f.key: n for f, n in nets.items() if f.kind == "item" and n.changed and n.before is None}
    gone = [n for f, n in nets.items() if f.kind == "item" and n.changed and n.after is None]
    edited = [
        n
        for f, n in nets.items()
        if f.kind == "item" and n.changed and n.before is not None and n.after is not None
    ]
    on = [n for f, n in nets.items() if f.kind == "ticked" and n.changed and n.after]
    off = [
        n for f, n in nets.items() if f.kind == "ticked" and n.changed and not n.after and f.key not in fresh
    ]
    total = f" ({card.items_done} of {card.items} done)" if card and card.items else ""
    if on:
        yield clause(f"ticked {counted(len(on), 'checklist item')}{total}", on)
    if off:
        yield clause(f"unticked {counted(len(off), 'checklist item')}{total if not on else ''}", off)
    for some, does in ((list(fresh.values()), "added"), (gone, "removed"), (edited, "reworded")):
        if some:
            yield clause(f"{does} {_items_named(some)}", some)


def _items_named(some: list[Net]) -> str:
    text = clean(str(some[0].after or some[0].before or ""))
    return (
        f"the checklist item “{shortened(text, 60)}”"
        if len(some) == 1 and text
        else counted(len(some), "checklist item")
    )


def _several(nets: Mapping[Facet, Net], kind: str, does: str, undoes: str, thing: str) -> Iterator[Clause]:
    for verb, one, gone in ((does.split()[0], does, False), (undoes.split()[0], undoes, True)):
        some = [n for f, n in nets.items() if f.kind == kind and n.changed and (n.after is None) is gone]
        text = clean(str(some[0].after or some[0].before or "")) if len(some) == 1 else ""
        if some:
            named = f"{one} “{shortened(text, 60)}”" if text else f"{verb} {counted(len(some), thing)}"
            yield clause(named, some)


BOARD_CLAUSES: Mapping[str, Callable[[Net, str], str]] = {
    "column.exists": lambda net, name: (
        f"added the column {name}" if net.after else f"deleted the column {name}"
    ),
    "column.archived": lambda net, name: f"{'archived' if net.after else 'brought back'} the column {name}",
    "column.title": lambda net, name: f"renamed the column “{clean(str(net.before or ''))}” to {name}",
    "column.is_done": lambda net, name: f"{'now counts' if net.after else 'no longer counts'} {name} as done",
    "board.exists": lambda net, _: "created this board" if net.after else "deleted this board",
    "board.archived": lambda net, _: "archived this board" if net.after else "brought this board back",
    "board.title": lambda net, _: f"renamed this board, which was “{clean(str(net.before or ''))}”",
    "joined": lambda net, name: f"added {name} to the board" if net.after else f"took {name} off the board",
}


def board_clause(facet: Facet, net: Net, names: Names) -> Clause:
    """What became of a board, one of its columns or one of its members."""
    if facet.kind != "joined":
        return clause(BOARD_CLAUSES[facet.kind](net, names.column(facet.key)), [net])
    last = net.touches[-1].event
    key = f"{last.source}:{facet.key}"
    if actor(last) == key or last.actor_id is None:
        does = "joined the board" if net.after else "left the board"
        one = clause(does, [net])
        return Clause((key,), does, one.told, one.events, one.at)
    return clause(BOARD_CLAUSES["joined"](net, names.short(key)), [net])
