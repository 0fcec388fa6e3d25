"""A board as the warehouse knows it now, as a snapshot: its state in the words that sources use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.model import Entity, EntityType, Snapshot
from warehouse.state import STATE

_ALWAYS: Mapping[EntityType, tuple[str, ...]] = {
    "board": ("title", "archived"),
    "column": ("title", "position", "is_done", "archived"),
    "card": (
        *("title", "description", "column_id", "position", "due_at", "due_done", "archived"),
        *("member_ids", "labels"),
    ),
    "comment": ("content", "card_id"),
    "checklist_item": ("text", "done", "checklist", "position", "card_id"),
    "member": ("name",),
}
"""Fields that are known to be empty where nobody said anything."""

_IF_TOLD = ("url", "human_id", "parent_id", "member_id", "username", "kind", "created_by", "created_at")
"""Fields that are the source's to give: unsaid is unknown."""

_THERE = {
    "boards": "board_id = $board_id and title is not null and deleted_at is null",
    "members": "member_id in (select member_id from board_members where source = $source and board_id = $board_id)",
}


def known(con: duckdb.DuckDBPyConnection, source: str, board_id: str) -> Snapshot:
    """Everything on a board that is not deleted. A board that nobody ever named is not among its things.

    Taken at the newest instant that anything was heard of the board.
    """
    key = {"source": source, "board_id": board_id}
    entities = [entity for table in STATE for entity in _entities(con, table, key)]
    row = con.execute(
        """
        select epoch_us(max(heard_at)) from (
            select max(taken_at) as heard_at from snapshot_times where source = $source and board_id = $board_id
            union all
            select max(last_event_at) from cards where source = $source and board_id = $board_id
        )
        """,
        key,
    ).fetchone()
    assert row is not None
    taken_at = datetime.fromtimestamp((row[0] or 0) / 1e6, UTC)
    return Snapshot(source, board_id, taken_at, tuple(entities))


def _entities(con: duckdb.DuckDBPyConnection, table: str, key: Mapping[str, str]) -> list[Entity]:
    kind, name = STATE[table]
    there = _THERE.get(table, "board_id = $board_id and deleted_at is null")
    sql = f"from {table} where source = $source and {there} order by {name}"  # our own names
    return [
        Entity(kind, row[name], _fields(kind, row))
        for row in con.execute(sql, dict(key)).pl().iter_rows(named=True)
    ]


def _fields(kind: EntityType, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row in canonical fields."""
    said = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    said |= {"archived": row.get("archived_at") is not None, "member_ids": row.get("assignee_ids")}
    always = {name: said[name] for name in _ALWAYS[kind]}
    return always | {name: said[name] for name in _IF_TOLD if said.get(name) is not None}
