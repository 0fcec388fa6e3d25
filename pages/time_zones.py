"""Who is at work now, and what did the others miss during their night?"""

from __future__ import annotations

import streamlit as st

from pages import _data, _parts, _people_by_zone

st.title("By time zone")

with _parts.known_errors():
    _data.require_published()
    _parts.data_age(_data.browser_zone())
    now = _data.now()
    placed, unplaced = _people_by_zone.split(_data.people(), now)
    if placed:
        st.html(_people_by_zone.html(placed, now))
    if unplaced:
        names = ", ".join(_parts.plain(person.name) for person in unplaced)
        st.info(
            f"No time zone is known for {names}. They can choose it on the page *You*, or you say it: "
            '`daybreak people set "NAME" --zone Europe/Berlin`.'
        )
    if not placed and not unplaced:
        st.info(
            "Nobody is known yet: people come from the boards' members, or from `daybreak people import people.toml`."
        )
