"""The By time zone page: people under their zone's clock, from west to east, each with their night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from digests.model import Person
from digests.schedule import DAY_OFF, WEEKEND
from pages import _nights, _parts, _strip
from pages._zones import Whereabouts, whereabouts, working_periods

STATES = {"working": "At work", "off": "Off", "weekend": "Day off"}


def split(people: Sequence[Person], now: datetime) -> tuple[list[Whereabouts], list[Person]]:
    """People whose zone is known, west to east, and the others."""
    placed = [place for person in people if (place := whereabouts(person, now))]
    placed.sort(
        key=lambda one: (one.local.utcoffset() or timedelta(), str(one.zone), one.person.name.casefold())
    )
    return placed, [person for person in people if person.zone is None]


def html(placed: Sequence[Whereabouts], now: datetime) -> str:
    """The page's body. The strip runs from twelve hours ago to twelve hours ahead, the line is now."""
    starts = [one.night.start for one in placed if one.night]
    events = _nights.since(min(starts)) if starts else None
    members = _nights.memberships()
    legend = (
        "<p class='age'>The strips run from 12 hours ago to 12 hours ahead; bars are working hours, the line is now. "
        "Open a person to see what happened during their night.</p>"
    )
    body = []
    for zone, group in groupby(placed, key=lambda one: one.zone):
        rows = list(group)
        body.append(
            f"<h2 class='section'>{escape(str(zone))} <span class='count'>{_zone_clock(rows[0])}</span></h2>"
        )
        for one in rows:
            night = (
                _nights.of(one.person, one.night, events, members)
                if one.night and events is not None
                else None
            )
            body.append(_person(one, night, now))
    return legend + "".join(body)


def _zone_clock(one: Whereabouts) -> str:
    offset = f"{one.local:%z}"
    return f"{one.local:%a %H:%M} · UTC{offset[:3]}:{offset[3:5]}"


def _person(one: Whereabouts, night: _nights.Night | None, now: datetime) -> str:
    strip = _strip.html(working_periods(one.person, now - _strip.SIDE, now + _strip.SIDE), now)
    state = f"<span class='state {one.state}'>{STATES[one.state]}</span>"
    head = f"<span class='who'>{escape(one.person.name)}</span>{state}<span class='when'>{_when(one, now)}</span>{strip}"
    if night is None or one.night is None:
        return f"<div class='person'>{head}</div>"
    until = "now" if one.night.end == now else _parts.moment(one.night.end, one.zone, near=now)
    span = f"{_parts.moment(one.night.start, one.zone, near=now)} → {until}"
    missed = f"<span class='missed'>Night {span}: {escape(_nights.told(night.counts))}</span>"
    if night.events.is_empty():
        return f"<div class='person'>{head}{missed}</div>"
    return f"<details class='person'><summary>{head}{missed}</summary>{_nights.lines(night, one.zone, now)}</details>"


def _when(one: Whereabouts, now: datetime) -> str:
    if one.working_until:
        return f"until {_parts.moment(one.working_until, one.zone, near=now)}"
    away = one.day_off if one.day_off not in (None, WEEKEND, DAY_OFF) else None
    why = f"{escape(away)} · " if away else ""
    if one.back_at:
        return f"{why}back {_parts.moment(one.back_at, one.zone, near=now)} (in {_parts.span(one.back_at - now)})"
    return escape(away) if away else "no working hours known"
