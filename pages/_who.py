"""Who is looking: chosen once, kept in the address and, as a cookie, on this browser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from urllib.parse import quote, unquote

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from digests.model import Person

COOKIE = "daybreak_person"
REMEMBER = """
export default function ({ data }) {
  document.cookie = `${data.name}=${data.value}; path=/; max-age=31536000; samesite=lax`
}
"""


def choose(people: Sequence[Person]) -> Person | None:
    """The person who looks at this page, None until they say who they are."""
    if not people:
        st.info(
            "Nobody is known yet. People come from the members of the boards, "
            "or from a people.toml: `daybreak people import people.toml`."
        )
        return None
    labels = _labels(people)
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
        placeholder="Choose your name",
        width=360,
    )
    if chosen is None:
        st.info("Choose your name to see what changed while you were away. The page remembers it.")
        return None
    _component()(key="remember", data={"name": COOKIE, "value": quote(chosen)}, height=1)
    return labels[chosen]


def _labels(people: Sequence[Person]) -> dict[str, Person]:
    """People by the name shown; where two share one, their id tells them apart."""
    names = [person.name for person in people]
    return {
        person.name if names.count(person.name) == 1 else f"{person.name} ({person.person_id})": person
        for person in people
    }


def _remembered() -> str | None:
    value = st.context.cookies.get(COOKIE)
    return unquote(value) if isinstance(value, str) else None


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("daybreak_remember", js=REMEMBER)
