"""What every source over HTTP is: a way in that any thread may close, and that is let go at the end."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import Self

from ingest.sources.wire import Wire


class Site:
    """A product somewhere, reached over its wires. Safe to use from several threads; use as a context manager."""

    name: str
    """What its events carry as `source`."""
    rest: timedelta
    """How long to rest between two looks where nothing rings."""

    def __init__(self, *wires: Wire) -> None:
        self._wires = wires

    def close(self) -> None:
        """Ask no more, from any thread; whoever waits for an answer gets SourceUnavailable at once."""
        for wire in self._wires:
            wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        for wire in self._wires:
            wire.release()
