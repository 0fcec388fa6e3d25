"""Who works on a row, and until when: a worker that dies loses what it took after `LEASE`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, select, update

from digests.ledger import tables
from digests.ledger.transactions import reading, writing
from warehouse.home import Home

LEASE = timedelta(minutes=1)
"""How long a worker holds what it took without saying that it lives; then another may take it."""
_digest = tables.digests.c


def free(now: datetime) -> ColumnElement[bool]:
    """Held by nobody, or by somebody who has not been heard of for too long."""
    return or_(_digest.held_until.is_(None), _digest.held_until <= now)


def hold(con: Connection, digest_ids: Collection[int], worker: str, now: datetime, **values: object) -> None:
    """Take these rows, and set what else is said of them."""
    con.execute(
        update(tables.digests)
        .where(_digest.digest_id.in_(digest_ids))
        .values(held_by=worker, held_until=now + LEASE, **values)
    )


def give_back(home: Home, worker: str) -> None:
    """What the worker still holds, it has not begun: others may have it at once."""
    with writing(home) as con:
        mine = update(tables.digests).where(_digest.held_by == worker, tables.UNFINISHED)
        con.execute(mine.where(_digest.state == "sending").values(state="rendered"))
        con.execute(mine.values(held_by=None, held_until=None))


def renew(home: Home, worker: str, now: datetime) -> None:
    """The worker lives, and goes on with what it holds."""
    with writing(home) as con:
        mine = update(tables.digests).where(_digest.held_by == worker, tables.UNFINISHED)
        con.execute(mine.values(held_until=now + LEASE))


def others_at_work(home: Home, worker: str, now: datetime) -> bool:
    """Whether another worker holds something at this moment."""
    held = (
        select(_digest.digest_id)
        .where(_digest.held_by != worker, _digest.held_until > now, tables.UNFINISHED)
        .limit(1)
    )
    with reading(home) as con:
        return con.execute(held).first() is not None
