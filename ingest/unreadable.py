"""Keeps what a source said and nobody can read, for a person to look at: few, small files in the home."""

from __future__ import annotations

import hashlib

from warehouse.home import Home

MOST_FILES = 200
MOST_BYTES = 1_000_000
"""Of one file: enough to see what it is."""


def set_aside(home: Home, source: str, payload: bytes) -> str:
    """Keep the beginning of a payload; the words that say where, or why not. The same payload is kept once."""
    if not payload:
        return ""
    folder = home.root / "unreadable"
    path = folder / f"{source}-{hashlib.sha256(payload).hexdigest()[:16]}"
    try:
        folder.mkdir(exist_ok=True)
        if not path.exists():
            if sum(1 for _ in folder.iterdir()) >= MOST_FILES:
                return f"; not kept, {folder} is full: look there, then empty it"
            path.write_bytes(payload[:MOST_BYTES])
    except OSError as error:
        return f"; it could not be kept in {folder} ({error.strerror})"
    return f"; kept in {path}"
