"""The lake as the log writes it: many machines append, one transaction of one of them at a time."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import duckdb

from warehouse.deriving import Deriving
from warehouse.lake import catalog
from warehouse.lake.address import DATA_SETTING, Lake
from warehouse.lake.catalog import Turn
from warehouse.migrations import WarehouseBroken, migrate

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
        return f"the lake at {self._lake.catalog}"

    @property
    def cause(self) -> str:
        return "is the catalog's server up, and its data to be reached?"

    def take(self, wait: timedelta) -> None:  # noqa: ARG002  # nobody is in the way: appends take turns, not writers
        self._turn = Turn(self._lake, PATIENCE)

    def release(self) -> None:
        if self._turn:
            self._turn.close()
            self._turn = None

    def awaited(self) -> bool:
        return False

    def connect(self) -> duckdb.DuckDBPyConnection:
        con = catalog.engine(self._lake)
        try:
            with self.turn():  # two that come at once shall not both begin the lake
                self._open(con)
        except BaseException:
            con.close()
            raise
        return con

    def beside(self, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        cursor = con.cursor()
        cursor.execute("use lake")
        return cursor

    def turn(self) -> AbstractContextManager[None]:
        assert self._turn is not None
        return self._turn.held()

    def versions(self, deriving: Deriving, appending: AbstractContextManager[object]) -> LakeVersions:
        return LakeVersions(self._lake, deriving, appending)

    def _open(self, con: duckdb.DuckDBPyConnection) -> None:
        catalog.attach_catalog(con, self._lake)
        kept = catalog.data_path(con)
        if kept:
            _require_there(kept, self._lake)
            catalog.attach(con, self._lake, "lake", *_data_option(self._lake))
        else:
            _begin(con, self._lake)
        con.execute("use lake")
        migrate(con, self.name, dialect=_without_compression)


class LakeVersions:
    """What readers are shown of a lake: a snapshot whose state is up to its log."""

    def __init__(self, lake: Lake, deriving: Deriving, appending: AbstractContextManager[object]) -> None:
        self._lake, self._deriving, self._appending = lake, deriving, appending
        self._con = deriving.con.cursor()  # appends and deriving go on while readers are told

    def publish(self) -> None:
        with self._deriving.lock:
            self._deriving.catch_up()  # nearly all there is, while appends go on
            with self._appending, self._deriving.caught_up() as progress:
                snapshot = self._snapshot()
        self._deriving.forget(progress.revision)
        with catalog.translated(self._lake):
            now = catalog.shown(self._con)
            if now is None or now.revision != progress.revision:
                catalog.show(self._con, snapshot, progress.revision)
            else:
                catalog.still_shown(self._con)

    def finish(self) -> None:
        """Nothing to do: whoever reads a lake, is shown the same."""

    def close(self) -> None:
        self._con.close()

    def _snapshot(self) -> int:
        ((snapshot,),) = self._con.execute("from ducklake_current_snapshot('lake')").fetchall()
        return int(snapshot)


def _begin(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Make a new lake in the catalog's database."""
    if not lake.data:
        raise WarehouseBroken(
            f"there is no lake at {lake.catalog} yet, and nothing says where its data shall lie.\n"
            f"Set {DATA_SETTING} to a folder all machines share, or to `s3://bucket/folder`."
        )
    catalog.attach(con, lake, "lake", *_data_option(lake))
    con.execute(f"call lake.set_option('data_inlining_row_limit', {INLINED_ROWS})")
    con.execute("call lake.set_option('parquet_compression', 'zstd')")


def _require_there(data: str, lake: Lake) -> None:
    """Refuse a folder that is not mounted here: what is written into an empty one, nobody else would find."""
    if data.startswith("/") and not Path(data).is_dir():
        raise WarehouseBroken(
            f"the data of the lake at {lake.catalog} lies in {data}, which is not there.\n"
            f"Mount it on this machine as it is on the others."
        )


def _data_option(lake: Lake) -> list[str]:
    return [f"data_path '{catalog.quoted(lake.data)}'"] if lake.data else []


def _without_compression(sql: str) -> str:
    """A schema step as DuckLake takes it: how columns are packed is Parquet's to say."""
    return re.sub(r" using compression \w+", "", sql)
