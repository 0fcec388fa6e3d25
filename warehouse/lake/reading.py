"""Reading a lake: each view is one snapshot, from its beginning to its end."""

from __future__ import annotations

import threading
import time

import duckdb

from warehouse.lake.address import Lake
from warehouse.lake.engine import engine, translated
from warehouse.lake.shown import shown
from warehouse.migrations import require_known
from warehouse.model import Published

FRESH_SECONDS = 0.2
"""How old an answer to "what is published?" may be: each open page asks ten times a second."""

_ANSWERS: dict[Lake, tuple[float, Published | None]] = {}
_ASKING = threading.Lock()


def current(lake: Lake) -> Published | None:
    """What readers are shown, None before the first publish. Asks the catalog five times a second at most."""
    with _ASKING:
        asked_at, answer = _ANSWERS.get(lake, (-FRESH_SECONDS, None))
        if time.monotonic() - asked_at < FRESH_SECONDS:
            return answer
        return _ask(lake)


def open_current(lake: Lake) -> tuple[Published, duckdb.DuckDBPyConnection] | None:
    """What readers are shown now, and a read-only connection to it alone; None before the first publish."""
    with _ASKING:
        published = _ask(lake)
    if published is None:
        return None
    version = published.version
    cursor = engine(lake).lake_cursor(f"version_{version}", "read_only", f"snapshot_version {version}")
    with translated(lake):
        require_known(cursor, lake.name)
    return published, cursor


def _ask(lake: Lake) -> Published | None:
    with translated(lake), engine(lake).cursor() as con:
        now = shown(con)
    told = (
        None if now is None else Published(str(now.snapshot), now.revision, now.published_at, now.checked_at)
    )
    _ANSWERS[lake] = time.monotonic(), told
    return told
