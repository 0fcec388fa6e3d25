"""When a person wants mail: zone, times, days, holidays, pauses, how often. Widgets in, words of people.toml out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from digests import holidays
from digests.model import WEEK, Person
from digests.preferences import PREFERENCES, in_words
from digests.zones import zones
from pages import _data, _parts

HALF_HOURS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30)]
DAYS = {day: day.capitalize() for day in WEEK}
CADENCES = {
    "each": "At each time",
    "daily": "Once a day",
    "weekly": "Once a week",
    "mentions at once": "At each time, and at once when I am addressed",
    "never": "Never",
}
NOWHERE = ""


def ask(person: Person) -> dict[str, object]:
    """The choices, by key."""
    st.subheader("When")
    zone = _zone(person)
    cadence = _cadence(person)
    times = st.multiselect(
        "Times",
        sorted({*HALF_HOURS, *_written(person, "send_at")}),
        default=_written(person, "send_at"),
        key=_parts.key(person, "send_at"),
        accept_new_options=True,
        placeholder="08:00, or any minute",
        help="Where you live. Any minute: type it.",
    )
    work_days = st.pills(
        "Work days", list(DAYS), selection_mode="multi", default=person.work_days, format_func=DAYS.__getitem__, wrap=True,
        key=_parts.key(person, "work_days"),
    )  # fmt: skip
    return {
        "zone": zone,
        "cadence": cadence,
        "send_at": times,
        "work_days": work_days,
        "work_hours": _hours(person),
        "country": _country(person),
        "pauses": _pauses(person),
        "slows_down": st.toggle(
            "Write weekly while I am away",
            person.slows_down,
            key=_parts.key(person, "slows_down"),
            help="After four digests in a row without a visit to this dashboard, mail comes weekly until you are back.",
        ),
    }


def _written(person: Person, key: str) -> list[str]:
    written = PREFERENCES[key].write(getattr(person, key))
    assert isinstance(written, list)
    return written


def _zone(person: Person) -> str | None:
    names = list(zones())
    here = str(_data.browser_zone())
    index = names.index(person.zone) if person.zone in names else None
    chosen = st.selectbox(
        "Where you live",
        names,
        index,
        key=_parts.key(person, "zone"),
        placeholder=f"A zone; your browser says {here}",
    )
    return chosen or person.zone


def _cadence(person: Person) -> str:
    now = "weekly" if person.cadence.name == "weekly" else in_words(person.cadence)
    chosen = st.selectbox(
        "How often",
        list(CADENCES),
        list(CADENCES).index(now),
        format_func=CADENCES.__getitem__,
        key=_parts.key(person, "cadence"),
    )
    if chosen != "weekly":
        return chosen
    on = st.pills(
        "On", list(DAYS), default=person.cadence.on, format_func=DAYS.__getitem__, required=True,
        key=_parts.key(person, "weekly_on"), wrap=True, help="Or the next day that you work.",
    )  # fmt: skip
    return f"weekly on {on}"


def _hours(person: Person) -> str:
    starts, ends = person.work_hours
    with st.container(horizontal=True):
        begin = st.time_input("At work from", starts, key=_parts.key(person, "from"), step=1800, width=150)
        end = st.time_input("until", ends, key=_parts.key(person, "until"), step=1800, width=150)
    return f"{begin or starts:%H:%M}-{end or ends:%H:%M}"


def _country(person: Person) -> str | None:
    names = {NOWHERE: "No public holidays", **holidays.countries()}
    code, _, region = (person.country or NOWHERE).partition("-")
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "Public holidays", list(names), list(names).index(code), format_func=names.__getitem__,
            key=_parts.key(person, "country"), width=260,
        )  # fmt: skip
        places = ("", *holidays.regions(chosen)) if chosen else ()
        if len(places) < 2:
            return chosen or (None if person.country is None else NOWHERE)
        place = st.selectbox(
            "Region", places, places.index(region) if region in places else 0,
            format_func=lambda one: one or "All of it", key=_parts.key(person, f"region_{chosen}"), width=140,
        )  # fmt: skip
    return f"{chosen}-{place}" if place else chosen


def _pauses(person: Person) -> Sequence[str]:
    """Those there are, and one more where two days are picked."""
    known = _parts.key(person, "known_pauses")
    spans: list[str] = st.session_state.setdefault(known, _written(person, "pauses"))
    today = _data.now().date()
    picked = st.date_input(
        "Pause from and to", value=[], min_value=today - timedelta(days=1), key=_parts.key(person, "pause"),
        help="No mail on these days; the first one after them covers the gap.",
    )  # fmt: skip
    span = _span(picked)
    if span and span not in spans:
        st.button("Add this pause", on_click=spans.append, args=(span,))
    for one in list(spans):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(_shown(one))
            key = _parts.key(person, f"pauses_{one}")
            st.button("Remove", key=key, type="tertiary", on_click=spans.remove, args=(one,))
    return spans


def _span(picked: object) -> str | None:
    days = [day for day in picked if isinstance(day, date)] if isinstance(picked, tuple) else []
    return f"{days[0]}..{days[1]}" if len(days) == 2 else None


def _shown(span: str) -> str:
    first, _, last = span.partition("..")
    days = [date.fromisoformat(day) for day in (first, last) if day]
    return " to ".join(f"{day:%a} {day.day} {day:%b %Y}" for day in dict.fromkeys(days))
