"""Rings: a webhook says "look at this board", and whoever follows it takes the ring and looks. Small files in the home."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from urllib.parse import quote

from warehouse.home import Home

_LONGEST_NAME = 150  # bytes; a file system may refuse a name much longer than this


def ring(home: Home, source: str, board_id: str) -> None:
    """Leave a ring for a board. Ringing again before anybody has looked changes nothing."""
    board_id = board_id.encode("utf-8", "replace").decode()
    folder = _folder(home, source)
    folder.mkdir(parents=True, exist_ok=True)
    name = quote(board_id, safe="")
    if len(name) > _LONGEST_NAME or name.startswith("."):
        name = "sha256-" + hashlib.sha256(board_id.encode()).hexdigest()
    written = folder / f".{os.getpid()}-{threading.get_ident()}"
    written.write_text(board_id, encoding="utf-8")
    written.replace(folder / name)  # whole or not there at all


def take_rings(home: Home, source: str) -> tuple[str, ...]:
    """The boards of a source that have rung, each once. Cheap where nothing rings: one look into a folder.

    Look at the boards after taking: what happens from then on rings again.
    """
    taken = []
    try:
        for path in sorted(_folder(home, source).glob("[!.]*")):
            taken.append(path.read_text(encoding="utf-8"))
            path.unlink()
    except FileNotFoundError:  # nobody has rung yet, or another follower takes them too
        pass
    return tuple(board_id for board_id in taken if board_id)


def _folder(home: Home, source: str) -> Path:
    return home.root / "rings" / quote(source, safe="")
