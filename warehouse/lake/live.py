"""The lake as the log writes it: many machines append, one transaction of one of them at a time."""

from __future__ import annotations

import contextlib
import re
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import duckdb

from warehouse.deriving import Deriving
from warehouse.lake.address import DATA_SETTING, Lake
from warehouse.lake.engine import data_path, engine, quoted, told_by_catalog, translated
from warehouse.lake.nul import without_nul
from warehouse.lake.shown import prepare, show, shown, still_shown, take_tidying
from warehouse.lake.tidy import EVERY, tidy
from warehouse.lake.turn import Turn
from warehouse.migrations import WarehouseBroken, migrate
from warehouse.model import Batch
from warehouse.turns import WarehouseBusy

INLINED_ROWS = 1_000
"""What a transaction adds to a table up to this many rows waits in the catalog, and becomes Parquet when the lake is tidied.

So a change on a board costs one commit in PostgreSQL and no file.
"""

PATIENCE = timedelta(minutes=10)
"""How long a transaction waits for those of other writers: a large import is one."""


class LiveLake:
    """A lake, open for writing beside others."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._turn: Turn | None = None

    @property
    def name(self) -> str:
        return self._lake.name

    @property
    def cause(self) -> str:
        return "is the catalog's server up, and its data to be reached?"

    def take(self, wait: timedelta) -> None:  # noqa: ARG002  # nobody is in the way: appends take turns, not writers
        self._turn = Turn(engine(self._lake).cursor(), self._lake, PATIENCE)

    def release(self) -> None:
        if self._turn:
            self._turn.close()
            self._turn = None

    def awaited(self) -> bool:
        return False

    def connect(self) -> duckdb.DuckDBPyConnection:
        with self.turn(), translated(self._lake):  # two that come at once shall not both begin the lake
            con = self._open()
            try:
                migrate(con, self.name, dialect=without_compression)
                _settle(con)
            except BaseException:
                con.close()
                raise
        return con

    def beside(self, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:  # noqa: ARG002  # the engine knows
        return self._attached()

    def keepable(self, batch: Batch) -> Batch:
        return without_nul(batch)

    def turn(self) -> AbstractContextManager[None]:
        assert self._turn is not None
        return self._turn.held()

    def versions(self, deriving: Deriving, appending: AbstractContextManager[object]) -> LakeVersions:  # noqa: ARG002  # a turn keeps all of them out
        return LakeVersions(self, self._lake, deriving)

    def tidy_if_due(self) -> None:
        """Tidy the lake, unless somebody did lately. What fails is tried again the next time."""
        with (
            contextlib.suppress(duckdb.Error, WarehouseBroken, WarehouseBusy),
            self.turn(),
            self._attached() as con,
        ):
            if take_tidying(con, EVERY):
                tidy(con)

    def _open(self) -> duckdb.DuckDBPyConnection:
        with engine(self._lake).cursor() as con:
            kept = data_path(con)
            if kept:
                _require_there(kept, self.name)
            elif not self._lake.data:
                raise WarehouseBroken(
                    f"there is no lake at {self._lake.catalog} yet, and nothing says where its data shall lie.\n"
                    f"Set {DATA_SETTING} to a folder all machines share, or to `s3://bucket/folder`."
                )
        return self._attached()

    def _attached(self) -> duckdb.DuckDBPyConnection:
        data = [f"data_path '{quoted(self._lake.data)}'"] if self._lake.data else []
        return engine(self._lake).lake_cursor("lake", *data)


class LakeVersions:
    """What readers are shown of a lake: a snapshot whose state is up to its log."""

    def __init__(self, live: LiveLake, lake: Lake, deriving: Deriving) -> None:
        self._live, self._lake, self._deriving = live, lake, deriving
        self._con = engine(lake).cursor()  # appends and deriving go on while readers are told

    def publish(self) -> None:
        with self._deriving.caught_up() as progress:
            ((snapshot,),) = self._con.execute("from ducklake_current_snapshot('lake')").fetchall()
        self._deriving.forget(progress.revision)
        with translated(self._lake):
            now = shown(self._con)
            if now is None or now.revision != progress.revision:
                show(self._con, snapshot, progress.revision)
            else:
                still_shown(self._con)
        self._live.tidy_if_due()

    def finish(self) -> None:
        """Nothing to do: whoever reads a lake is shown the same."""

    def close(self) -> None:
        self._con.close()


def _settle(con: duckdb.DuckDBPyConnection) -> None:
    """Tell a new lake how it shall be kept. What is told last says that all is."""
    if told_by_catalog(con, "data_inlining_row_limit") == str(INLINED_ROWS):
        return
    prepare(con)
    con.execute("call lake.set_option('parquet_compression', 'zstd')")
    con.execute(f"call lake.set_option('data_inlining_row_limit', {INLINED_ROWS})")


def _require_there(data: str, name: str) -> None:
    """Refuse a folder that is not mounted here: what is written into an empty one, nobody else would find."""
    if data.startswith("/") and not Path(data).is_dir():
        raise WarehouseBroken(
            f"the data of {name} lies in {data}, which is not there.\nMount it on this machine as it is on the others."
        )


def without_compression(sql: str) -> str:
    """A schema step as DuckLake takes it: how columns are packed is Parquet's to say."""
    return re.sub(r" using compression \w+", "", sql)
