"""What an error of the database means to whoever meets it: a damaged file asks for something else than a full disk."""

from __future__ import annotations

RESTORE = "Run `daybreak restore`: it keeps the damaged file and goes on from what can be read."

_SIGNS = (
    "Corrupt database file",
    "Could not read enough bytes",
    "not a valid DuckDB database file",
    "database has been invalidated",
    "Failed to deserialize",
    "replaying WAL",
)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is damaged: trying again will not help."""
    return any(sign in str(error) for sign in _SIGNS)
