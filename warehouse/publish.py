"""Immutable copies of the warehouse for readers: a file under a new name, then the pointer that names it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.home import Home

KEPT = 3
"""Versions kept on disk: the current one and those a reader may just be opening."""


class NothingPublished(Exception):
    """The warehouse holds nothing yet: ingest a board first."""


@dataclass(frozen=True, slots=True)
class Published:
    """One published version: `version` changes with every publish, the file never does.

    `checked_at` is when the writer last saw that nothing newer is to be published.
    """

    version: str
    revision: int
    published_at: datetime
    checked_at: datetime
    path: Path


def current(home: Home) -> Published | None:
    """What the pointer names, None when nothing is published. Cheap: reads one small file.

    A pointer that nobody can read names nothing either: the next publish writes a new one.
    """
    pointer = _pointer(home)
    try:
        told = json.loads(pointer.read_text())
        checked_at = datetime.fromtimestamp(pointer.stat().st_mtime, UTC)
        published_at = datetime.fromisoformat(told["published_at"])
        path = _folder(home) / told["file"]
        return Published(told["version"], told["revision"], published_at, max(published_at, checked_at), path)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def nothing_published(home: Home) -> NothingPublished:
    """The error, with what to do about it."""
    return NothingPublished(
        f"nothing is published in {home.warehouse_dir} yet.\n"
        f"Run `daybreak up`, or ingest a board: `daybreak ingest trello FILE` or `daybreak ingest flux`."
    )


def publish(con: duckdb.DuckDBPyConnection, home: Home, revision: int) -> Published:
    """Publish what is committed. Killed anywhere, readers still have the version before."""
    _folder(home).mkdir(exist_ok=True)
    version = f"{revision:08d}-{secrets.token_hex(4)}"
    path = _folder(home) / f"{version}.duckdb"
    con.execute("checkpoint")
    _copy(con, home.warehouse_dir / "live.duckdb", path)
    path.chmod(0o444)
    _sync(path)
    _sync(path.parent)
    published_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    told = {
        "version": version,
        "revision": revision,
        "published_at": published_at.isoformat(),
        "file": path.name,
    }
    _replace(_pointer(home), json.dumps(told, sort_keys=True) + "\n")
    _sync(home.warehouse_dir)
    _link(home, path)
    sweep(home)
    return Published(version, revision, published_at, published_at, path)


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


class Publisher:
    """Paces publishing: at once when quiet, at most every `pause` seconds when busy."""

    def __init__(self, home: Home, pause: float = 0.5) -> None:
        self._home = home
        self._pause = pause
        self._free_at = 0.0

    def due(self) -> bool:
        """Whether the pause since the last publish is over."""
        return time.monotonic() >= self._free_at

    def publish(self, con: duckdb.DuckDBPyConnection, revision: int) -> bool:
        """Publish if `revision` is not what readers have; says whether it did."""
        now = current(self._home)
        if now is not None and now.revision == revision and now.path.exists():
            still_current(self._home)
            return False
        publish(con, self._home, revision)
        self._free_at = time.monotonic() + self._pause
        return True


def _folder(home: Home) -> Path:
    return home.warehouse_dir / "published"


def _pointer(home: Home) -> Path:
    return home.warehouse_dir / "CURRENT"


def _open_folder(home: Home) -> Path:
    return home.warehouse_dir / "open"


def _copy(con: duckdb.DuckDBPyConnection, live: Path, path: Path) -> None:
    """Copy by another process: if ours opened and closed the live file, the lock on it would be gone (POSIX)."""
    if _cp(live, path):
        return
    path.unlink(missing_ok=True)
    con.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as copied")
    con.execute("copy from database live to copied")
    con.execute("detach copied")


def _cp(source: Path, target: Path) -> bool:
    """Copy with the system's `cp`, sharing blocks where the disk can; False where there is no `cp` that works."""
    cp = shutil.which("cp")
    if cp is None:
        return False
    for flags in (["--reflink=auto"], []):
        copying = [cp, *flags, str(source), str(target)]
        if subprocess.run(copying, capture_output=True, check=False).returncode == 0:  # noqa: S603  # our own paths
            return True
    return False


def _link(home: Home, path: Path) -> None:
    """Let HOME/warehouse.duckdb open the newest version.

    It leads to a copy of its own: other tools open files for writing unless told not to, and a write lock on the file
    our readers use would shut them out. Where links are not to be had (Windows) it is that copy.
    """
    _open_folder(home).mkdir(exist_ok=True)
    copy = _open_folder(home) / path.name
    if not _cp(path, copy):
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


def _replace(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    _sync(draft)
    draft.replace(path)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
