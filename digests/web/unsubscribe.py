"""The way out of these mails: one POST ends them (RFC 8058); a GET shows what may be chosen and changes nothing.

Whether an address is one of ours cannot be told from the answer to a POST.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from digests import people
from digests.model import BoardNow, Person
from digests.web import choices, tokens
from digests.web.answers import Answer, Button, asks, said, taken_back
from digests.web.choices import Done
from digests.world import boards_of
from warehouse.home import Home
from warehouse.model import Window
from warehouse.reading import NothingPublished, Warehouse

LESS = Button("Less often", "less", about="One mail a week.")
ALL = Button("No more mails", "all", about="None at all. The dashboard stays as it is.")
AGAIN = Button("As before", "again", about="If you had stopped them: send them again.")


def ask(home: Home, token: str) -> Answer:
    """What may be chosen."""
    person, boards = _about(home, token)
    mutes = [Button(f"Mute “{board.title}”", "mute", board.board_id) for board in boards] if person else []
    return asks(
        "Which mails do you want?",
        ["Daybreak mails you what changed on your boards. Nothing is changed until you choose."],
        [LESS, *mutes, ALL, AGAIN],
    )


def act(home: Home, token: str, form: Mapping[str, str], now: datetime) -> Answer:
    """Do what was chosen; all mails end where nothing was, as a mail program's one click says nothing else."""
    person, boards = _about(home, token)
    if person is None:
        return _as_if(home, form)
    return said(home, person.person_id, _done(home, person, boards, form, now))


def _done(home: Home, person: Person, boards: list[BoardNow], form: Mapping[str, str], now: datetime) -> Done:
    match form.get("do", "all"):
        case "all":
            return choices.nothing_more(home, person, now)
        case "less":
            return choices.less_often(home, person, now)
        case "mute":
            board = next((one for one in boards if one.board_id == form.get("value")), None)
            return choices.mute(home, person, board, now) if board else choices.NOTHING
        case "again":
            return choices.as_before(home, person, now)
        case "undo":
            what = taken_back(home, person.person_id, form)
            return choices.undo(home, person, what, now) if what else choices.NOTHING
    return choices.NOTHING


def _as_if(home: Home, form: Mapping[str, str]) -> Answer:
    """What somebody hears whose address is not ours: the same, though nothing is done."""
    likely = {
        "all": Done(choices.STOPPED, ("cadence", None, "never")),
        "less": Done(choices.weekly("mon"), ("cadence", None, "weekly on mon")),
        "again": Done(choices.AGAIN),
        "undo": Done(choices.AGAIN),
    }
    return said(home, "", likely.get(form.get("do", "all"), choices.NOTHING))


def _about(home: Home, token: str) -> tuple[Person | None, list[BoardNow]]:
    """Who is meant, and the boards they may see of which something happened in the mail's window."""
    told = tokens.told(home, "unsubscribe", token)
    if not told:
        return None, []
    person_id, after, upto = told
    person = next((one for one in people.people(home) if one.person_id == person_id), None)
    return person, boards_in(home, person, Window(after, upto)) if person else []


def boards_in(home: Home, person: Person, window: Window) -> list[BoardNow]:
    """The boards of this window that the person may see and has not muted; none before anything is published."""
    try:
        with Warehouse.open(home) as warehouse:
            frame = warehouse.frame(
                "select distinct board_id from events where event_offset > $after and event_offset <= $upto",
                {"after": window.after, "upto": window.upto},
            )
            mine = boards_of(warehouse, person)
    except NothingPublished:
        return []
    happened = set(frame["board_id"].to_list())
    return [one for one in mine if one.board_id in happened and one.board_id not in person.muted]
