"""An export back into an empty home: the very same log, cursors and snapshots, all or nothing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.export import KEPT, ExportBroken, ExportRefused, manifest_of, schema_number, sha256
from warehouse.export import fingerprint as fingerprint_of
from warehouse.home import Home
from warehouse.log import Log
from warehouse.manifest import EVENTS, Manifest, Part, overlapping
from warehouse.reading import NothingPublished, open_published

EVENTS_AT_ONCE = 100_000
"""Events read and put in order at a time: bounds the memory, whatever the months' size."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought; as text it is the canonical line."""

    folder: Path
    events: int
    snapshots: int
    cursors: int

    def __str__(self) -> str:
        return (
            f"import={self.folder} events={self.events} offset={self.events} "
            f"snapshots={self.snapshots} cursors={self.cursors}"
        )


def import_export(home: Home, folder: Path, *, at_once: int = EVENTS_AT_ONCE) -> Imported:
    """Fill an empty home from the export in `folder`, `at_once` events at a time, and publish it.

    ExportBroken when a file is missing or not what the manifest says; ExportRefused when the home holds something.
    Killed anywhere before the end, the home is still empty.
    """
    manifest = manifest_of(folder)
    for part in manifest.parts:
        _check(folder, part)
    with contextlib.suppress(NothingPublished), open_published(home)[1] as con:
        _require_empty(con, home)
    with Log.open(home) as log:
        try:
            with log.transaction() as con:
                _require_empty(con, home)
                _require_known(con, manifest, folder)
                _fill(con, manifest, folder, at_once)
                _prove(con, manifest, folder)
        except duckdb.Error as error:
            raise ExportBroken(
                f"the export in {folder} could not be written to {home.warehouse}: {error}\n"
                f"Nothing of it is kept, so the same can be tried again; is the disk full?"
            ) from error
        log.publish()
    return Imported(
        folder, manifest.rows(EVENTS), manifest.rows("snapshots"), manifest.rows("source_cursors")
    )


def _check(folder: Path, part: Part) -> None:
    path = folder / part.path
    try:
        size = path.stat().st_size
        whole = size == part.size and sha256(path) == part.sha256
    except OSError as error:
        raise ExportBroken(f"{path} belongs to the export and cannot be read ({error}).\n{AGAIN}") from error
    if not whole:
        raise ExportBroken(
            f"{path} is not the file the manifest tells of ({size} bytes, {part.size} told).\n{AGAIN}"
        )


def _require_empty(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    if any(_count(con, f"select count(*) from {table}") for table in (EVENTS, *KEPT)):  # noqa: S608  # our own names
        raise _not_empty(home)


def _not_empty(home: Home) -> ExportRefused:
    return ExportRefused(
        f"{home.root} already holds a warehouse; an export goes into an empty one only.\nName another home with --home."
    )


def _require_known(con: duckdb.DuckDBPyConnection, manifest: Manifest, folder: Path) -> None:
    known = schema_number(con)
    if manifest.schema > known:
        raise ExportRefused(
            f"{folder} was exported by a newer Daybreak (schema {manifest.schema}, this one knows {known}).\nUpgrade Daybreak."
        )


def _fill(con: duckdb.DuckDBPyConnection, manifest: Manifest, folder: Path, at_once: int) -> None:
    """Events in order of their offsets, a stretch at a time, so that the log lies on the disk as it was written."""
    parts = manifest.of(EVENTS)
    for after in range(0, manifest.last_offset, at_once):
        upto = after + at_once
        con.execute(
            """
            insert into events by name
            from read_parquet($files, hive_partitioning = false)
            where event_offset > $after and event_offset <= $upto
            order by event_offset
            """,
            {"files": _files(folder, overlapping(parts, after, upto)), "after": after, "upto": upto},
        )
    for table in KEPT:
        con.execute(
            f"insert into {table} by name from read_parquet($files, hive_partitioning = false)",
            {"files": _files(folder, manifest.of(table))},
        )
    # State is derived from it all by the publish that follows, whoever does it.
    con.execute("insert into resaid select distinct source, entity_type, entity_id from snapshots")
    con.execute(
        "update progress set revision = $revision, head = $head",
        {"revision": manifest.revision, "head": manifest.last_offset},
    )


def _prove(con: duckdb.DuckDBPyConnection, manifest: Manifest, folder: Path) -> None:
    """The log is the one that was exported: gapless, every fact once, the same events in the same order."""
    row = con.execute(
        "select count(*), count(distinct event_offset), coalesce(min(event_offset), 1), coalesce(max(event_offset), 0) from events"
    ).fetchone()
    last = manifest.last_offset
    twice = _count(
        con, "select count(*) from (select 1 from events group by source, event_id having count(*) > 1)"
    )
    if row != (last, last, 1, last) or twice or fingerprint_of(con, last) != manifest.fingerprint:
        raise ExportBroken(f"the files in {folder} are not one whole log up to offset {last}.\n{AGAIN}")


def _files(folder: Path, parts: tuple[Part, ...] | list[Part]) -> list[str]:
    """Paths that DuckDB takes for what they are, also where a folder has `*`, `?` or `[` in its name."""
    return [
        "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(folder / part.path)) for part in parts
    ]


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


AGAIN = "Copy the export again, or use an older one; nothing was imported."
