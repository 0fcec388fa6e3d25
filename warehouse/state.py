"""Current state: each table is the query in `state/` of its name, kept up to date for what a batch touched."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import polars as pl

STATE = {
    "boards": ("board", "board_id"),
    "columns": ("column", "column_id"),
    "cards": ("card", "card_id"),
    "members": ("member", "member_id"),
    "comments": ("comment", "comment_id"),
    "checklist_items": ("checklist_item", "item_id"),
}
"""Table → the entity type it shows and the column that names the thing."""

TABLES = (*STATE, "board_members")


THING = "(source, entity_type, entity_id)"


@cache
def definition(name: str) -> str:
    """The SQL text that defines a state table."""
    return (Path(__file__).parent / "state" / f"{name}.sql").read_text()


def refresh(con: duckdb.DuckDBPyConnection, base: int) -> None:
    """Re-derive what events after `base` and the things in `resaid` (a temp table) touch. Inside the caller's transaction."""
    con.execute(f"create or replace temp table touched as {definition('_touched')}", {"base": base})
    con.execute(f"create or replace temp table touching as {definition('_touching')}", {"base": base})
    con.execute(
        f"create or replace temp table heard as {definition('_heard')} semi join touching using (event_offset)"
    )
    con.execute(f"create or replace temp table seen as from snapshots semi join touched using {THING}")
    con.execute(
        f"create or replace temp table known as from ({definition('_known')}) semi join touched using {THING}"
    )
    types = {row[0] for row in con.execute("select distinct entity_type from touched").fetchall()}
    for table, (entity_type, key) in STATE.items():
        if entity_type not in types:
            continue
        con.execute(_forget(table, entity_type, key))
        con.execute(f"insert into {table} {definition(table)}")
    con.execute(
        f"insert into board_members from ({definition('board_members')})"
        " anti join board_members using (source, board_id, member_id)"
    )


def replay(con: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Every state table derived from the whole log, to hold against the kept ones. Changes nothing but temp tables."""
    con.execute(f"create or replace temp table heard as {definition('_heard')}")
    con.execute("create or replace temp table seen as from snapshots")
    con.execute(f"create or replace temp table known as {definition('_known')}")
    return {table: con.execute(definition(table)).pl() for table in TABLES}


def _forget(table: str, entity_type: str, key: str) -> str:
    touched = f"select (source, entity_id) from touched where entity_type = '{entity_type}'"  # noqa: S608  # our names
    return f"delete from {table} where (source, {key}) in ({touched})"  # noqa: S608
