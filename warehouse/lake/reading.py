"""Reading a lake: each view is one snapshot, from beginning to end; a process keeps one engine for all of its views."""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter

import duckdb

from warehouse.lake import catalog
from warehouse.lake.address import Lake
from warehouse.migrations import require_known
from warehouse.model import Published

FRESH_SECONDS = 0.2
"""How old an answer to "what is published?" may be: each open page asks ten times a second."""

_READERS: dict[Lake, _Reader] = {}
_MAKING = threading.Lock()


def current(lake: Lake) -> Published | None:
    """What readers are shown, None before the first publish. Asks the catalog five times a second at most."""
    return _reader(lake).current(FRESH_SECONDS)


def open_current(lake: Lake) -> tuple[Published, duckdb.DuckDBPyConnection] | None:
    """What readers are shown now, and a read-only connection to it alone; None before the first publish."""
    return _reader(lake).open()


def _reader(lake: Lake) -> _Reader:
    with _MAKING:
        if lake not in _READERS:
            _READERS[lake] = _Reader(lake)
        return _READERS[lake]


class _Reader:
    """One engine for a lake. It loads its extensions and opens the catalog once; a version costs an attachment."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._views: Counter[str] = Counter()
        self._asked_at = -FRESH_SECONDS
        self._answer: Published | None = None

    def current(self, fresh: float) -> Published | None:
        with self._lock:
            if time.monotonic() - self._asked_at >= fresh:
                self._ask()
            return self._answer

    def open(self) -> tuple[Published, duckdb.DuckDBPyConnection] | None:
        with self._lock:
            published = self._ask()
            if published is None:
                return None
            name = f"version_{published.version}"
            cursor = self._engine().cursor()
            with catalog.translated(self._lake):
                if name not in self._views:
                    self._show(cursor, name, published.version)
                cursor.execute(f"use {name}")
            self._views[name] += 1
            weakref.finalize(cursor, self._views.subtract, [name])
            return published, cursor

    def _ask(self) -> Published | None:
        """What readers are shown; with a new engine where the one before has lost its connection."""
        with catalog.translated(self._lake):
            try:
                shown = catalog.shown(self._engine())
            except duckdb.Error:
                self._forget()
                shown = catalog.shown(self._engine())
        told = (
            None
            if shown is None
            else Published(str(shown.snapshot), shown.revision, shown.published_at, shown.checked_at)
        )
        self._asked_at, self._answer = time.monotonic(), told
        return told

    def _show(self, cursor: duckdb.DuckDBPyConnection, name: str, version: str) -> None:
        """Attach a version, and leave those that nobody looks at any more."""
        for old in [old for old, viewers in self._views.items() if viewers <= 0]:
            cursor.execute(f"detach {old}")
            del self._views[old]
        catalog.attach(cursor, self._lake, name, "read_only", f"snapshot_version {version}")
        self._views[name] = 0
        cursor.execute(f"use {name}")
        require_known(cursor, f"the lake at {self._lake.catalog}")

    def _engine(self) -> duckdb.DuckDBPyConnection:
        if self._con is None:
            self._con = catalog.engine(self._lake)
            catalog.attach_catalog(self._con, self._lake)
        return self._con

    def _forget(self) -> None:
        if self._con is not None:
            self._con.close()
        self._con, self._views = None, Counter()
