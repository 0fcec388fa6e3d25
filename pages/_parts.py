"""Pieces several pages show: instants, data age, the first-run text, errors with a next step."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from html import escape
from pathlib import Path

import streamlit as st

from digests.model import Person
from pages import _data
from warehouse.log import WarehouseBroken, WarehouseBusy
from warehouse.reading import NothingPublished


def style() -> None:
    """The few rules of our own HTML; everything else is the theme's."""
    st.html(Path(__file__).with_name("style.css"))


@contextmanager
def known_errors() -> Iterator[None]:
    """Say what to do next where we know it; nothing published yet is not an error but a beginning."""
    try:
        yield
    except NothingPublished:
        _first_run()
    except WarehouseBusy as error:
        st.error(f"The warehouse is busy: {error}. Reload this page in a moment.")
    except WarehouseBroken as error:
        st.error(f"The warehouse cannot be read: {error}. Run `daybreak doctor` to see what is wrong.")


def unexpected(error: Exception) -> None:
    """What a viewer sees of an error nobody foresaw; the log has the traceback."""
    logging.getLogger("daybreak.pages").error("page=failed", exc_info=error)
    st.error(
        "Something went wrong on this page. Reload it; if it stays, run `daybreak doctor` and look at the lines "
        "`daybreak up` printed."
    )


def _first_run() -> None:
    st.subheader("Nothing to show yet")
    st.markdown(
        "Daybreak has not read a board so far. This page fills itself as soon as it has.\n\n"
        "* `daybreak up` starts everything, with a sample team to look at.\n"
        "* With `FLUX_BASE_URL` and `FLUX_API_KEY` set, `daybreak up` reads your own Flux.\n"
        "* `daybreak ingest trello FILE…` reads boards exported from Trello.\n\n"
        "If it should have something by now, `daybreak doctor` says what is wrong."
    )
    note(f"Looking in {_data.home().root}")
    _wait_for_the_first()


@st.fragment(run_every=timedelta(seconds=1))
def _wait_for_the_first() -> None:
    if _data.version() is not None:
        st.rerun()


def moment(instant: datetime, zone: tzinfo, *, near: datetime | None = None) -> str:
    """An instant as HTML: local to `zone`, UTC when pointed at; the date is left out on the day of `near`."""
    local = instant.astimezone(zone)
    told = _clock_text(local, near.astimezone(zone) if near else None)
    utc = _data.utc(instant)
    return f'<time datetime="{utc.isoformat()}" title="{utc:%a %d %b %Y %H:%M} UTC">{escape(told)}</time>'


def moment_text(instant: datetime, zone: tzinfo, *, near: datetime | None = None) -> str:
    """The same as plain text."""
    return _clock_text(instant.astimezone(zone), near.astimezone(zone) if near else None)


def _clock_text(local: datetime, near: datetime | None) -> str:
    if near is None or abs(local - near) >= timedelta(days=6):
        year = "" if near and local.year == near.year else f" {local:%Y}"
        return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"
    return f"{local:%H:%M}" if local.date() == near.date() else f"{local:%a %H:%M}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: "13 h 40 m", "3 d 4 h"."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    return f"{minutes} m" if minutes else "under a minute"


def data_age(zone: tzinfo) -> None:
    """How old what is shown is, and in whose time zone it is told."""
    at, now = _data.checked_at(), _data.now()
    age = "just now" if now - at < timedelta(minutes=1) else f"{span(now - at)} ago"
    st.html(f'<p class="age">Boards as of {moment(at, zone, near=now)} ({age}), {escape(str(zone))}</p>')


@st.fragment(run_every=timedelta(seconds=15))
def news(version: str | None) -> None:
    """Offer to draw the page anew once something newer than `version` is published; it never changes under a reader."""
    if _data.version() != version and st.button("The boards have changed since: show what is new"):
        st.rerun()


def key(person: Person, name: str) -> str:
    """The key of a widget that belongs to one person."""
    return f"you_{person.person_id}_{name}"


def note(text: str) -> None:
    """A quiet line of plain text, dark enough to read."""
    st.html(f"<p class='age'>{escape(text)}</p>")


def plain(text: str) -> str:
    """Somebody's words for a place that takes Markdown: shown as they are, never as a link or picture."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$:-])", r"\\\1", text)


def link(text: str, url: str | None) -> str:
    """Escaped text, as a link where the address is a web address."""
    if url and url.startswith(("https://", "http://")):
        return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'
    return escape(text)
