"""The drawn board: one browser component that redraws only what changed (live.js, live.css)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HTML = """
<div class="live">
  <div class="status"><p class="age"></p><p class="warning" role="alert" hidden></p></div>
  <div class="board" role="group" aria-label="Columns of the board" tabindex="0"></div>
</div>
"""


@cache
def _component() -> ComponentRenderer:
    here = Path(__file__)
    return st.components.v2.component(
        "daybreak_live_board",
        html=HTML,
        css=here.with_suffix(".css").with_name("live.css").read_text("utf-8"),
        js=here.with_name("live.js").read_text("utf-8"),
    )


def draw(board: dict[str, Any]) -> None:
    """Show `board`; the surrounding fragment runs again when the browser hears of a new version."""
    _component()(key="live_board", data=board, on_published_change=_nothing)


def _nothing() -> None:
    """A trigger needs a callback to be known; that the fragment runs again is all we want of it."""
