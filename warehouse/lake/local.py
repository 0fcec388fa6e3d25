"""A version of a lake as a file of this machine: what anybody's SQL is asked of, since it may not come near the catalog."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import duckdb
from filelock import FileLock

from warehouse.lake.address import Lake
from warehouse.lake.engine import ask, quoted
from warehouse.lake.reading import open_current
from warehouse.migrations import WarehouseBroken, migrate
from warehouse.publish import PublishedFile

KEPT = 2
"""Copies that stay: the newest, and the one before that somebody may be asking."""


def local_copy(lake: Lake, folder: Path) -> PublishedFile | None:
    """A file in `folder` with what readers are shown, made where it is not there yet; None before the first publish.

    The log is only added to, so a new version costs what is new of it, and a copy of the file before.
    """
    opened = open_current(lake)
    if opened is None:
        return None
    published, con = opened
    with con:
        begun = str(ask(con, "select table_uuid from ducklake_table where table_name = 'events'")[0][0])
        path = folder / f"{begun[:18]}-{int(published.version):012d}.duckdb"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                if not path.exists():
                    _make(con, path)
        except (duckdb.Error, OSError) as error:
            raise WarehouseBroken(
                f"{lake.name} could not be copied to {folder}, where its SQL is asked: {error}\n"
                f"Is the disk full? A copy takes as much room as the log."
            ) from error
    return PublishedFile(
        published.version, published.revision, published.published_at, published.checked_at, path
    )


def _make(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy what `con` sees into a file that then appears whole."""
    ours = sorted(path.parent.glob(f"{path.name.rpartition('-')[0]}-*.duckdb"), reverse=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    if ours:
        shutil.copyfile(ours[0], draft)
    with duckdb.connect(str(draft)) as empty:
        migrate(empty, draft)
    con.execute(f"attach '{quoted(str(draft))}' as copied")
    try:
        _bring_up(con)
    finally:
        con.execute("detach copied")
    draft.replace(path)
    for old in sorted(path.parent.glob("*.duckdb"), reverse=True)[KEPT:]:
        with contextlib.suppress(PermissionError):  # Windows: somebody has it open; next time
            old.unlink()


def _bring_up(con: duckdb.DuckDBPyConnection) -> None:
    """Add the events that the file has not; all other tables are replaced."""
    ((head,),) = con.execute("select coalesce(max(event_offset), 0) from copied.events").fetchall()
    con.execute(
        "insert into copied.events by name from events where event_offset > $head order by event_offset",
        {"head": head},
    )
    tables = con.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and table_name <> 'events'"
    ).fetchall()
    for (table,) in tables:
        con.execute(f"delete from copied.{table}")  # noqa: S608  # the lake's own names
        con.execute(f"insert into copied.{table} by name from {table}")
