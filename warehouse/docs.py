"""The schema reference as Markdown: tables and columns from the database itself, the words for actions and their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import duckdb

from warehouse import state
from warehouse.migrations import migrate
from warehouse.model import ACTIONS

FIELDS: Mapping[str, Mapping[str, str]] = {
    "board": {
        "title": "text",
        "url": "its address in the source",
        "archived": "true or false",
    },
    "column": {
        "title": "text",
        "position": "number, smallest first",
        "is_done": "true where work in it is done",
        "archived": "true or false",
    },
    "card": {
        "title": "text",
        "description": "text as the source writes it",
        "column_id": "the column it is in",
        "position": "number, smallest first",
        "due_at": "instant, null for none",
        "due_done": "true where the due date is ticked off",
        "archived": "true or false",
        "deleted": "true or false",
        "url": "its address in the source",
        "human_id": "the short id people use",
        "cover": "picture or colour, as the source names it",
        "member_ids": "list of member ids: `after` adds, `before` takes away; in a snapshot the whole set",
        "labels": "list of names: `after` adds, `before` takes away; in a snapshot the whole set",
        "created_at": "instant",
        "created_by": "member id",
    },
    "comment": {
        "content": "text as the source writes it",
        "parent_id": "the comment it answers",
        "card_id": "the card it is on",
        "member_id": "who wrote it",
        "created_at": "instant",
        "updated_at": "instant",
    },
    "checklist_item": {
        "text": "what is to be done",
        "checklist": "title of the checklist it belongs to",
        "done": "true or false",
        "position": "number, smallest first",
        "card_id": "the card it is on",
    },
    "member": {"name": "full name", "username": "the name to mention by", "kind": "human, agent …"},
    "attachment": {"name": "text", "url": "where it is"},
    "label": {"name": "text", "colour": "as the source names it"},
}
"""Canonical fields of `events.before`, `events.after` and `snapshots.fields`: entity type → field → what its value is.

Whatever else a source tells stays in `events.payload`. Any thing may carry an instant as `<field>_at`.
"""

PARTS = (
    ("The log", ("events",)),
    ("Current state, derived from the log", state.TABLES),
    ("What sources showed, and how far they are read", ("snapshots", "snapshot_times", "source_cursors")),
)
"""Heads and their tables, in order; what is in none of them is about the file itself."""


def reference() -> str:
    """Everything somebody needs who asks the warehouse in SQL."""
    with duckdb.connect() as con:
        migrate(con, Path("reference"))
        return "\n".join([*_opening(con), *_tables(con), *_vocabulary(), *_fields()])


def _opening(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    (number,) = con.execute("select max(number) from schema_migrations").fetchone() or (0,)
    yield f"# The warehouse, schema {number}"
    yield ""
    yield "`warehouse.duckdb` in Daybreak's home opens in any DuckDB tool. All instants are UTC. There are no indexes and no"
    yield "keys: rows lie in the order they came, and `daybreak audit` proves what keys would promise."
    yield "Written by `daybreak docs`; the same words stand in the file as comments (`duckdb_tables()`, `duckdb_columns()`)."


def _tables(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    told = dict(con.execute("select table_name, comment from duckdb_tables() order by 1").fetchall())
    named = {table for _, tables in PARTS for table in tables}
    for head, tables in (*PARTS, ("About the file itself", tuple(sorted(set(told) - named)))):
        yield from ("", f"## {head}")
        for table in tables:
            yield from ("", f"### {table}", "", told[table] or "")
            if table in state.TABLES:
                yield f"Defined by [state/{table}.sql](state/{table}.sql)."
            yield from ("", "| column | type | is |", "|---|---|---|")
            yield from _columns(con, table)


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    columns = con.execute(
        "select column_name, replace(lower(data_type), 'timestamp with time zone', 'timestamptz'), comment from duckdb_columns()"
        " where table_name = $table and not internal order by column_index",
        {"table": table},
    ).fetchall()
    for name, kind, comment in columns:
        yield f"| {name} | {kind} | {comment or ''} |"


def _vocabulary() -> Iterator[str]:
    yield from ("", "## Actions", "")
    yield "`events.action` is one of these, whatever the source. `unknown` is what we could not read: `payload` has it whole."
    yield from ("", "| thing | what happens to it |", "|---|---|")
    for thing, actions in groupby(sorted(ACTIONS - {"unknown"}), lambda action: action.partition(".")[0]):
        yield f"| {thing} | {' · '.join(f'`{action}`' for action in actions)} |"


def _fields() -> Iterator[str]:
    yield from ("", "## Fields in `before`, `after` and `fields`", "")
    yield "A field that is absent was not said; null means empty. Whatever else the source tells is in `payload`."
    yield from ("", "| of a | field | is |", "|---|---|---|")
    for thing, fields in FIELDS.items():
        for field, meaning in fields.items():
            yield f"| {thing} | {field} | {meaning} |"
