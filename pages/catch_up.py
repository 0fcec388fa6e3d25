"""What changed while you were away, and what of it waits on you?"""

from __future__ import annotations

import streamlit as st

from pages import _catch_up, _data, _parts, _receipt, _who

st.title("Catch up")

with _parts.known_errors():
    _data.require_published()
    version = _data.version()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        person = _who.choose(_data.people())
        back = _catch_up.look_back() if person else None
    if person is None:
        _who.show_invitation()
    else:
        catch_up = _catch_up.gather(person, back)
        _catch_up.show_headline(catch_up, back)
        _parts.news(version)
        _catch_up.show_controls(catch_up)
        _catch_up.show_lines(catch_up)
        _catch_up.show_accounting(catch_up)
        _receipt.show(person)
        _who.remember(person)
