"""The parts of the Catch up page: one computation (digests), shown as lines with their reason, who and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

import streamlit as st

from digests import gather as gathering
from digests import ledger
from digests.ledger import Reading
from digests.model import CatchUp, Line, Person
from pages import _data, _parts

WAITING = "Waiting on you"
LEFT = "since you left"
BACK = {LEFT: None, "24 hours": timedelta(hours=24), "7 days": timedelta(days=7)}
"""Who wants to see again what they have said they know looks back by time."""
EXCLUDED = {
    "own": "your own",
    "not_on_board": "on boards you are not on",
    "before_first": "from before you were first told",
    "before_since": "from before that time",
    "noise": "not worth telling",
    "muted": "on boards you muted",
    "not_followed": "on boards you do not follow",
    "section": "in sections you left out",
}


def look_back() -> timedelta | None:
    """How far back the reader wants to look; None: to where they left."""
    chosen = st.segmented_control(
        "Show what changed", list(BACK), default=LEFT, key="since", bind="query-params", required=True
    )
    return BACK[chosen or LEFT]


def gather(person: Person, back: timedelta | None) -> CatchUp:
    """What the person has not seen here yet, or what happened in the time they look back to, up to now.

    A mail is not a visit: until somebody says "I'm caught up", the page also shows what their last mail told.
    """
    now, read = _data.now(), _last_mail(person)
    since = now - back if back else None
    if read is None or since:
        return gathering.gather(_data.home(), person, now=now, since=since)
    if read.window.after == 0:
        return gathering.gather(_data.home(), person, now=now, since=read.read_at - gathering.FIRST)
    return gathering.gather(_data.home(), person, now=now, after=read.window.after)


def _last_mail(person: Person) -> Reading | None:
    """The mail that told this person last, if they have not been here since."""
    read = ledger.cursor(_data.home(), person.person_id)
    return read if read and read.via == "digest" else None


def zone(catch_up: CatchUp) -> ZoneInfo:
    """The reader's zone; UTC where they have none, which `show_headline` says."""
    return ZoneInfo(catch_up.zone or "UTC")


def show_headline(catch_up: CatchUp, back: timedelta | None) -> None:
    """Since when until now, how long that was, and how old the data is."""
    where = zone(catch_up)
    left = _parts.moment(catch_up.from_at, where, near=catch_up.to_at)
    away = _parts.span(catch_up.to_at - catch_up.from_at)
    mail = None if back else _last_mail(catch_up.person)
    words = "New for you since" if catch_up.first or back or mail else "Since you left,"
    st.html(f"<h2 class='headline'>{words} {left} → now <span class='count'>({away})</span></h2>")
    _parts.data_age(where)
    if mail:
        sent = _parts.moment_text(mail.read_at, where, near=catch_up.to_at)
        st.caption(f"What your mail of {sent} told is here too, until you say that you are caught up.")
    if catch_up.zone is None:
        st.warning(
            f"We do not know where {_parts.plain(catch_up.person.name)} lives, so times are UTC and no mail is sent. "
            "Choose your zone on the page *You*."
        )


def show_lines(catch_up: CatchUp) -> None:
    """What waits on the reader first, then the rest by section or by board."""
    lines = list(catch_up.lines)
    if not lines:
        since = _parts.moment_text(catch_up.from_at, zone(catch_up), near=catch_up.to_at)
        st.success(f"Nothing changed for you since {since}{_told_before(catch_up)}")
        return
    waiting = [line for section in catch_up.sections if section.name == WAITING for line in section.lines]
    _section(catch_up, WAITING, waiting, css="waiting", empty="Nothing waits on you.")
    if len(lines) == len(waiting):
        return
    if st.session_state.get("by_board"):
        rest = [line for section in catch_up.sections if section.name != WAITING for line in section.lines]
        rest.sort(key=lambda line: line.board.casefold())
        for board, group in groupby(rest, key=lambda line: line.board):
            _section(catch_up, board, list(group), name_board=False)
    else:
        for section in catch_up.sections:
            if section.name != WAITING and section.lines:
                _section(catch_up, section.name, section.lines)


def _told_before(catch_up: CatchUp) -> str:
    if (
        st.session_state.get("since", LEFT) != LEFT
        or ledger.cursor(_data.home(), catch_up.person.person_id) is None
    ):
        return "."
    return ". What you were told before is under “24 hours” and “7 days”."


def _section(
    catch_up: CatchUp,
    name: str,
    lines: Sequence[Line],
    *,
    css: str = "",
    empty: str = "",
    name_board: bool = True,
) -> None:
    """A heading and its lines; those of one card stand under its title."""
    cards = groupby(lines, key=lambda line: line.card_id or line.events)
    items = "".join(_card(list(group), catch_up, name_board=name_board) for _, group in cards)
    body = f"<ul class='lines {css}'>{items}</ul>" if lines else f"<p class='age'>{escape(empty)}</p>"
    st.html(f"<h3 class='section'>{escape(name)} <span class='count'>{len(lines)}</span></h3>{body}")


def _card(lines: Sequence[Line], catch_up: CatchUp, *, name_board: bool) -> str:
    title = f"<span class='card'>{_parts.link(lines[0].card, lines[0].url)}</span>" if lines[0].card else ""
    board = f" <span class='on'>{escape(lines[0].board)}</span>" if name_board else ""
    return f"<li>{title}{board}{''.join(_line(line, catch_up) for line in lines)}</li>"


def _line(line: Line, catch_up: CatchUp) -> str:
    at = _parts.moment(line.at, zone(catch_up), near=catch_up.to_at)
    late = "happened earlier" if line.late else ""
    about = [escape(line.reason), escape(", ".join(line.actors)), at, late]
    return (
        f"<span class='said'>{escape(line.text)}</span>"
        f"<span class='about'>{' · '.join(part for part in about if part)}</span>"
    )


def show_accounting(catch_up: CatchUp) -> None:
    """Where every event of the window went: nothing is left out unsaid."""
    accounted = catch_up.accounted
    if not accounted.events:
        return
    excluded = [
        f"{len(offsets)} {EXCLUDED.get(reason, reason)}"
        for reason, offsets in accounted.excluded.items()
        if offsets
    ]
    told = [f"{len(accounted.shown)} shown", f"{len(accounted.folded)} folded into them", *excluded]
    events = f"{accounted.events} event{'s' if accounted.events != 1 else ''}"
    st.html(f"<p class='accounting'>{events}: {escape(', '.join(told))}.</p>")


def show_controls(catch_up: CatchUp) -> None:
    """ "I'm caught up" moves the reader's cursor, which mail follows too; Undo moves it back."""
    person_id = catch_up.person.person_id
    with st.container(horizontal=True, vertical_alignment="center"):
        if catch_up.window.after < catch_up.window.upto:
            st.button(
                "I'm caught up",
                type="primary",
                help="What is shown here is then not told again, neither on this page nor by mail.",
                on_click=_caught_up,
                args=(person_id, catch_up.window.upto),
            )
        if st.session_state.get("caught_up") == person_id:
            st.button("Undo “I'm caught up”", on_click=_undo, args=(person_id,))
        if any(catch_up.lines):
            st.toggle("By board", key="by_board", bind="query-params")


def _caught_up(person_id: str, upto: int) -> None:
    ledger.caught_up(_data.home(), person_id, upto, _data.now())
    st.session_state["caught_up"] = person_id


def _undo(person_id: str) -> None:
    ledger.undo_caught_up(_data.home(), person_id, _data.now())
    st.session_state.pop("caught_up", None)
