"""What changed while you were away, and what of it waits on you?"""

from __future__ import annotations

import streamlit as st

from pages import _catch_up, _data, _parts, _who

st.title("Catch up")

with _parts.known_errors():
    _data.require_published()
    person = _who.choose(_data.people())
    if person:
        back = _catch_up.look_back()
        catch_up = _catch_up.gather(person, back)
        _catch_up.show_headline(catch_up, back)
        _catch_up.show_controls(catch_up)
        _catch_up.show_lines(catch_up)
        _catch_up.show_accounting(catch_up)
