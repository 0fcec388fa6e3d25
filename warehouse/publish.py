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
    """What the pointer names, None when nothing is published. Cheap: reads one small file."""
    pointer = _pointer(home)
    try:
        told = json.loads(pointer.read_text())
        checked = pointer.stat().st_mtime
    except FileNotFoundError:
        return None
    published_at = datetime.fromisoformat(told["published_at"])
    return Published(
        version=told["version"],
        revision=told["revision"],
        published_at=published_at,
        checked_at=max(published_at, datetime.fromtimestamp(checked, UTC)),
        path=_folder(home) / told["file"],
    )


def publish(con: duckdb.DuckDBPyConnection, home: Home, revision: int) -> Published:
    """Publish what is committed. Killed anywhere, readers still have the version before."""
    folder = _folder(home)
    folder.mkdir(exist_ok=True)
    version = f"{revision:08d}-{secrets.token_hex(4)}"
    path = folder / f"{version}.duckdb"
    con.execute("checkpoint")
    _copy(con, home.warehouse_dir / "live.duckdb", path)
    path.chmod(0o444)
    _sync(path)
    _sync(folder)
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
    files = sorted(_folder(home).glob("*.duckdb"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    spare = [file for file in files if now is None or file.name != now.path.name]
    for file in spare[kept - 1 :]:
        with contextlib.suppress(
            PermissionError, FileNotFoundError
        ):  # Windows: a reader has it open; next time
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


def _copy(con: duckdb.DuckDBPyConnection, live: Path, path: Path) -> None:
    """Copy by another process: if ours opened and closed the live file, the lock on it would be gone (POSIX)."""
    if cp := shutil.which("cp"):
        for flags in (["--reflink=auto"], []):
            copying = [cp, *flags, str(live), str(path)]
            if subprocess.run(copying, capture_output=True, check=False).returncode == 0:  # noqa: S603  # our own paths
                return
    path.unlink(missing_ok=True)
    con.execute(f"attach '{_quoted(path)}' as copied")
    con.execute("copy from database live to copied")
    con.execute("detach copied")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _link(home: Home, path: Path) -> None:
    """Let HOME/warehouse.duckdb open the newest version; a copy where links are not to be had (Windows)."""
    draft = home.root / f".{home.warehouse_link.name}.{secrets.token_hex(4)}"
    try:
        draft.symlink_to(path.relative_to(home.root))
    except OSError:
        shutil.copyfile(path, draft)
    draft.replace(home.warehouse_link)


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
