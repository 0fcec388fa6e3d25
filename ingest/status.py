"""How the reading goes, board by board, as a small file in the home: for `doctor`, pages and anybody's script."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ingest.keep import Summary
from warehouse.home import Home

_EVERY = 2.0  # seconds between writes of what is new
_ALIVE = 15.0  # seconds after which it is written although nothing is


@dataclass(slots=True)
class BoardStatus:
    """How one board is read. Instants are ISO 8601, empty where it has not happened."""

    title: str = ""
    level: str = ""
    told_at: str = ""
    events: int = 0
    unknown: int = 0
    trouble: str = ""
    reconciled_at: str = ""
    drift: int = 0


@dataclass(slots=True)
class SourceStatus:
    """How one source is read; `trouble` says why not at all."""

    listed_at: str = ""
    trouble: str = ""
    boards: dict[str, BoardStatus] = field(default_factory=dict)


class Status:
    """Gathers what is said of sources and boards; `write` puts it into `ingest.json` when something is new."""

    def __init__(self, home: Home) -> None:
        self._path = home.root / "ingest.json"
        self._sources: dict[str, SourceStatus] = {}
        self._written, self._written_at = "", 0.0

    def boards(self, source: str, titles: Mapping[str, str], now: datetime) -> None:
        """The boards there are."""
        status = self._source(source)
        status.listed_at = now.isoformat()
        status.boards = {board_id: self._board(source, board_id) for board_id in titles}
        for board_id, title in titles.items():
            status.boards[board_id].title = title

    def read(self, summary: Summary, now: datetime) -> None:
        """A board told something."""
        board = self._board(summary.source, summary.board)
        board.level, board.told_at = summary.level or "", now.isoformat()
        board.events, board.unknown = board.events + summary.new, board.unknown + summary.unknown

    def reconciled(self, source: str, board_id: str, drift: int, now: datetime) -> None:
        """A board was held against the log."""
        board = self._board(source, board_id)
        board.reconciled_at, board.drift = now.isoformat(), board.drift + drift

    def troubles(self, source: str, troubles: Mapping[str, str]) -> None:
        """What is wrong at the moment, by board; "" is the source itself."""
        status = self._source(source)
        status.trouble = troubles.get("", "")
        for board_id, board in status.boards.items():
            board.trouble = troubles.get(board_id, "")

    def left(self, source: str, words: str) -> None:
        """A source is not read any more."""
        self._source(source).trouble = words

    def write(self, now: datetime, *, at_once: bool = False) -> None:
        """Write what is new, not more often than every other second. A disk that is full is somebody else's news."""
        age = time.monotonic() - self._written_at
        if not at_once and age < _EVERY:
            return
        told = {name: asdict(status) for name, status in self._sources.items()}
        text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True)
        if text == self._written and age < _ALIVE and not at_once:
            return
        self._written, self._written_at = text, time.monotonic()
        text = json.dumps({"written_at": now.isoformat(), "sources": told}, ensure_ascii=False, indent=1)
        with suppress(OSError):
            draft = self._path.with_suffix(".draft")
            draft.write_text(text, encoding="utf-8", errors="replace")
            draft.replace(self._path)

    def _source(self, name: str) -> SourceStatus:
        return self._sources.setdefault(name, SourceStatus())

    def _board(self, source: str, board_id: str) -> BoardStatus:
        return self._source(source).boards.setdefault(board_id, BoardStatus())


def read_status(home: Home) -> dict[str, Any]:
    """`written_at`, and what was written of each of the `sources`; empty where nobody has followed yet."""
    try:
        told = json.loads((home.root / "ingest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
