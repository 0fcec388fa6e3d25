"""What does the board look like right now? Redrawn as soon as a change is published."""

from __future__ import annotations

import streamlit as st

from pages import _board, _live, _parts

st.title("Live board")


@st.fragment
def live(board_id: str) -> None:
    """The board; runs again by itself whenever the browser hears of a new version."""
    with _parts.known_errors():
        _live.draw(_board.read(board_id))


def address() -> None:
    """Keep the chosen board in the address."""
    st.query_params["board"] = _board.board_id(st.session_state["board_choice"])


with _parts.known_errors():
    titles = _board.titles()
    if titles:
        keys = list(titles)
        asked = _board.asked_for(keys, st.query_params.get("board"))
        chosen = st.selectbox(
            "Board",
            keys,
            asked,
            key="board_choice",
            format_func=titles.__getitem__,
            on_change=address,
            width=360,
        )
        live(chosen)
    else:
        st.info("The warehouse has no open board. Run `daybreak doctor` to see what was read.")
