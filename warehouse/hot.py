"""What is new since a whole version, in a small file that leans on it: its views show both as one warehouse.

Of the log it holds what came later, of each thing that was derived again all that is known now, of small tables everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

from warehouse.migrations import migrate
from warehouse.state import STATE
from warehouse.transactions import transaction
from warehouse.whole import Base

News = Mapping[str, pa.Table]
"""Table → its rows that the base lacks or has otherwise; `changed` are the things whose rows in the base hold no more."""

_THINGS: Mapping[str, tuple[str, str]] = {**STATE, "board_members": ("member", "member_id")}
_GROWING = ("events", "snapshots", *_THINGS)
"""Tables of which the base's rows are not copied; the others are small, and go into each version whole."""

TAIL = 8_192
"""The base's newest events, this many or up to twice as many, are looked at before the others."""

_CHANGED = "create table hot.changed (source varchar, entity_type varchar, entity_id varchar)"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.3.0",
    "default_block_size": 16384,  # few rows in many columns
}


def count(con: duckdb.DuckDBPyConnection, base: Base) -> int:
    """How many events and things `news` would hold."""
    changed = "select count(distinct (source, entity_type, entity_id)) from changed where since > $revision"
    sql = f"select head - $head + ({changed}) from progress"  # noqa: S608  # our own words
    ((rows,),) = con.execute(sql, {"head": base.head, "revision": base.revision}).fetchall()
    return int(rows)


def news(con: duckdb.DuckDBPyConnection, base: Base) -> News:
    """What the live database has and `base` has not, as the transaction of `con` sees it; state must be up to the log.

    `con` has a table `changed`: what was derived (source, entity_type, entity_id), and at which revision (since).
    """
    con.execute(
        "create or replace temp table newer as"
        " select distinct source, entity_type, entity_id from changed where since > $revision",
        {"revision": base.revision},
    )
    found = {"changed": con.execute("from newer").to_arrow_table()}
    for table in _tables(con):
        if table == "events":
            rows = con.execute("from events where event_offset > $head", {"head": base.head})
        elif table in _GROWING:
            keys, things = _changed(table, "newer")
            rows = con.execute(f"from {table} semi join ({things}) using ({', '.join(keys)})")
        else:
            rows = con.execute(f"from {table}")
        found[table] = rows.to_arrow_table()
    return found


def write(found: News, base: Base, path: Path) -> None:
    """Make the file at `path`. Until it is sealed and the pointer names it, nobody knows of it."""
    path.write_bytes(_empty(max(0, base.head // TAIL - 1) * TAIL))
    with duckdb.connect(str(path)) as con, transaction(con):
        for table, rows in found.items():
            if len(rows):
                con.register("told", rows)
                con.execute(f"insert into {_place(table)} from told")
                con.unregister("told")


@lru_cache(maxsize=1)
def _empty(tail: int) -> bytes:
    """A file of the newest schema that tells nothing new: kept, since tables, views and comments cost more than rows.

    `tail` is the offset after which the base's events are its newest.
    """
    with TemporaryDirectory() as folder:
        base, path = Path(folder) / "base.duckdb", Path(folder) / "empty.duckdb"
        with duckdb.connect(str(base)) as con:
            migrate(con, base)
        with duckdb.connect(str(path), config=_CONFIG) as con:
            attach(con, base)
            con.execute(";".join(["create schema hot", _CHANGED, *_made(con, tail), *_comments(con)]))
        return path.read_bytes()


def attach(con: duckdb.DuckDBPyConnection, base: Path) -> None:
    """Let the views of a file that leans on `base` find it."""
    con.execute(f"attach if not exists '{_quoted(base)}' as base (read_only)")


def merge(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Take what the file at `path` holds into a copy of the base it leans on: `con` then has all of that version."""
    con.execute(f"attach '{_quoted(path)}' as newer (read_only)")
    with transaction(con):
        for table in _tables(con):
            if table not in _GROWING:
                con.execute(f"delete from {table}")  # noqa: S608  # our own names
            elif table != "events":
                keys, things = _changed(table, "newer.hot.changed")
                same = " and ".join(f"{table}.{key} = gone.{key}" for key in keys)
                con.execute(f"delete from {table} using ({things}) as gone where {same}")  # noqa: S608  # our own names
            con.execute(f"insert into {table} from newer.{_place(table)}")
    con.execute("detach newer")


def _changed(table: str, changed: str) -> tuple[tuple[str, ...], str]:
    """By what a table names its things, and a query for those of them that are among the `changed` ones."""
    if table == "snapshots":
        return ("source", "entity_type", "entity_id"), f"from {changed}"
    kind, key = _THINGS[table]
    things = f"select source, entity_id as {key} from {changed} where entity_type = '{kind}'"  # noqa: S608  # our own names
    return ("source", key), things


def _place(table: str) -> str:
    return f"hot.{table}" if table in (*_GROWING, "changed") else f"main.{table}"


def _made(con: duckdb.DuckDBPyConnection, tail: int) -> Iterator[str]:
    """Statements that make each table of the base, and the view that shows it together with the base's."""
    for table in _tables(con, "base"):
        yield f"create table {_place(table)} as from base.main.{table} limit 0"
        if table == "events":
            yield _events(tail)
        elif table in _GROWING:
            keys, things = _changed(table, "hot.changed")
            kept = f"from base.main.{table} anti join ({things}) using ({', '.join(keys)})"
            yield f"create view {table} as {kept} union all from hot.{table}"


def _events(tail: int) -> str:
    """The view of the log, the newest rows first: who asks for the newest few finds them before the long rest is opened.

    DuckDB stops looking at rows that are older than all it has found. In the other order each row is newer than those
    before it, and everything is read: a second for each million.
    """
    parts = (
        "from hot.events",
        f"from base.main.events where event_offset > {tail}",
        f"from base.main.events where event_offset <= {tail}",
    )
    return f"create view events as {' union all '.join(parts)}"


def _tables(con: duckdb.DuckDBPyConnection, database: str | None = None) -> list[str]:
    sql = (
        "select table_name from duckdb_tables()"
        " where database_name = coalesce($database, current_database()) and not temporary order by 1"
    )
    return [table for (table,) in con.execute(sql, {"database": database}).fetchall()]


def _comments(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The words that the base has about its tables and columns, for those of the same name."""
    told = con.execute(
        "select table_name, comment from duckdb_tables() where database_name = 'base' and comment is not null"
    )
    for table, comment in told.fetchall():
        yield f"comment on {'view' if table in _GROWING else 'table'} {table} is '{_quoted(comment)}'"
    told = con.execute(
        "select table_name, column_name, comment from duckdb_columns()"
        " where database_name = 'base' and not internal and comment is not null"
    )
    for table, column, comment in told.fetchall():
        yield f"comment on column {table}.{column} is '{_quoted(comment)}'"


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
