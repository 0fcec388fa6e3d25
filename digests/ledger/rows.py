"""Rows of the digests table and the nouns they become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row

from warehouse.model import Window

STATES = tuple("due rendered sending sent deferred refused skipped".split())
NOTHING: Mapping[str, Any] = {"events": 0, "shown": 0, "folded": 0, "excluded": {}}
"""The counts of a digest that was not made: an empty window, accounted for."""


@dataclass(frozen=True, slots=True)
class Digest:
    """One row of the ledger: a mail, or the receipt of why there was none. Its window is empty until it is made."""

    digest_id: int
    person_id: str
    window: Window
    slot_at: datetime
    state: str
    reason: str
    counts: Mapping[str, Any]
    recipient: str
    message_id: str | None
    attempts: int
    changed_at: datetime
    next_at: datetime | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to be sent now, held for the worker that took it."""

    digest_id: int
    person_id: str
    window: Window
    recipient: str
    message_id: str
    attempts: int
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Due:
    """A digest to be made now, held for the worker that took it."""

    digest_id: int
    person_id: str
    slot_at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a due digest: a message to send, or the reason (`why_not`) there is none.

    `view` is what the mail's own page shows.
    """

    digest_id: int
    person_id: str
    window: Window
    counts: Mapping[str, Any]
    recipient: str = ""
    message_id: str | None = None
    message: bytes | None = field(default=None, repr=False)
    why_not: str = ""
    view: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the carrier said to a digest: sent, deferred (try at `next_at`), refused.

    `suppress` is the address that is to get no more mail, if it is.
    """

    digest_id: int
    state: str
    reason: str = ""
    attempts: int = 0
    next_at: datetime | None = None
    suppress: str = ""


def digest_of(row: Row[Any]) -> Digest:
    """The noun a row stands for."""
    return Digest(
        row.digest_id,
        row.person_id,
        Window(row.after, row.upto),
        row.slot_at,
        row.state,
        row.reason,
        json.loads(row.counts),
        row.recipient,
        row.message_id,
        row.attempts,
        row.changed_at,
        row.next_at,
        row.held_until,
    )


def insert(con: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what happens on conflict, which each database has in its own dialect."""
    return postgresql.insert(table) if con.dialect.name == "postgresql" else sqlite.insert(table)
