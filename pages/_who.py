"""Who is looking: chosen once, kept in the address and, as a cookie, on this browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import quote, unquote

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from digests import ledger
from digests.model import Person
from pages import _data

COOKIE = "daybreak_person"
REMEMBER = """
export default function ({ data }) {
  document.cookie = `${data.name}=${data.value}; path=/; max-age=31536000; samesite=lax`
}
"""


def choose(people: Sequence[Person]) -> Person | None:
    """The person who looks at this page, None until they say who they are."""
    labels = _labels(people)
    asked = st.query_params.get("person")
    if asked and asked not in labels and (label := _label_of_id(asked, labels)):
        # A link by person_id, as the command line names people. The widget refuses it, so it goes first.
        del st.query_params["person"]
        st.session_state["person"] = label
    if (
        "person" not in st.session_state
        and "person" not in st.query_params
        and (known := _remembered()) in labels
    ):
        st.session_state["person"] = known
    chosen = st.selectbox(
        "Who are you?",
        list(labels),
        index=None,
        key="person",
        bind="query-params",
        placeholder="Choose your name" if labels else "Nobody is known yet",
        width=300,
    )
    return labels[chosen] if chosen else None


def show_invitation() -> None:
    """What somebody sees who has not said who they are."""
    st.info(
        "Choose your name to see what changed while you were away. The page remembers it. Is it missing? People come "
        "from the members of the boards, or from a people.toml: `daybreak people import people.toml`."
    )


def remember(person: Person) -> None:
    """Keep the choice on this browser, and that the person was here: once a session."""
    if st.session_state.get("seen") != person.person_id:
        ledger.seen(_data.home(), person.person_id, _data.now())
        st.session_state["seen"] = person.person_id
    _component()(key="remember", data={"name": COOKIE, "value": quote(st.session_state["person"])}, height=1)


def _labels(people: Sequence[Person]) -> dict[str, Person]:
    """People by the name shown; where two share one, their id tells them apart."""
    names = [person.name for person in people]
    return {
        person.name if names.count(person.name) == 1 else f"{person.name} ({person.person_id})": person
        for person in people
    }


def _label_of_id(person_id: str, labels: Mapping[str, Person]) -> str | None:
    return next((label for label, person in labels.items() if person.person_id == person_id), None)


def _remembered() -> str | None:
    value = st.context.cookies.get(COOKIE)
    return unquote(value) if isinstance(value, str) else None


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("daybreak_remember", js=REMEMBER)
