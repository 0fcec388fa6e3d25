"""From a slot that has come to a message in the outbox: rows are planned, held by the worker that makes them, kept whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, delete, literal, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from digests.ledger import tables
from digests.ledger.leases import free, hold
from digests.ledger.readings import cursors_in
from digests.ledger.rows import NOTHING, Due, Made, insert
from digests.ledger.transactions import reading, writing
from warehouse.home import Home

_digest = tables.digests.c


def plan(home: Home, slots: Sequence[tuple[str, datetime]], now: datetime) -> int:
    """Note that these slots (person_id, instant) have come; how many are new. A later slot takes an unmade one's place."""
    known = _answered(home, slots)
    new = [slot for slot in dict.fromkeys(slots) if slot not in known]
    if new:
        with writing(home) as con:
            rows = [_due_row(person_id, slot_at, now) for person_id, slot_at in new]
            con.execute(insert(con, tables.digests).on_conflict_do_nothing(), rows)
            _overtaken(con, now)
    return len(new)


def _answered(home: Home, slots: Sequence[tuple[str, datetime]]) -> set[tuple[str, datetime]]:
    if not slots:
        return set()
    since = min(slot_at for _, slot_at in slots)
    asked = _digest.person_id.in_({person_id for person_id, _ in slots})
    with reading(home) as con:
        rows = con.execute(select(_digest.person_id, _digest.slot_at).where(asked, _digest.slot_at >= since))
        return {(row.person_id, row.slot_at) for row in rows}


def _overtaken(con: Connection, now: datetime) -> None:
    """Of several slots of one person that wait to be made, the last tells it all."""
    due = select(_digest.digest_id, _digest.person_id).where(_digest.state == "due", tables.UNFINISHED)
    rows = con.execute(due.order_by(_digest.slot_at)).all()
    last = {row.person_id: row.digest_id for row in rows}
    overtaken = [row.digest_id for row in rows if row.digest_id != last[row.person_id]]
    if overtaken:
        skipped = {"state": "skipped", "reason": "covered by a later slot", "changed_at": now}
        con.execute(update(tables.digests).where(_digest.digest_id.in_(overtaken)).values(skipped))


def _due_row(person_id: str, slot_at: datetime, now: datetime) -> dict[str, object]:
    return {
        "person_id": person_id,
        "after": 0,
        "upto": 0,
        "slot_at": slot_at,
        "state": "due",
        "counts": json.dumps(NOTHING),
        "created_at": now,
        "changed_at": now,
    }


def take_due(home: Home, worker: str, now: datetime, *, limit: int) -> list[Due]:
    """Hold up to `limit` due digests for the worker, the longest due first.

    Whose earlier mail is on its way waits: where the next window begins is known when that mail's fate is.
    """
    ready = (
        select(_digest.digest_id, _digest.person_id, _digest.slot_at)
        .where(
            _digest.state == "due", tables.UNFINISHED, free(now), _digest.person_id.not_in(_on_their_way())
        )
        .order_by(_digest.slot_at, _digest.digest_id)
        .limit(limit)
    )
    with writing(home) as con:
        taken = [Due(row.digest_id, row.person_id, row.slot_at) for row in con.execute(ready)]
        hold(con, [due.digest_id for due in taken], worker, now)
        return taken


def keep(home: Home, worker: str, made: Sequence[Made], now: datetime) -> list[Made]:
    """Keep what became of due digests, rows and messages in one transaction; those that were kept.

    Not kept is what the worker no longer holds, and a mail whose window no longer begins where its person stands:
    they read on meanwhile, or another mail to them is on its way. It is due again when the worker gives it back.
    """
    try:
        with writing(home) as con:
            kept = _still_right(con, worker, made)
            mails = [each for each in kept if not each.why_not]
            if mails:
                _make_room(con, mails, now)
            if kept:
                row = update(tables.digests).where(_digest.digest_id == bindparam("id"))
                con.execute(row, [_values(each, now) for each in kept])
            if mails:
                rows = [{"digest_id": each.digest_id, "message": each.message} for each in mails]
                con.execute(tables.messages.insert(), rows)
            views = [{"digest_id": each.digest_id, "view": each.view} for each in mails if each.view]
            if views:
                con.execute(tables.views.insert(), views)
            return kept
    except IntegrityError:  # two slots of one person made at once: each is due again, alone
        return []


def make_again(home: Home, addresses: Mapping[str, str | None], now: datetime) -> None:
    """What lies in the outbox for an address that its person no longer has is due anew, and made for the right one.

    How often the old one was tried says nothing about the new.
    """
    lying = select(_digest.digest_id, _digest.person_id, _digest.recipient).where(
        _digest.state.in_(("rendered", "deferred")), tables.UNFINISHED, free(now)
    )
    with writing(home) as con:
        wrong = [row.digest_id for row in con.execute(lying) if addresses.get(row.person_id) != row.recipient]
        unmade = {
            "state": "due", "reason": "", "after": 0, "upto": 0, "counts": json.dumps(NOTHING),
            "attempts": 0, "changed_at": now,
        }  # fmt: skip
        con.execute(update(tables.digests).where(_digest.digest_id.in_(wrong)).values(unmade))
        for kept in (tables.messages, tables.views):
            con.execute(delete(kept).where(kept.c.digest_id.in_(wrong)))


def withhold(home: Home, person_id: str, reason: str, now: datetime) -> None:
    """What lies in the outbox for the person, or is to be made for them, is not sent; what is on its way arrives."""
    with writing(home) as con:
        lying = _digest.state.in_(("due", "rendered", "deferred"))
        row = update(tables.digests).where(_digest.person_id == person_id, lying)
        con.execute(row.values(state="skipped", reason=reason, changed_at=now, held_by=None, held_until=None))


def _still_right(con: Connection, worker: str, made: Sequence[Made]) -> list[Made]:
    ids, people = [each.digest_id for each in made], {each.person_id for each in made}
    held = select(_digest.digest_id).where(
        _digest.digest_id.in_(ids), _digest.state == "due", _digest.held_by == worker
    )
    ours = set(con.execute(held).scalars())
    stands = {person_id: read.window.upto for person_id, read in cursors_in(con, people).items()}
    return [
        each
        for each in made
        if each.digest_id in ours and (each.why_not or each.window.after == stands.get(each.person_id, 0))
    ]


def _make_room(con: Connection, mails: Sequence[Made], now: datetime) -> None:
    """What lies in the outbox still, and what was given up for the same window, is told by the new mail."""
    people, windows = (
        {each.person_id for each in mails},
        [(each.person_id, each.window.upto) for each in mails],
    )
    lying = select(_digest.digest_id).where(
        _digest.state.in_(("rendered", "deferred")), tables.UNFINISHED, _digest.person_id.in_(people)
    )
    given_up = select(_digest.digest_id).where(
        _digest.state == "refused", tables.TELLING, tuple_(_digest.person_id, _digest.upto).in_(windows)
    )
    covered = [*con.execute(lying).scalars(), *con.execute(given_up).scalars()]
    if covered:
        reason = literal("covered by the next digest (") + _digest.reason + literal(")")
        skipped = {"state": "skipped", "reason": reason, "changed_at": now}
        con.execute(update(tables.digests).where(_digest.digest_id.in_(covered)).values(skipped))


def _on_their_way() -> Select[str]:
    return select(_digest.person_id).where(_digest.state == "sending", tables.UNFINISHED)


def _values(each: Made, now: datetime) -> dict[str, object]:
    return {
        "id": each.digest_id,
        "after": each.window.after,
        "upto": each.window.upto,
        "counts": json.dumps(each.counts),
        "recipient": each.recipient,
        "message_id": each.message_id,
        "state": "skipped" if each.why_not else "rendered",
        "reason": each.why_not,
        "changed_at": now,
        "next_at": now,
        "held_by": None,
        "held_until": None,
    }
