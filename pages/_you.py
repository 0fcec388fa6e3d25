"""The You page: what a person has chosen, what they would choose now, and keeping it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from digests.model import Person
from digests.people import change
from digests.preferences import PREFERENCES, BadPreference
from pages import _data, _parts, _you_what, _you_when

KEPT = "chosen_kept"


def ask(person: Person) -> dict[str, object]:
    """What the person chooses now, by keys of people.toml."""
    _welcome(person)
    return {**_you_when.ask(person), **_you_what.ask(person)}


def drafted(person: Person, told: Mapping[str, object]) -> Person:
    """The person with these choices; what cannot be is said, and stays as it was."""
    draft = person
    for key in [key for key, value in told.items() if value is not None]:
        try:
            chosen: dict[str, Any] = {key: PREFERENCES[key].read(told[key])}
            draft = replace(draft, **chosen)
        except BadPreference as error:
            st.error(_parts.plain(str(error)))
    return draft


def changed(person: Person, draft: Person) -> dict[str, object]:
    """What differs, in the words of people.toml."""
    return {
        key: preference.write(after)
        for key, preference in PREFERENCES.items()
        if (after := getattr(draft, key)) != getattr(person, key)
    }


def show_save(person: Person, draft: Person) -> None:
    """Keep what differs, or let it go."""
    told = changed(person, draft)
    if told:
        with st.container(horizontal=True):
            st.button("Save", type="primary", on_click=_save, args=(person, told))
            st.button("Discard", on_click=_forget, args=(person,))
    elif st.session_state.pop(KEPT, None) == person.person_id:
        st.success("Saved. It holds from the next digest on.")


def _save(person: Person, told: Mapping[str, object]) -> None:
    change(_data.home(), person, told, _data.now())
    st.session_state[KEPT] = person.person_id


def _forget(person: Person) -> None:
    """Widgets begin again with what is kept."""
    for key in [key for key in st.session_state if str(key).startswith(_parts.key(person, ""))]:
        del st.session_state[key]


def _welcome(person: Person) -> None:
    if person.zone is None:
        st.warning("We do not know where you live, so no mail is sent. Choose your zone and save it.")
    if person.email is None:
        name = f'"{person.name}"'
        st.info(f"No e-mail address is known for you. Say it with `daybreak people set {name} --email …`.")
