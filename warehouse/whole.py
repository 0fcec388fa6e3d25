"""The whole live database copied for readers, while appends go on."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse import publish
from warehouse.disk import Copying
from warehouse.home import Home

BETWEEN_CHECKPOINTS = "512MB"
"""What may wait beside the database: each checkpoint packs the newest rows again, so many of them cost a bulk load dear."""


@dataclass(frozen=True, slots=True)
class Base:
    """A whole version: how far it goes, and how many seconds it took to copy."""

    path: Path
    revision: int
    head: int
    seconds: float = 0.0

    @property
    def size(self) -> int:
        """In bytes; 0 where it is gone."""
        return self.path.stat().st_size if self.path.exists() else 0


class Copy:
    """A whole version on its way to readers. Killed anywhere, they still have the version before.

    Made and closed while nobody else uses the database; `run` may go on while somebody appends: between two checkpoints
    that goes to the file beside the database, and the database stays as it is.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, home: Home, revision: int, head: int) -> None:
        self._con, self._home, self._revision, self._head = con, home, revision, head
        self._copying = Copying()
        self.path = publish.new_file(home, revision)
        con.execute("checkpoint")
        con.execute("set checkpoint_threshold = '1TB'")
        if shutil.which("cp") is None:
            self._copy_inside()

    def run(self) -> Base:
        """Copy what the database was when this was made. CopyStopped when it was stopped."""
        began = time.monotonic()
        if not self.path.exists():
            self._copying.copy(self._home.warehouse_dir / "live.duckdb", self.path)
        publish.seal(self.path)
        return Base(self.path, self._revision, self._head, time.monotonic() - began)

    def link(self) -> None:
        """Let other tools open it."""
        publish.link(self._home, self.path, self._copying)

    def stop(self) -> None:
        """Let `run` or `link` end at once, in whatever thread."""
        self._copying.stop()

    def close(self) -> None:
        """Let the database tidy its files again."""
        self._con.execute(f"set checkpoint_threshold = '{BETWEEN_CHECKPOINTS}'")

    def _copy_inside(self) -> None:
        """Copy by the database itself, where the system has no `cp`."""
        self._con.execute(f"attach '{str(self.path).replace(chr(39), chr(39) * 2)}' as copied")
        self._con.execute("copy from database live to copied")
        self._con.execute("detach copied")
