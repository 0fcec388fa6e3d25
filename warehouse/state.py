"""Current state: each table is the query in `state/` of its name, derived again for the things that new events touch.

Appending does not wait for it: what is appended is taken in before anybody reads, see `Log.publish`. Both go on at the same
time, each in a transaction of its own: appends write the log and what sources showed, this writes state and `derived`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from warehouse.model import EntityType
from warehouse.transactions import transaction

STATE: dict[str, tuple[EntityType, str]] = {
    "boards": ("board", "board_id"),
    "columns": ("column", "column_id"),
    "cards": ("card", "card_id"),
    "members": ("member", "member_id"),
    "comments": ("comment", "comment_id"),
    "checklist_items": ("checklist_item", "item_id"),
}
"""Table → the entity type it shows and the column that names the thing."""

TABLES = (*STATE, "board_members")

SLICE = 10_000
"""Things derived in one go: what bounds the memory of it, however much is new."""


@cache
def definition(name: str) -> str:
    """The SQL text that defines a state table, or a step on the way to it."""
    return (Path(__file__).parent / "state" / f"{name}.sql").read_text()


def derive(con: duckdb.DuckDBPyConnection, *, at_once: int = SLICE) -> bool:
    """Take in what was appended before now, in a transaction of its own; see `take_in`."""
    with transaction(con):
        return take_in(con, at_once=at_once)


def take_in(con: duckdb.DuckDBPyConnection, *, at_once: int = SLICE) -> bool:
    """Bring state up to what the transaction of `con` sees of the log; says whether there was anything to do.

    What is appended meanwhile, on another connection, is left to the next time. `at_once` is how many things are derived
    in one go.
    """
    base = _due(con)
    if base is None:
        return False
    slices, since = _gather(con, base, at_once)
    for number in range(slices):
        _hear(con, number, since)
        types = {row[0] for row in con.execute("select distinct entity_type from touched").fetchall()}
        for table, (entity_type, key) in STATE.items():
            if entity_type in types:
                _forget(con, table, entity_type, key)
                con.execute(f"insert into {table} {definition(table)}")
        con.execute(
            f"insert into board_members from ({definition('board_members')})"
            " anti join board_members using (source, board_id, member_id)"
        )
    con.execute("delete from resaid")
    con.execute("update derived set upto = (select head from progress)")
    return True


def replay(con: duckdb.DuckDBPyConnection, *, at_once: int = SLICE) -> dict[str, pl.DataFrame]:
    """Every state table derived from the whole log, to hold against the kept ones. Changes nothing but temp tables."""
    con.execute("create or replace temp table resaid as select source, entity_type, entity_id from snapshots")
    found: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
    slices, since = _gather(con, 0, at_once)
    for number in range(slices):
        _hear(con, number, since)
        for table, parts in found.items():
            parts.append(con.execute(definition(table)).pl())
    con.execute("drop table temp.resaid")
    return {
        table: pl.concat(parts).unique() if table == "board_members" else pl.concat(parts)
        for table, parts in found.items()
    }


def is_due(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the log or a snapshot says what state has not taken in."""
    return _due(con) is not None


def _due(con: duckdb.DuckDBPyConnection) -> int | None:
    """The offset after which state must be derived, None where it is what the log and the snapshots say."""
    ((derived, head, resaid),) = con.execute(
        "select upto, head, exists(from resaid) from derived, progress"
    ).fetchall()
    return int(derived) if derived < head or resaid else None


def _gather(con: duckdb.DuckDBPyConnection, base: int, at_once: int) -> tuple[int, int]:
    """Find what events after `base` and the things in `resaid` touch; in how many slices to derive it, from which offset."""
    con.execute(f"create or replace temp table named as {definition('_named')}", {"base": base})
    con.execute(f"create or replace temp table all_touched as {definition('_touched')}", {"base": base})
    ((count,),) = con.execute("select count(*) from all_touched").fetchall()
    slices = 1 + int(count) // at_once
    con.execute("alter table all_touched add column slice int default 0")
    if slices > 1:
        con.execute("update all_touched set slice = hash(entity_id) % $slices", {"slices": slices})
    ((since,),) = con.execute(definition("_since"), {"base": base}).fetchall() if base else ((0,),)
    return slices, int(since)


def _hear(con: duckdb.DuckDBPyConnection, number: int, since: int) -> None:
    """Make `touched`, `heard`, `seen` and `known` those of one slice, of which the log speaks from `since` on."""
    con.execute(
        "create or replace temp table touched as from all_touched select source, entity_type, entity_id where slice = $number",
        {"number": number},
    )
    con.execute(f"create or replace temp table touching as {definition('_touching')}", {"since": since})
    for step in ("heard", "seen", "known"):
        con.execute(f"create or replace temp table {step} as {definition('_' + step)}")


def _forget(con: duckdb.DuckDBPyConnection, table: str, entity_type: str, key: str) -> None:
    con.execute(
        f"delete from {table} using touched where touched.entity_type = '{entity_type}'"  # noqa: S608  # our names
        f" and {table}.source = touched.source and {table}.{key} = touched.entity_id"
    )
