"""The news in one line: what a subject and a first line say of a catch-up, and its sums. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from digests.model import CatchUp, Line
from digests.naming import counted, listed, shortened


def subject(catch_up: CatchUp) -> str:
    """The news: “Tue: 2 waiting on you · 5 done · 3 boards”."""
    to_at = catch_up.to_at.astimezone(zone_of(catch_up))
    waiting = _waiting(catch_up)
    parts = [f"{len(waiting)} waiting on you"] if waiting else []
    if len(waiting) == 1:
        parts = [shortened(_news(waiting)[0], 70)]
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
        rest = f"; and {counted(len(news) - 2, 'more thing')} for you" if len(news) > 2 else ""
        return f"{'; '.join(news[:2])}{rest}."
    yours = next((section.lines for section in catch_up.sections if section.name == "Yours"), None)
    if yours:
        others = len({line.card_id for line in yours}) - 1
        more = f" And {counted(others, 'more card')} of yours." if others else ""
        return f"“{shortened(yours[0].card, 60)}”: {shortened(yours[0].text, 120)}{more}"
    boards = listed(dict.fromkeys(line.board for line in lines), 3)
    sums = [f"{number} {name}" for number, name in tiles(catch_up) if number]
    return f"{listed(sums)} on {boards}." if sums else f"Small changes on {boards}."


def zone_of(catch_up: CatchUp) -> tzinfo:
    """The reader's zone; UTC where they have none."""
    return ZoneInfo(catch_up.zone) if catch_up.zone else UTC


def tiles(catch_up: CatchUp) -> Iterator[tuple[int, str]]:
    """How many of what the digest tells."""
    kinds = [line.kind for line in catch_up.lines]
    yield len(_waiting(catch_up)), "waiting"
    yield kinds.count("done"), "done"
    yield kinds.count("moved") + kinds.count("reopened"), "moved"
    yield kinds.count("created"), "new"
    comments = sum(kinds.count(kind) for kind in ("comment", "decision"))
    yield comments, "comment" if comments == 1 else "comments"
    yield kinds.count("updated"), "changed"


def _news(waiting: Iterable[Line]) -> list[str]:
    """“Ana mentioned you on “Pay with card””, one sentence for what the same people did the same way."""
    verbs = {"mention": "mentioned you on", "reply": "replied to you on", "assigned": "assigned you to"}
    groups: dict[str, list[str]] = {}
    for line in waiting:
        begin = (
            "Due date changed on" if line.kind == "due" else f"{listed(line.actors, 2)} {verbs[line.kind]}"
        )
        groups.setdefault(begin, []).append(f"“{shortened(line.card, 60)}”")
    return [f"{begin} {listed(dict.fromkeys(titles), 3)}" for begin, titles in groups.items()]


def _waiting(catch_up: CatchUp) -> tuple[Line, ...]:
    return next((section.lines for section in catch_up.sections if section.name == "Waiting on you"), ())
