"""Whose turn it is to write a lake, among all machines: a lock in the catalog's database."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import duckdb

from warehouse.lake.address import Lake
from warehouse.lake.engine import ask, translated
from warehouse.turns import WarehouseBusy

WRITING, NEXT = 0x6461_7962, 0x6461_7963
"""The advisory locks' numbers ("dayb", "dayc"): one catalog database holds one lake. Who waits longest holds the second."""

LOOK_EVERY_SECONDS = 0.005
"""How often a waiting writer asks. (While PostgreSQL itself makes it wait, DuckDB burns a core.)"""


class Turn:
    """A transaction that holds the lock as long as it lasts: who dies or loses the connection loses the turn.

    Two who write all the same cannot both commit: each rewrites `progress`, and DuckLake refuses the second.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, lake: Lake, patience: timedelta) -> None:
        self._con, self._lake, self._patience = con, lake, patience
        self._here = threading.Lock()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and keep it; WarehouseBusy after the patience given."""
        with self._here:
            try:
                with translated(self._lake):
                    self._con.begin()
                    self._wait()
                yield
            finally:
                with contextlib.suppress(duckdb.Error):  # then the lock is gone as well
                    self._con.rollback()

    def close(self) -> None:
        self._con.close()

    def _wait(self) -> None:
        """Be the next, then be the one: who has just written cannot come before somebody who waits."""
        deadline = time.monotonic() + self._patience.total_seconds()
        self._until(f"pg_try_advisory_lock({NEXT})", deadline)
        try:
            self._until(f"pg_try_advisory_xact_lock({WRITING})", deadline)
        finally:
            ask(self._con, f"select pg_advisory_unlock({NEXT})")

    def _until(self, taken: str, deadline: float) -> None:
        while ask(self._con, f"select {taken}") != [(True,)]:
            if time.monotonic() > deadline:
                raise WarehouseBusy(
                    f"other ingesters have been writing {self._lake.name} for "
                    f"{self._patience.total_seconds():g} s.\nTry again in a moment; nothing of this was kept."
                )
            time.sleep(LOOK_EVERY_SECONDS * (0.5 + random.random()))  # noqa: S311  # so that two do not keep step
