"""A mail's own page: the same numbers, uncut, without a login, for `KEPT` days; and what may be said to it by POST.

What a mail told is kept with it and shown again as it was. Rights are those of the moment somebody looks: who may not see
one of its boards any more is told of the others anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digests import ledger, people, render
from digests.gather import FIRST, Gathering
from digests.layout import Layout
from digests.model import BoardNow, Person
from digests.web import choices, kept, tokens
from digests.web.answers import Answer, Button, asks, said, taken_back
from digests.web.choices import Done
from digests.world import boards_of
from warehouse.home import Home
from warehouse.model import Window
from warehouse.reading import Warehouse

KEPT = timedelta(days=30)
"""How long a mail's page can be opened."""
LEFT = "You are no longer on one of the boards this mail told of: it is left out here, and the numbers are without it."


@dataclass(frozen=True, slots=True)
class _Mail:
    person: Person
    window: Window
    at: datetime


def show(home: Home, token: str, now: datetime) -> Answer:
    """The mail as a page; a kind word where it cannot be shown any more. Raises NothingPublished."""
    mail = _mail(home, token, now)
    return mail if isinstance(mail, Answer) else _page(home, mail)


def act(home: Home, token: str, form: Mapping[str, str], now: datetime) -> Answer:
    """Do what was chosen on the page."""
    mail = _mail(home, token, now)
    if isinstance(mail, Answer):
        return mail
    return said(home, mail.person.person_id, _done(home, mail, form, now))


def _done(home: Home, mail: _Mail, form: Mapping[str, str], now: datetime) -> Done:
    person = mail.person
    match form.get("do"):
        case "caught-up":
            return choices.caught_up(home, person, mail.window.upto, now)
        case "less":
            return choices.less_often(home, person, now)
        case "mute":
            with Warehouse.open(home) as warehouse:
                mine = {one.board_id: one for one in boards_of(warehouse, person)}
            board = mine.get(form.get("value", ""))
            return choices.mute(home, person, board, now) if board else choices.NOTHING
        case "undo":
            what = taken_back(home, person.person_id, form)
            return choices.undo(home, person, what, now) if what else choices.NOTHING
    return choices.NOTHING


def _mail(home: Home, token: str, now: datetime) -> _Mail | Answer:
    told = tokens.told(home, "view", token)
    if not told:
        return asks(
            "This page cannot be found.",
            [
                "The address may have been cut short. Open the link from the mail once more, or copy the whole of it."
            ],
            [],
            status=404,
        )
    person_id, after, upto, made = told
    at = datetime.fromtimestamp(made, UTC)
    person = next((one for one in people.people(home) if one.person_id == person_id), None)
    if person is None or now > at + KEPT:
        return asks(
            "This mail’s page has been put away.",
            [f"Pages of mails can be opened for {KEPT.days} days, so that an old link does not tell your news to others. "
             "The mail itself says the same, and the dashboard knows everything since."],
            [],
            status=410,
        )  # fmt: skip
    return _Mail(person, Window(after, upto), at)


def _page(home: Home, mail: _Mail) -> Answer:
    with Warehouse.open(home) as warehouse:
        mine = boards_of(warehouse, mail.person)
        layout, boards, whole = _told(warehouse, home, mail, {one.board_id for one in mine})
    here = [one for one in mine if one.board_id in boards and one.board_id not in mail.person.muted]
    return Answer(
        render.page("web.html.j2", digest=layout, note="" if whole else LEFT, buttons=_buttons(here))
    )


def _told(
    warehouse: Warehouse, home: Home, mail: _Mail, mine: set[str]
) -> tuple[Layout, tuple[str, ...], bool]:
    """What the mail told, of which boards, and whether that is all of it."""
    packed = ledger.view(home, mail.person.person_id, mail.window)
    before = kept.unpacked(packed) if packed else None
    if before and mine.issuperset(before.boards):
        return before.layout, before.boards, True
    first = mail.window.after == 0
    anew = Gathering(warehouse, home, now=mail.at).told(
        mail.person, upto=mail.window.upto,
        after=None if first else mail.window.after, since=mail.at - FIRST if first else None,
    )  # fmt: skip
    fresh = kept.keep(anew)
    return fresh.layout, fresh.boards, before is None


def _buttons(boards: list[BoardNow]) -> list[Button]:
    mutes = [Button(f"Mute “{board.title}”", "mute", board.board_id) for board in boards]
    return [Button("I’m caught up", "caught-up"), Button("Less often", "less"), *mutes]
