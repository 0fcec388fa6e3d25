"""From the outbox to the carriers: mails are held by the worker that sends them, and what was said of them is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, false, or_, select, update
from sqlalchemy.engine import Row

from digests.ledger import tables
from digests.ledger.leases import free, hold
from digests.ledger.readings import cursors_in
from digests.ledger.rows import Digest, Outcome, Outgoing, digest_of
from digests.ledger.suppressions import plain_address, suppress_in, suppressions_in
from digests.ledger.transactions import reading, writing
from warehouse.home import Home
from warehouse.model import Window

_digest = tables.digests.c


def take(home: Home, worker: str, now: datetime, *, limit: int) -> list[Outgoing]:
    """Hold up to `limit` mails for the worker: fresh ones, those whose next try has come, those a dead worker held.

    What was read on the page meanwhile, and what would go to a suppressed address, is not sent: the row says so. Whose
    next digest is due by now is told by that one, in one mail, unless the last may be on its way already.
    """
    next_is_due = select(_digest.person_id).where(_digest.state == "due", tables.UNFINISHED)
    waiting = (
        select(tables.digests)
        .where(
            _digest.state.in_(("rendered", "deferred", "sending")),
            tables.UNFINISHED,
            free(now),
            or_(_digest.next_at.is_(None), _digest.next_at <= now),
            or_(_digest.state == "sending", _digest.person_id.not_in(next_is_due)),
        )
        .order_by(_digest.next_at, _digest.digest_id)
    )
    with writing(home) as con:
        while rows := con.execute(waiting.limit(limit)).all():
            why_not = _why_not(con, rows)
            _skip(con, why_not, now)
            chosen = [row for row in rows if row.digest_id not in why_not]
            if chosen:
                hold(con, [row.digest_id for row in chosen], worker, now, state="sending", changed_at=now)
                messages = _messages(con, [row.digest_id for row in chosen])
                return [_outgoing(row, messages[row.digest_id]) for row in chosen]
    return []


def _why_not(con: Connection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    read = cursors_in(con, {row.person_id for row in rows})
    closed = suppressions_in(con)
    found = {}
    for row in rows:
        if row.person_id in read and read[row.person_id].window.upto >= row.upto:
            found[row.digest_id] = "read on the page meanwhile"
        elif stopped := closed.get(plain_address(row.recipient)):
            found[row.digest_id] = f"the address is suppressed: {stopped.reason}"
    return found


def _skip(con: Connection, why_not: Mapping[int, str], now: datetime) -> None:
    if why_not:
        con.execute(
            update(tables.digests)
            .where(_digest.digest_id == bindparam("id"))
            .values(state="skipped", changed_at=now, held_by=None, held_until=None),
            [{"id": digest_id, "reason": reason} for digest_id, reason in why_not.items()],
        )


def _messages(con: Connection, digest_ids: Collection[int]) -> dict[int, bytes]:
    query = select(tables.messages).where(tables.messages.c.digest_id.in_(digest_ids))
    return {row.digest_id: bytes(row.message) for row in con.execute(query)}


def _outgoing(row: Row[Any], message: bytes) -> Outgoing:
    window = Window(row.after, row.upto)
    return Outgoing(
        row.digest_id, row.person_id, window, row.recipient, row.message_id, row.attempts, message
    )


def settle(home: Home, worker: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Keep what became of mails, all in one transaction.

    That a mail was sent is a fact, whoever holds it by now; what else was said counts from its holder only.
    """
    with writing(home) as con:
        for sent in (True, False):
            values = [_values(each) for each in outcomes if (each.state == "sent") is sent]
            holder = _digest.state != "skipped" if sent else _digest.held_by == worker
            row = update(tables.digests).where(_digest.digest_id == bindparam("id"), holder)
            if values:
                con.execute(row.values(changed_at=now, held_by=None, held_until=None), values)
        suppress_in(con, {each.suppress: each.reason for each in outcomes if each.suppress}, now)


def _values(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.digest_id,
        "state": outcome.state,
        "reason": outcome.reason,
        "attempts": outcome.attempts,
        "next_at": outcome.next_at,
    }


def came_back(
    home: Home, names: Sequence[str], reason: str, *, suppress: bool, now: datetime
) -> Digest | None:
    """A mail that was sent could not be delivered after all: it counts as refused, so the next one covers its window.

    `names` are Message-IDs, or what stands before their @, that it may have; None where none is that of a sent mail.
    """
    named = [
        _digest.message_id == name
        if name.startswith("<")
        else _digest.message_id.startswith(f"<{name}@", autoescape=True)
        for name in names
        if name
    ]
    with writing(home) as con:
        row = con.execute(select(tables.digests).where(_digest.state == "sent", or_(false(), *named))).first()
        if row is None:
            return None
        con.execute(
            update(tables.digests)
            .where(_digest.digest_id == row.digest_id)
            .values(state="refused", reason=reason, changed_at=now)
        )
        if suppress:
            suppress_in(con, {row.recipient: reason}, now)
        return digest_of(row)


def forget_messages(home: Home, before: datetime) -> None:
    """Drop what is kept of digests that were done with before then, their messages and what their pages show.

    A thousand of each at most; the rows of the digests stay.
    """
    for kept in (tables.messages, tables.views):
        _forget(home, kept, before)


def _forget(home: Home, kept: Table, before: datetime) -> None:
    oldest = select(kept.c.digest_id).order_by(kept.c.digest_id)
    done = select(_digest.digest_id).where(
        _digest.state.in_(("sent", "refused", "skipped")), _digest.changed_at < before
    )
    with reading(home) as con:
        if con.execute(done.where(_digest.digest_id == oldest.limit(1).scalar_subquery())).first() is None:
            return
    with writing(home) as con:
        gone = con.execute(done.where(_digest.digest_id.in_(oldest.limit(1000)))).scalars().all()
        con.execute(delete(kept).where(kept.c.digest_id.in_(gone)))
