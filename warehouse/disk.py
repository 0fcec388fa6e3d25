"""Files that are whole or not there, whenever the power goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put a file in the place of the one before; whoever looks sees the one or the other."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    sync(draft)
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class CopyStopped(Exception):
    """The copy was stopped before it was whole."""


class Copying:
    """Copies files with the system's `cp`, one after the other, sharing blocks where the disk can; can be stopped.

    By another process: if ours opened and closed a database it writes, the lock on it would be gone (POSIX).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def copy(self, source: Path, target: Path) -> None:
        """CopyStopped when it was stopped, OSError when it cannot be done; then nothing is left of it."""
        try:
            self._copy(source, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def stop(self) -> None:
        """End the copy under way, and let none begin any more."""
        with self._lock:
            self._stopped = True
            if self._process:
                self._process.kill()

    def _copy(self, source: Path, target: Path) -> None:
        cp = shutil.which("cp")
        if cp is None:
            shutil.copyfile(source, target)
            return
        for flags in (["--reflink=auto"], []):
            code, words = self._run([cp, *flags, str(source), str(target)])
            if code == 0:
                return
        raise OSError(words)

    def _run(self, command: list[str]) -> tuple[int, str]:
        with self._lock:
            if self._stopped:
                raise CopyStopped
            self._process = subprocess.Popen(command, stderr=subprocess.PIPE)  # noqa: S603  # our own paths
        _, words = self._process.communicate()
        if self._stopped:
            raise CopyStopped
        return self._process.returncode, words.decode(errors="replace").strip()
