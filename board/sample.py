"""A believable team at work: nine people in four zones and six weeks of their boards, ending now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from board.auth import Key
from board.store import Store
from board.tables import activity, boards


def counted(store: Store) -> str:
    """How much is on the board, as it is logged: `boards=… entries=…`."""
    with store.reading() as connection:
        number = connection.scalar(select(func.count()).select_from(boards))
        entries = connection.scalar(select(func.count()).select_from(activity))
    return f"boards={number} entries={entries}"


def fill_if_empty(store: Store, key: Key, now: datetime) -> None:
    """Fill a board that has nothing on it."""
