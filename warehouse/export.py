"""The log as Parquet files, a folder a month, for other tools and for another home."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from warehouse import manifest as manifests
from warehouse.disk import sync, write
from warehouse.home import Home
from warehouse.manifest import EVENTS, ExportBroken, Manifest, Part
from warehouse.reading import Published, open_published

__all__ = ["KEPT", "ExportBroken", "ExportRefused", "Exported", "export", "manifest_of"]

MANIFEST = "manifest.json"
UNFINISHED = "unfinished"
LOCK = ".lock"

KEPT = ("snapshots", "snapshot_times", "source_cursors")
"""What the log does not say itself and a restored home needs. All other tables are derived."""

ROWS_AT_ONCE = 30_000
"""Rows of a Parquet row group: what a reader must hold in memory at least. Payloads are long."""


class ExportRefused(Exception):
    """The folder is not one to export to, or the home not one to import into; name another."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export brought; as text it is the canonical line."""

    folder: Path
    events: int
    new: int
    months: int
    version: str

    def __str__(self) -> str:
        return (
            f"export={self.folder} events={self.events} new={self.new} months_written={self.months} "
            f"offset={self.events} version={self.version}"
        )


def export(home: Home, folder: Path) -> Exported:
    """Write the published warehouse into `folder`; only months with something new, where an export of it is there.

    The manifest is replaced last and names every file: killed anywhere, what was exported before is still whole.
    ExportRefused for a folder with anything else in it, NothingPublished before there is something to export.
    """
    published, con = open_published(home)
    with con, _claimed(folder):
        try:
            before = _known(con, folder)
            months = [] if before and before.version == published.version else _months(con, before)
            if before is None or before.version != published.version:
                after = _write(con, published, folder, before, months)
                write(folder / MANIFEST, manifests.as_text(after))
            else:
                after = before
        except (duckdb.Error, OSError) as error:
            raise ExportBroken(
                f"the export to {folder} could not be finished: {error}\n"
                f"What was exported before is still whole; with room on the disk, run the same again."
            ) from error
        _sweep(folder, after)
    new = after.last_offset - (before.last_offset if before else 0)
    return Exported(folder, after.last_offset, new, len(months), after.version)


def manifest_of(folder: Path) -> Manifest:
    """What the export in `folder` says of itself; ExportBroken when there is none or it was never finished."""
    path = folder / MANIFEST
    try:
        return manifests.from_text(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise ExportBroken(f"{path} cannot be read ({error}).\nName the folder of an export.") from error
    if (folder / UNFINISHED).exists():
        raise ExportBroken(
            f"the export in {folder} was never finished: it has no {MANIFEST}.\n"
            f"Run `daybreak export parquet {folder}` again where it was made."
        )
    raise ExportBroken(f"{folder} holds no Daybreak export: it has no {MANIFEST}.\nName the folder of one.")


def schema_number(con: duckdb.DuckDBPyConnection) -> int:
    """The last migration this warehouse has seen."""
    return int(_row(con, "select coalesce(max(number), 0) from schema_migrations")[0])


def fingerprint(con: duckdb.DuckDBPyConnection, upto: int) -> str:
    """Tells one log from another: of which events, in which order, `event_offset <= upto` are."""
    (told,) = _row(
        con,
        "select bit_xor(md5_number(concat_ws(chr(31), event_offset, source, event_id)))::varchar"
        " from events where event_offset <= $upto",
        upto=upto,
    )
    return str(told or "")


def sha256(path: Path) -> str:
    """The file's checksum."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Make the folder ours alone for the while; say in it that an export is not finished until it is."""
    ours = (MANIFEST, UNFINISHED, LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not any((folder / name).exists() for name in ours):
            raise ExportRefused(
                f"{folder} holds something else than an export.\nName an empty or a new folder."
            )
        with FileLock(folder / LOCK, timeout=0):
            (folder / UNFINISHED).touch()
            yield
            (folder / UNFINISHED).unlink()
    except Timeout:
        raise ExportRefused(
            f"another export to {folder} is at work.\nTry again when it has finished."
        ) from None
    except OSError as error:
        raise ExportRefused(
            f"cannot write in {folder} ({error}).\nMake it writable, or name another folder."
        ) from error


def _known(con: duckdb.DuckDBPyConnection, folder: Path) -> Manifest | None:
    """The export that is there, if it is whole; ExportRefused if it tells another log than ours."""
    if not (folder / MANIFEST).exists():
        return None
    before = manifest_of(folder)
    if fingerprint(con, before.last_offset) != before.fingerprint:
        raise ExportRefused(
            f"{folder} holds the export of another log (up to offset {before.last_offset}).\nName another folder."
        )
    whole = all(_size(folder / part.path) == part.size for part in before.parts)
    return before if whole else None


def _months(con: duckdb.DuckDBPyConnection, before: Manifest | None) -> list[tuple[int, int]]:
    """The months of what is new, as (year, month)."""
    return con.execute(
        "select distinct year(occurred_at), month(occurred_at) from events where event_offset > $after order by all",
        {"after": before.last_offset if before else 0},
    ).fetchall()


def _write(
    con: duckdb.DuckDBPyConnection,
    published: Published,
    folder: Path,
    before: Manifest | None,
    months: list[tuple[int, int]],
) -> Manifest:
    head = int(_row(con, "select coalesce(max(event_offset), 0) from events")[0])
    written = [_write_month(con, folder, *month) for month in months]
    folders = {Path(part.path).parent for part in written}
    untouched = (
        [part for part in before.of(EVENTS) if Path(part.path).parent not in folders] if before else []
    )
    parts = sorted([*untouched, *written], key=lambda part: part.path)
    parts += [_write_table(con, folder, table, published.version) for table in KEPT]
    return Manifest(
        schema_number(con),
        published.version,
        published.revision,
        published.published_at.isoformat(),
        head,
        fingerprint(con, head),
        tuple(parts),
    )


def _write_month(con: duckdb.DuckDBPyConnection, folder: Path, year: int, month: int) -> Part:
    # Bounds the planner can hold against what it knows of each row group, so that a month costs its own rows only.
    here = (
        f"occurred_at >= make_timestamptz({year}, {month}, 1, 0, 0, 0.0) and "
        f"occurred_at < make_timestamptz({year}, {month}, 1, 0, 0, 0.0) + interval 1 month"
    )
    first, last = _row(con, f"select min(event_offset), max(event_offset) from events where {here}")  # noqa: S608  # numbers
    path = f"events/year_month={year:04d}-{month:02d}/{first:012d}-{last:012d}.parquet"
    return _copied(con, folder, EVENTS, f"from events where {here}", path, first, last)


def _write_table(con: duckdb.DuckDBPyConnection, folder: Path, table: str, version: str) -> Part:
    return _copied(con, folder, table, f"from {table}", f"{table}/{version}.parquet")


def _copied(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    table: str,
    query: str,
    path: str,
    first: int = 0,
    last: int = 0,
) -> Part:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".draft")
    options = f"format parquet, compression zstd, row_group_size {ROWS_AT_ONCE}"
    (rows,) = _row(con, f"copy ({query}) to {_quoted(draft)} ({options})")
    sync(draft)
    draft.replace(target)
    sync(target.parent)
    return Part(table, path, rows, target.stat().st_size, sha256(target), first, last)


def _sweep(folder: Path, manifest: Manifest) -> None:
    """Delete what an earlier or a killed export has left of our tables and the manifest does not name."""
    named = {folder / part.path for part in manifest.parts}
    for table in (EVENTS, *KEPT):
        for file in sorted((folder / table).rglob("*")):
            if file not in named and file.suffix in (".parquet", ".draft"):
                file.unlink(missing_ok=True)


def _row(con: duckdb.DuckDBPyConnection, sql: str, **params: object) -> tuple[Any, ...]:
    row = con.execute(sql, params).fetchone()
    assert row is not None
    return row


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
