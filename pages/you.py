"""When does Daybreak write to you, and about what? Choose, and see tomorrow's mail as it would be."""

from __future__ import annotations

import streamlit as st

from pages import _data, _parts, _receipt, _who, _you, _you_preview

st.title("You")

with _parts.known_errors():
    _data.require_published()
    person = _who.choose(_data.people())
    if person is None:
        _who.show_invitation()
    else:
        _who.remember(person)
        _receipt.show(person)
        choices, outcome = st.columns([5, 6], gap="large")
        with choices:
            told = _you.ask(person)
            draft = _you.drafted(person, told)
            _you.show_save(person, draft)
        with outcome:
            _you_preview.show_dates(draft)
            _you_preview.show_mail(draft)
