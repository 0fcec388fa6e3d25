"""What pages read: the home they look at, the clock, and reads of the published warehouse kept per version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from digests import people as people_room
from digests.model import Person
from warehouse.home import Home
from warehouse.reading import NothingPublished, Warehouse, current, current_version
from warehouse.sandbox import QueryResult, query

Clock = Callable[[], datetime]


def enter(home: Home, clock: Clock) -> None:
    """Tell this viewer's session which home it looks at and what time it is."""
    st.session_state["daybreak_home"] = home
    st.session_state["daybreak_clock"] = clock


def home() -> Home:
    """The home this session looks at."""
    return cast("Home", st.session_state["daybreak_home"])


def now() -> datetime:
    """The instant this run of the script happens at, aware."""
    return cast("Clock", st.session_state["daybreak_clock"])()


def version() -> str | None:
    """The published version, None before the first. Cheap: read on every run."""
    return current_version(home())


def require_published() -> None:
    """Raise `NothingPublished` before the first publish."""
    checked_at()


def _root(home: Home) -> str:
    return str(home.root)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Home: _root})
def _frame(home: Home, version: str | None, sql: str, **params: object) -> pl.DataFrame:  # noqa: ARG001 - version is a key
    with Warehouse.open(home) as warehouse:
        return warehouse.frame(sql, params)


def frame(sql: str, **params: object) -> pl.DataFrame:
    """The rows of one query, read once per published version and parameters; raises `NothingPublished`."""
    return _frame(home(), version(), sql, **params)


@st.cache_data(max_entries=32, show_spinner="Asking the warehouse …", hash_funcs={Home: _root})
def _answer(home: Home, version: str | None, question: str, max_rows: int) -> QueryResult:  # noqa: ARG001 - version is a key
    return query(home, question, max_rows=max_rows)


def answer(question: str, *, max_rows: int) -> QueryResult:
    """What a viewer's own query gives, asked once per published version; raises `QueryFailed`."""
    return _answer(home(), version(), question, max_rows)


def checked_at() -> datetime:
    """When the published version was last known to be all there is; raises `NothingPublished`."""
    published = current(home())
    if published is None:
        raise NothingPublished(f"nothing is published in {home().root} yet")
    return published.checked_at


def people() -> list[Person]:
    """Everybody Daybreak knows, by name. Not cached: `people import` may run at any time, and it is a small table."""
    return people_room.people(home())


def browser_zone() -> ZoneInfo:
    """Where the viewer's browser says it is; UTC if it does not say."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def utc(instant: datetime) -> datetime:
    """The same instant in UTC."""
    return instant.astimezone(UTC)
