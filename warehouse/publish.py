"""Immutable copies of the warehouse for readers: a file under a new name, then the pointer that names it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.disk import sync, write
from warehouse.home import Home
from warehouse.model import Published

BETWEEN_CHECKPOINTS = "512MB"
"""What may wait beside the database: each checkpoint packs the newest rows again, so many of them cost a bulk load dear."""

KEPT = 3
"""Versions kept on disk: the current one and those a reader may just be opening."""


class NothingPublished(Exception):
    """The warehouse holds nothing yet: ingest a board first."""


@dataclass(frozen=True, slots=True)
class PublishedFile(Published):
    """A version in a file of its own, which never changes."""

    path: Path


def current(home: Home) -> PublishedFile | None:
    """What the pointer names, None when nothing is published. Cheap: reads one small file.

    A pointer that nobody can read names nothing either: the next publish writes a new one.
    """
    pointer = _pointer(home)
    try:
        told = json.loads(pointer.read_text())
        checked_at = datetime.fromtimestamp(pointer.stat().st_mtime, UTC)
        published_at = datetime.fromisoformat(told["published_at"])
        path = _folder(home) / told["file"]
        return PublishedFile(
            told["version"], told["revision"], published_at, max(published_at, checked_at), path
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def nothing_published(home: Home) -> NothingPublished:
    """The error, with what to do about it."""
    if _pointer(home).exists():
        return NothingPublished(
            f"{_pointer(home)} cannot be read, so nobody knows what is published.\n"
            f"The next publish writes it anew; `daybreak restore` does it now."
        )
    return NothingPublished(
        f"nothing is published in {home.warehouse_dir} yet.\n"
        f"Run `daybreak up`, or ingest a board: `daybreak ingest trello FILE` or `daybreak ingest flux`."
    )


def is_current(home: Home, revision: int) -> bool:
    """Whether readers have this revision; if so, it is said that somebody looked."""
    now = current(home)
    if now is None or now.revision != revision or not now.path.exists():
        return False
    still_current(home)
    return True


class Draft:
    """A version on its way to readers. Killed anywhere, they still have the version before.

    Made and closed while nobody else uses the connection; `publish` may run while somebody appends: between two
    checkpoints that goes to the file beside the database, and the database stays as it is.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, home: Home, revision: int) -> None:
        self._con, self._home, self._revision = con, home, revision
        self._version = f"{revision:08d}-{secrets.token_hex(4)}"
        self._path = _folder(home) / f"{self._version}.duckdb"
        _folder(home).mkdir(exist_ok=True)
        con.execute("checkpoint")
        con.execute("set checkpoint_threshold = '1TB'")
        if shutil.which("cp") is None:
            self._copy_inside()

    def publish(self) -> PublishedFile:
        """Copy, then let the pointer name the copy, in the order that a power cut cannot turn around."""
        if not self._path.exists():
            _cp(self._home.warehouse_dir / "live.duckdb", self._path)
        self._path.chmod(0o444)
        sync(self._path)
        sync(self._path.parent)
        published_at = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        told = {
            "version": self._version,
            "revision": self._revision,
            "published_at": published_at.isoformat(),
            "file": self._path.name,
        }
        write(_pointer(self._home), json.dumps(told, sort_keys=True) + "\n")
        _link(self._home, self._path)
        sweep(self._home)
        return PublishedFile(self._version, self._revision, published_at, published_at, self._path)

    def close(self) -> None:
        """Let the database tidy its files again."""
        self._con.execute(f"set checkpoint_threshold = '{BETWEEN_CHECKPOINTS}'")

    def _copy_inside(self) -> None:
        """Copy by the database itself, where the system has no `cp`."""
        self._con.execute(f"attach '{str(self._path).replace(chr(39), chr(39) * 2)}' as copied")
        self._con.execute("copy from database live to copied")
        self._con.execute("detach copied")


def still_current(home: Home) -> None:
    """Say that the published version is as new as the warehouse."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(_pointer(home))


def sweep(home: Home, kept: int = KEPT) -> None:
    """Delete versions nobody needs, and files that a crash left half-copied."""
    now = current(home)
    for folder in (_folder(home), _open_folder(home)):
        files = [file for file in folder.glob("*.duckdb*") if now is None or file.name != now.path.name]
        for file in sorted(files, key=lambda file: file.name, reverse=True)[kept - 1 :]:
            with contextlib.suppress(
                PermissionError, FileNotFoundError
            ):  # Windows: somebody has it open; next time
                file.unlink()


def _folder(home: Home) -> Path:
    return home.warehouse_dir / "published"


def _pointer(home: Home) -> Path:
    return home.warehouse_dir / "CURRENT"


def _open_folder(home: Home) -> Path:
    return home.warehouse_dir / "open"


def _cp(source: Path, target: Path) -> None:
    """Copy with the system's `cp`, sharing blocks where the disk can. OSError where it cannot.

    By another process: if ours opened and closed the live file, the lock on it would be gone (POSIX).
    """
    for flags in (["--reflink=auto"], []):
        copying = [shutil.which("cp") or "cp", *flags, str(source), str(target)]
        done = subprocess.run(copying, capture_output=True, text=True, check=False)  # noqa: S603  # our own paths
        if done.returncode == 0:
            return
    target.unlink(missing_ok=True)
    raise OSError(done.stderr.strip())


def _link(home: Home, path: Path) -> None:
    """Let HOME/warehouse.duckdb open the newest version.

    It leads to a copy of its own: other tools open files for writing unless told not to, and a write lock on the file
    our readers use would shut them out. Where links are not to be had (Windows) it is that copy.
    """
    _open_folder(home).mkdir(exist_ok=True)
    copy = _open_folder(home) / path.name
    try:
        _cp(path, copy)
    except OSError:  # no `cp` here
        shutil.copyfile(path, copy)
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
