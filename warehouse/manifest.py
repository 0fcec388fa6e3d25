"""What an export says of itself: which files are its own, what is in them, which log they tell. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

FORMAT = "daybreak export"
FORMAT_VERSION = 1
"""Grows when an export can no longer be read by the code before it."""

EVENTS = "events"


class ExportBroken(Exception):
    """What is in the folder cannot be read as an export; a person must look at it, or export again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export; `first` and `last` are the least and the greatest event_offset in it, else 0."""

    table: str
    path: str
    rows: int
    size: int
    sha256: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole export. `fingerprint` is the log's, up to `last_offset`: another log has another one."""

    schema: int
    version: str
    revision: int
    published_at: str
    last_offset: int
    fingerprint: str
    parts: tuple[Part, ...]

    def of(self, table: str) -> tuple[Part, ...]:
        """The files that hold this table."""
        return tuple(part for part in self.parts if part.table == table)

    def rows(self, table: str) -> int:
        """How many rows of this table there are."""
        return sum(part.rows for part in self.of(table))


def as_text(manifest: Manifest) -> str:
    """The manifest as a file says it."""
    counts = {table: manifest.rows(table) for table in sorted({part.table for part in manifest.parts})}
    told = {"format": FORMAT, "format_version": FORMAT_VERSION, "rows": counts} | asdict(manifest)
    return json.dumps(told, indent=1) + "\n"


def from_text(text: str, where: str) -> Manifest:
    """What a file says; ExportBroken, naming `where` it stands, when it says nothing we can use."""
    try:
        told = json.loads(text)
        known = told["format"] == FORMAT and int(told["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(where, error) from error
    if not known:
        raise ExportBroken(f"{where} is not the manifest of a Daybreak export.\nName the folder of one.")
    if known > FORMAT_VERSION:
        raise ExportBroken(
            f"{where} was written by a newer Daybreak (format {known}, this one knows {FORMAT_VERSION}).\nUpgrade Daybreak."
        )
    try:
        return Manifest(
            int(told["schema"]),
            str(told["version"]),
            int(told["revision"]),
            str(told["published_at"]),
            int(told["last_offset"]),
            str(told["fingerprint"]),
            tuple(_part(part) for part in told["parts"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(where, error) from error


def overlapping(parts: Sequence[Part], after: int, upto: int) -> list[Part]:
    """The parts that may hold an event with `after < event_offset <= upto`."""
    return [part for part in parts if part.last > after and part.first <= upto]


def _part(told: dict[str, Any]) -> Part:
    part = Part(**told)
    path = PurePosixPath(part.path)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{part.path} is not in the export's folder")
    return part


def _unreadable(where: str, error: Exception) -> ExportBroken:
    return ExportBroken(
        f"{where} cannot be read ({error}).\nExport again into another folder, or use an older export."
    )
