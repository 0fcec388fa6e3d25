"""Numbered steps from a ledger of an earlier version to the tables as they are now. Forward only, all or none."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, select

from digests.ledger import tables


class LedgerNewer(Exception):
    """A newer Daybreak has written the ledger: upgrade, or use another home."""


def _outbox(con: Connection) -> None:
    """Digests are planned before they are made, held by the worker that makes or sends them; messages lie apart."""
    instant = "timestamp with time zone" if con.dialect.name == "postgresql" else "datetime"
    for column in (f"next_at {instant}", "held_by varchar", f"held_until {instant}"):
        con.exec_driver_sql(f"alter table digests add column {column}")
    con.exec_driver_sql("drop index one_digest_a_window")
    for index in tables.digests.indexes:
        index.create(con, checkfirst=True)
    tables.messages.create(con)
    con.exec_driver_sql(
        "insert into messages select digest_id, message from digests where message is not null"
    )
    con.exec_driver_sql("alter table digests drop column message")
    tables.suppressions.create(con)


def _visits(con: Connection) -> None:
    """When each person was last here, and quickly: how many digests they got since."""
    tables.visits.create(con)
    con.exec_driver_sql("insert into visits select person_id, max(read_at) from readings group by person_id")
    for index in tables.digests.indexes:
        index.create(con, checkfirst=True)


def _views(con: Connection) -> None:
    """What each mail told is kept in full, for the mail's own page."""
    tables.views.create(con)


def _furthest(con: Connection) -> None:
    """How far somebody has read and was told is found without looking through all they were told."""
    for table in (tables.digests, tables.readings):
        for index in table.indexes:
            index.create(con, checkfirst=True)


FIRST = 1
"""The number of the ledger that kept none: people, person_ids, readings and digests alone."""
STEPS: dict[int, Callable[[Connection], None]] = {2: _outbox, 3: _visits, 4: _views, 5: _furthest}
NEWEST = max(STEPS)


def migrate(con: Connection, name: str) -> None:
    """Bring the ledger called `name` to the newest number, in the transaction of `con`. Raises LedgerNewer."""
    found = number(con)
    if found > NEWEST:
        raise LedgerNewer(
            f"{name} was written by a newer Daybreak (ledger {found}, this one knows {NEWEST}).\n"
            f"Upgrade Daybreak, or use another home (--home)."
        )
    if found == 0:
        tables.meta.create_all(con)
    elif found == FIRST:
        tables.schema_migrations.create(con)
    for each in range(found + 1, NEWEST + 1):
        if found:
            STEPS[each](con)
        step = {"number": each, "name": STEPS[each].__name__.strip("_") if each in STEPS else "first"}
        con.execute(tables.schema_migrations.insert().values(step))


def number(con: Connection) -> int:
    """The last step the ledger has seen; 0 where there is none yet."""
    names = set(inspect(con).get_table_names())
    if tables.schema_migrations.name in names:
        numbers = con.execute(select(tables.schema_migrations.c.number))
        return max(numbers.scalars(), default=FIRST)
    return FIRST if tables.digests.name in names else 0
