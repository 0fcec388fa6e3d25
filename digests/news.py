"""The news in one line: what a subject and a first line say of a catch-up, and its sums. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from digests.model import CatchUp, Line
from digests.naming import counted, listed, shortened


def subject(catch_up: CatchUp) -> str:
    """The news: “Tue: 2 waiting on you · 5 done · 3 boards”."""
    to_at = catch_up.to_at.astimezone(zone_of(catch_up))
    waiting = _waiting(catch_up)
    cards = {line.card_id for line in waiting}
    parts = [f"{len(cards)} waiting on you"] if waiting else []
    if len(waiting) == 1:
        parts = [_news(waiting, 40)[0]]
    rest = [f"{number} {name}" for number, name in tiles(catch_up) if number and name != "waiting"]
    parts += rest[: 2 - len(parts)]
    boards = list(dict.fromkeys(line.board for line in catch_up.lines))
    where = (
        [shortened(boards[0], 40) if len(boards) == 1 else counted(len(boards), "board")] if boards else []
    )
    return f"{to_at:%a}: {' · '.join([*parts, *where]) or 'nothing new'}"


def headline(catch_up: CatchUp) -> str:
    """The first line, which mail programs show beside the subject: the most important news itself."""
    lines = list(catch_up.lines)
    if not lines:
        return "Nothing changed that you need to know."
    if news := _news(_waiting(catch_up)):
        rest = f"; {len(news) - 2} more want something of you" if len(news) > 2 else ""
        return f"{'; '.join(news[:2])}{rest}."
    first = lines[0]
    done = list(dict.fromkeys(line.card for line in lines if line.kind == "done"))
    if first.kind == "done" and len(done) > 1:
        return f"Done: {listed([f'“{shortened(title, 60)}”' for title in done], 3)}."
    others = len({line.card_id for line in lines} - {first.card_id, None})
    more = f" And {counted(others, 'more card')}." if others else ""
    about = f"“{shortened(first.card, 60)}”" if first.card else first.board
    return f"{about}: {shortened(first.text, 120)}{more}"


def zone_of(catch_up: CatchUp) -> tzinfo:
    """The reader's zone; UTC where they have none."""
    return ZoneInfo(catch_up.zone) if catch_up.zone else UTC


def tiles(catch_up: CatchUp) -> Iterator[tuple[int, str]]:
    """How many of what the digest tells."""
    kinds = [line.kind for line in catch_up.lines]
    yield len({line.card_id for line in _waiting(catch_up)}), "waiting"
    yield kinds.count("done"), "done"
    yield kinds.count("moved") + kinds.count("reopened"), "moved"
    yield kinds.count("created"), "new"
    comments = sum(kinds.count(kind) for kind in ("comment", "decision"))
    yield comments, "comment" if comments == 1 else "comments"
    yield kinds.count("updated"), "changed"


def _news(waiting: Iterable[Line], longest: int = 60) -> list[str]:
    """“Ana mentioned you on “Pay with card” and assigned you to it”: a sentence for each who wants something."""
    verbs = {"mention": "mentioned you on", "reply": "replied to you on", "assigned": "assigned you to"}
    by_whom: dict[str, dict[str, list[str]]] = {}
    for line in waiting:
        who, verb = (
            ("The due date", "changed on")
            if line.kind == "due"
            else (listed(line.actors, 2), verbs[line.kind])
        )
        titles = by_whom.setdefault(who, {}).setdefault(verb, [])
        if line.card not in titles:
            titles.append(line.card)
    return [f"{who} {_said(verbs, longest)}" for who, verbs in by_whom.items()]


def _said(verbs: Mapping[str, list[str]], longest: int) -> str:
    parts: list[str] = []
    last: list[str] = []
    for verb, titles in verbs.items():
        named = listed([f"“{shortened(title, longest)}”" for title in titles], 3)
        parts.append(f"{verb} {'it' if titles == last and len(titles) == 1 else named}")
        last = titles
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _waiting(catch_up: CatchUp) -> tuple[Line, ...]:
    return next((section.lines for section in catch_up.sections if section.name == "Waiting on you"), ())
