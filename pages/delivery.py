"""Does everybody's mail get there: when does the next come, when did the last go out, and why not?"""

from __future__ import annotations

import streamlit as st

from pages import _data, _delivery, _parts

st.title("Delivery")

with _parts.known_errors():
    _data.require_published()
    standings = _delivery.standings()
    if not standings:
        st.info(
            "Nobody is known yet: people come from the boards' members, or from `daybreak people import people.toml`."
        )
    else:
        _delivery.show_summary(standings)
        st.html(_delivery.table(standings, _data.now()))
    _delivery.show_suppressed()
