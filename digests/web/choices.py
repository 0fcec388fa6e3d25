"""What a click in a mail or on its page does: say "caught up", choose fewer mails, and take that back."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digests import ledger, people
from digests.following import known_ids
from digests.model import WEEK, BoardNow, Person
from digests.people_file import kept
from warehouse.home import Home

Undo = tuple[str, Any, Any]
"""A key of people.toml, what the person had chosen for it before (None: nothing) and what then; or CAUGHT_UP, None and
the reading. It takes back that alone: not what was chosen or read later, however often it is said.
"""
CAUGHT_UP = "caught up"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words, and what would take it back, if anything was."""

    said: str
    undo: Undo | None = None


NOTHING = Done("Nothing was changed.")
LATER = Done("Nothing was changed: since then you have chosen otherwise.")
STOPPED = "There will be no more of these mails."
AGAIN = "Mails come as they did before."


def weekly(day: str) -> str:
    """That there is one mail a week from now on."""
    return f"From now on there is one mail a week, on {calendar.day_name[WEEK.index(day)]}s."


def caught_up(home: Home, person: Person, upto: int, now: datetime) -> Done:
    """All of the mail is read."""
    reading_id = ledger.caught_up(home, person.person_id, upto, now, via="mail")
    return Done(
        "You are caught up. The next mail tells what comes after this one.", (CAUGHT_UP, None, reading_id)
    )


def less_often(home: Home, person: Person, now: datetime) -> Done:
    """One mail a week, on the first of their work days; who gets no more than that already keeps it."""
    if person.cadence.name in ("weekly", "never"):
        often = "no mails at all" if person.cadence.name == "never" else "one mail a week"
        return Done(f"Nothing was changed: you get {often} already.")
    day = person.work_days[0] if person.work_days else "mon"
    undo = _choose(home, person, "cadence", f"weekly on {day}", now)
    return Done(weekly(day), undo)


def mute(home: Home, person: Person, board: BoardNow, now: datetime) -> Done:
    """Nothing more of this board."""
    muted = [*dict.fromkeys([*_known(home, person.muted), board.board_id])]
    undo = _choose(home, person, "muted", muted, now)
    return Done(f"Mails tell nothing more of “{board.title}”.", undo)


def nothing_more(home: Home, person: Person, now: datetime) -> Done:
    """No digests at all; what lies in the outbox for them stays there."""
    key, before, after = _choose(home, person, "cadence", "never", now)
    ledger.withhold(home, person.person_id, "unsubscribed", now)
    return Done(STOPPED, (key, before if before != after else None, after))


def as_before(home: Home, person: Person, now: datetime) -> Done:
    """Mails come again, as often as people.toml says."""
    people.change(home, person, {"cadence": None}, now)
    return Done(AGAIN)


def undo(home: Home, person: Person, what: Sequence[Any], now: datetime) -> Done:
    """Take back what `Done.undo` names."""
    key, before, after = what
    if key == CAUGHT_UP:
        if not ledger.undo_caught_up(home, person.person_id, now, after):
            return NOTHING
        return Done("You are not caught up: the next mail begins where you were before.")
    if _chosen(home, person).get(key) != after:
        return LATER
    people.change(home, person, {key: _known(home, before) if key == "muted" and before else before}, now)
    return Done(AGAIN)


def _known(home: Home, names: Sequence[str]) -> list[str]:
    """Boards by id. Names that nobody knows (any more) cannot be chosen."""
    known = people.boards(home)
    ids = {one.board_id for one in known}
    return [one for one in known_ids(names, known) if one in ids]


def _choose(home: Home, person: Person, key: str, value: object, now: datetime) -> Undo:
    before = _chosen(home, person).get(key)
    people.change(home, person, {key: value}, now)
    return key, before, _chosen(home, person).get(key)


def _chosen(home: Home, person: Person) -> Mapping[str, Any]:
    return kept(ledger.saved_people(home).get(person.person_id, {})).chosen
