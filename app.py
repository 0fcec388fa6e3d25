"""The dashboard's front door: reads clock and environment, names the pages, nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import streamlit as st

from digests.web.routes import routes
from pages import _push, _warm
from warehouse.home import Home
from warehouse.lake.address import lake_of

PAGES = Path(__file__).with_name("pages")


def home() -> Home:
    """What all of this is about: DAYBREAK_HOME, else the platform's user data folder; and the lake, where one is set."""
    root = os.environ.get("DAYBREAK_HOME") or platformdirs.user_data_path("daybreak")
    return Home(
        Path(root).expanduser().absolute(), os.environ.get("DAYBREAK_LEDGER", ""), lake_of(os.environ)
    )


def clock() -> datetime:
    """Now; DAYBREAK_NOW (ISO 8601, UTC where it names no offset) stands in for the clock."""
    told = os.environ.get("DAYBREAK_NOW")
    if not told:
        return datetime.now(UTC)
    instant = datetime.fromisoformat(told)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def show() -> None:
    """One run of the script for one viewer."""
    from pages import _data, _parts  # here, because their caches want the running server

    st.set_page_config(page_title="Daybreak", page_icon="🌅", layout="wide")
    _parts.style()
    try:
        clock()
    except ValueError:
        st.error(
            "DAYBREAK_NOW is not an instant: write ISO 8601 as in 2026-03-10T08:00:00+01:00, and start again."
        )
        st.stop()
    _data.enter(home(), clock)
    page = st.navigation(
        [
            st.Page(PAGES / "catch_up.py", title="Catch up", default=True),
            st.Page(PAGES / "live_board.py", title="Live board"),
            st.Page(PAGES / "time_zones.py", title="By time zone"),
            st.Page(PAGES / "you.py", title="You"),
            st.Page(PAGES / "delivery.py", title="Delivery"),
            st.Page(PAGES / "sql.py", title="SQL"),
        ],
        position="top",
    )
    page.run()


def unexpected(error: Exception) -> bool:
    """Log what nobody foresaw, and tell the viewer what to do instead of showing it."""
    from pages import _parts

    _parts.unexpected(error)
    return True


app = st.App(
    PAGES / "_script.py",
    routes=[_push.route(home()), *routes(home(), clock, _push.base())],
    lifespan=_warm.lifespan(home()),
    on_script_error=unexpected,
)
