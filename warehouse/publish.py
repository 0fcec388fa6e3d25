"""What is published: immutable files, each under a name of its own, and the pointer that names what readers open."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.disk import Copying, sync, write
from warehouse.home import Home
from warehouse.model import Published

KEPT = 3
"""Versions kept on disk: the current one and those a reader may just be opening."""

_ON = "-on-"
"""Stands in a file's name between the version and the base it leans on."""


class NothingPublished(Exception):
    """The warehouse holds nothing yet: ingest a board first."""


@dataclass(frozen=True, slots=True)
class PublishedFile(Published):
    """A version in a file of its own, which never changes; where it is not whole, it leans on a `base`."""

    path: Path
    base: Path | None = None

    @property
    def is_there(self) -> bool:
        """Whether its files are."""
        return self.path.exists() and (self.base is None or self.base.exists())


def current(home: Home) -> PublishedFile | None:
    """What the pointer names, None when nothing is published. Cheap: reads one small file.

    A pointer that nobody can read names nothing either: the next publish writes a new one.
    """
    pointer = _pointer(home)
    try:
        told = json.loads(pointer.read_text())
        checked_at = datetime.fromtimestamp(pointer.stat().st_mtime, UTC)
        published_at = datetime.fromisoformat(told["published_at"])
        path = folder(home) / told["file"]
        base = folder(home) / told["base"] if told.get("base") else None
        return PublishedFile(
            told["version"], told["revision"], published_at, max(published_at, checked_at), path, base
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def nothing_published(home: Home) -> NothingPublished:
    """The error, with what to do about it."""
    if home.lake is None and _pointer(home).exists():
        return NothingPublished(
            f"{_pointer(home)} cannot be read, so nobody knows what is published.\n"
            f"The next publish writes it anew; `daybreak restore` does it now."
        )
    return NothingPublished(
        f"nothing is published in {home.warehouse} yet.\n"
        f"Run `daybreak up`, or ingest a board: `daybreak ingest trello FILE` or `daybreak ingest flux`."
    )


def is_current(home: Home, revision: int) -> bool:
    """Whether readers have this revision; if so, it is said that somebody looked."""
    now = current(home)
    if now is None or now.revision != revision or not now.is_there:
        return False
    with contextlib.suppress(FileNotFoundError):
        os.utime(_pointer(home))
    return True


def new_file(home: Home, revision: int, base: Path | None = None) -> Path:
    """Where a version of this revision goes; it leans on `base`, where one is given."""
    folder(home).mkdir(exist_ok=True)
    return folder(home) / f"{revision:08d}-{secrets.token_hex(4)}{_ON + base.stem if base else ''}.duckdb"


def base_of(path: Path) -> Path | None:
    """The base that a version leans on, by its name."""
    base = path.stem.partition(_ON)[2]
    return path.with_name(f"{base}.duckdb") if base else None


def seal(path: Path) -> None:
    """Make a finished file one that nobody changes, and that a power cut leaves as it is."""
    path.chmod(0o444)
    sync(path)
    sync(path.parent)


def point(home: Home, revision: int, path: Path) -> None:
    """Let readers have a sealed file, in the order that a power cut cannot turn around: the pointer comes last."""
    base = base_of(path)
    told = {
        "version": path.stem.partition(_ON)[0],
        "revision": revision,
        "published_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
        "file": path.name,
        "base": base.name if base else None,
    }
    write(_pointer(home), json.dumps(told, sort_keys=True) + "\n")


def sweep(home: Home, spare: Collection[Path] = ()) -> None:
    """Delete versions nobody needs, and files that a crash left half-made; not those to `spare`, which are being made."""
    now = current(home)
    needed = {*spare, *([now.path] if now else [])}
    needed.update(_newest(set(_files(folder(home))) - needed, KEPT - 1))
    needed.update([base for file in needed if (base := base_of(file))])
    opened = set(_files(_open_folder(home))) - {home.warehouse_link.resolve()}
    for file in (set(_files(folder(home))) - needed) | (opened - set(_newest(opened, KEPT - 1))):
        with contextlib.suppress(
            PermissionError, FileNotFoundError
        ):  # Windows: somebody has it open; next time
            file.unlink()


def link(home: Home, path: Path, copying: Copying) -> None:
    """Let HOME/warehouse.duckdb open this version, which must be whole.

    It leads to a copy of its own: other tools open files for writing unless told not to, and a write lock on the file
    our readers use would shut them out. Where links are not to be had (Windows) it is that copy.
    """
    _open_folder(home).mkdir(exist_ok=True)
    copy = _open_folder(home) / path.name
    copying.copy(path, copy)
    copy.chmod(0o644)
    draft = home.root / f".{home.warehouse_link.name}.draft"
    draft.unlink(missing_ok=True)
    try:
        draft.symlink_to(copy.relative_to(home.root))
    except OSError:
        shutil.copyfile(copy, draft)
    with contextlib.suppress(PermissionError):  # Windows: a tool has it open; next time
        draft.replace(home.warehouse_link)
        # Where the link is a copy: what a killed tool wrote beside the one before would make DuckDB refuse this one.
        Path(f"{home.warehouse_link}.wal").unlink(missing_ok=True)


def folder(home: Home) -> Path:
    """Where published files are."""
    return home.warehouse_dir / "published"


def _pointer(home: Home) -> Path:
    return home.warehouse_dir / "CURRENT"


def _open_folder(home: Home) -> Path:
    return home.warehouse_dir / "open"


def _files(folder: Path) -> list[Path]:
    """What lies there, also what DuckDB left beside a file when it was killed."""
    return list(folder.glob("*.duckdb*"))


def _newest(files: Iterable[Path], count: int) -> list[Path]:
    return sorted(files, key=lambda file: file.name, reverse=True)[:count]
