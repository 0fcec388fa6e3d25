"""Who may write: one process at a time, and a waiting one gets its turn."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout


class WarehouseBusy(Exception):
    """Another process is writing the warehouse; again in a moment."""


class Turns:
    """Two locks: a newcomer holds `turn` while it waits, the one at work holds `writer`.

    The one at work sees the turn taken, gives way, and then queues like anybody else: nobody starves.
    """

    def __init__(self, folder: Path) -> None:
        self._turn = FileLock(folder / "turn.lock", thread_local=False)
        self._writer = FileLock(folder / "writer.lock", thread_local=False)
        self._holder = folder / "writer.pid"

    def take(self, wait: timedelta) -> None:
        """Become the writer, waiting at most `wait`; WarehouseBusy after that."""
        deadline = time.monotonic() + wait.total_seconds()
        try:
            with self._turn.acquire(timeout=wait.total_seconds(), poll_interval=0.01):
                self._writer.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=0.01)
        except Timeout:
            raise WarehouseBusy(self._refusal(wait)) from None
        self._holder.write_text(f"{os.getpid()}\n")

    def release(self) -> None:
        """Stop being the writer; nothing if we are not."""
        if not self._writer.is_locked:
            return
        self._holder.unlink(missing_ok=True)
        self._writer.release()

    def awaited(self) -> bool:
        """Whether somebody waits for us to finish. Does not block."""
        try:
            with self._turn.acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _refusal(self, wait: timedelta) -> str:
        try:
            holder = f"process {int(self._holder.read_text())}"
        except (OSError, ValueError):
            holder = "another process"
        return (
            f"{holder} is writing the warehouse in {self._holder.parent} (waited {wait.total_seconds():g} s).\n"
            f"Try again when it has finished, or stop it; `daybreak up` gives way by itself."
        )
