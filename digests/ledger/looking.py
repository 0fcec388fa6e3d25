"""The ledger as others see it: digests and receipts, and the messages that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, union

from digests.ledger import tables
from digests.ledger.rows import Digest, digest_of
from digests.ledger.transactions import reading
from warehouse.home import Home
from warehouse.model import Window


def digests(home: Home, person_id: str | None = None, *, states: Sequence[str] = ()) -> list[Digest]:
    """Digests and receipts, oldest first."""
    query = select(tables.digests).order_by(tables.digests.c.digest_id)
    if person_id is not None:
        query = query.where(tables.digests.c.person_id == person_id)
    if states:
        query = query.where(tables.digests.c.state.in_(states))
    with reading(home) as con:
        return [digest_of(row) for row in con.execute(query)]


def latest(home: Home, *, states: Sequence[str]) -> dict[str, Digest]:
    """The digest of each person's newest slot in one of these states, by person_id."""
    known = union(select(tables.people.c.person_id), select(tables.person_ids.c.person_id)).subquery()
    newest = (
        select(tables.digests.c.digest_id)
        .where(tables.digests.c.person_id == known.c.person_id, tables.digests.c.state.in_(states))
        .order_by(tables.digests.c.slot_at.desc())
        .limit(1)
        .correlate(known)
        .scalar_subquery()
    )
    query = select(tables.digests).join_from(known, tables.digests, tables.digests.c.digest_id == newest)
    with reading(home) as con:
        return {row.person_id: digest_of(row) for row in con.execute(query)}


def answer(home: Home, person_id: str, slot_at: datetime) -> Digest | None:
    """What became of that slot so far."""
    query = select(tables.digests).where(
        tables.digests.c.person_id == person_id, tables.digests.c.slot_at == slot_at
    )
    with reading(home) as con:
        row = con.execute(query).first()
        return digest_of(row) if row else None


def view(home: Home, person_id: str, window: Window) -> bytes | None:
    """What the person's newest mail about that window told; None where none was kept."""
    query = (
        select(tables.views.c.view)
        .join(tables.digests, tables.digests.c.digest_id == tables.views.c.digest_id)
        .where(
            tables.digests.c.person_id == person_id,
            tables.digests.c.after == window.after,
            tables.digests.c.upto == window.upto,
        )
        .order_by(tables.digests.c.digest_id.desc())
    )
    with reading(home) as con:
        return con.execute(query).scalar()


def message(home: Home, digest_id: int) -> bytes | None:
    """The mail as it was kept; None where there is none."""
    query = select(tables.messages.c.message).where(tables.messages.c.digest_id == digest_id)
    with reading(home) as con:
        return con.execute(query).scalar()
