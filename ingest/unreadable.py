"""Keeps what a source said and nobody can read, for a person to look at: few, small files in the home."""

from __future__ import annotations

import hashlib
from pathlib import Path

from warehouse.home import Home

MOST_FILES = 200
MOST_BYTES = 1_000_000
"""Of one file: enough to see what it is."""


class FolderFull(Exception):
    """So much cannot be read that something is badly wrong; the disk is not for it."""


def keep_aside(home: Home, source: str, payload: bytes, *, most_files: int) -> Path:
    """Keep a payload, the same one once; where. Raises FolderFull, OSError."""
    folder = home.root / "unreadable"
    path = folder / f"{source}-{hashlib.sha256(payload).hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    if not path.exists():
        if sum(1 for _ in folder.iterdir()) >= most_files:
            raise FolderFull(f"{folder} is full: look there, then empty it")
        path.write_bytes(payload)
    return path


def set_aside(home: Home, source: str, payload: bytes) -> str:
    """Keep the beginning of an answer; the words that say where, or why not."""
    if not payload:
        return ""
    try:
        return f"; kept in {keep_aside(home, source, payload[:MOST_BYTES], most_files=MOST_FILES)}"
    except (FolderFull, OSError) as error:
        return f"; not kept: {error}"
