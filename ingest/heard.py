"""Takes what webhooks tell into the log: one append for all that wait, and nobody is answered before it is committed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from ingest.keep import merged
from warehouse.home import Home
from warehouse.log import Log, WarehouseBusy
from warehouse.model import Appended, Batch

PATIENCE = timedelta(seconds=6)
"""How long the file is waited for: senders give up after about ten seconds."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What one delivery tells, and who waits for it to be kept."""

    batch: Batch
    kept: Future[Appended] = field(default_factory=Future)


class Taker:
    """A thread that appends what deliveries tell, taking the writer's turn for each handful. Use as a context manager."""

    def __init__(self, home: Home, *, say: Callable[[str], None], patience: timedelta = PATIENCE) -> None:
        self._home, self._say, self._patience = home, say, patience
        self._inbox: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hooks to log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.put(None)
        self._thread.join()

    def take(self, batch: Batch) -> Future[Appended]:
        """Ask for a batch to be kept; the future holds what became of it once it is, or why it is not.

        WarehouseBusy: again in a moment; WarehouseBroken: a person must look.
        """
        waiting = _Waiting(batch)
        self._inbox.put(waiting)
        return waiting.kept

    def _run(self) -> None:
        while (first := self._inbox.get()) is not None:
            if not self._write(first):
                return

    def _write(self, first: _Waiting) -> bool:
        """Keep a delivery and all that came meanwhile; whether there is more to come."""
        handful = [first]
        try:
            with Log.open(self._home, wait=self._patience) as log:
                is_open = self._gather(handful)
                self._append(log, handful)
                self._publish(log)
        except Exception as error:  # noqa: BLE001 - each of those who wait is told, and says it where somebody sees it
            is_open = self._gather(handful)
            for waiting in handful:
                if not waiting.kept.done():
                    waiting.kept.set_exception(error)
        return is_open

    def _publish(self, log: Log) -> None:
        """Let readers see it; what is committed is answered for already, so a failure is only said."""
        try:
            log.publish()
        except Exception as error:  # noqa: BLE001 - the next publish brings it along
            self._say(f"hooks committed but not published: {error}")

    def _gather(self, handful: list[_Waiting]) -> bool:
        """Add what waits; False when the end is among it."""
        while True:
            try:
                waiting = self._inbox.get_nowait()
            except queue.Empty:
                return True
            if waiting is None:
                return False
            handful.append(waiting)

    def _append(self, log: Log, handful: list[_Waiting]) -> None:
        """All in one commit; where that fails each by itself, so that one that cannot be kept takes no other along."""
        try:
            appended = log.append(merged(waiting.batch for waiting in handful))
        except WarehouseBusy:
            raise
        except Exception:
            if len(handful) == 1:
                raise
            for waiting in handful:
                _settle(waiting, log)
        else:
            for waiting in handful:
                waiting.kept.set_result(appended)


def _settle(waiting: _Waiting, log: Log) -> None:
    try:
        waiting.kept.set_result(log.append(waiting.batch))
    except Exception as error:  # noqa: BLE001 - it is for the one who waits
        waiting.kept.set_exception(error)
