"""What comes of a person's choices: the next dates, and tomorrow's mail through the renderer that mails it."""

from __future__ import annotations

import base64
from html import escape

import streamlit as st

from digests import render
from digests.agenda import agenda
from digests.gather import FIRST, gather
from digests.model import CatchUp, Person
from digests.schedule import next_slot
from pages import _data, _parts

SLOTS = 5
HEIGHT, LOW = 720, 260
# In a frame of an origin of its own, where no script runs and links open beside the page.
FRAMED = (
    "<head><base target='_blank'><meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">"
)


def show_dates(draft: Person) -> None:
    """The next digests, and why none comes on the days between."""
    st.subheader("Your next mails")
    rows = [
        f"<li class='{'comes' if row.comes else 'skipped'}'><span>{escape(row.when)}</span><span>{escape(row.note)}</span></li>"
        for row in agenda(draft, _data.now(), SLOTS)
    ]
    st.html(f"<ul class='agenda'>{''.join(rows)}</ul>")


def show_mail(draft: Person) -> None:
    """The mail that would come at the next date if nothing more happened; where that is none, how the last week would read."""
    st.subheader("The next one, as of now")
    slot = next_slot(draft, _data.now())
    at = slot.at if slot else _data.now()
    told = gather(_data.home(), draft, now=at)
    if not any(told.lines):
        _parts.note("Nothing is new for you, so no mail would come. This is how your last week would read:")
        told = gather(_data.home(), draft, now=at, since=_data.now() - FIRST)
    st.iframe(_address(told), height=HEIGHT if any(told.lines) else LOW)


def _address(told: CatchUp) -> str:
    page = render.html(told).replace("<head>", FRAMED, 1)
    return f"data:text/html;charset=utf-8;base64,{base64.b64encode(page.encode()).decode()}"
