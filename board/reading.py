"""What the board shows: boards, one board, one card, its activity. Queries only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, or_, select

from board.model import NotFound, Record
from board.store import one
from board.tables import (
    activity,
    board_members,
    boards,
    cards,
    checklist_items,
    columns,
    comments,
    labels,
    members,
    served,
    workspace_members,
    workspaces,
)


def find_board(connection: Connection, ref: str, reader: str) -> Record:
    """The board with this id or short id, if the reader's workspaces have it."""
    query = (
        select(boards)
        .join(workspace_members, workspace_members.c.workspace_id == boards.c.workspace_id)
        .where(or_(boards.c.id == ref, boards.c.short_id == ref), boards.c.deleted_at.is_(None))
        .where(workspace_members.c.member_id == reader)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no board {ref}")
    return dict(row)


def find(connection: Connection, table: Table, thing_id: str, reader: str) -> Record:
    """A thing on a board the reader sees: column, card, comment, checklist item or label."""
    thing = one(connection, table, thing_id)
    if thing is None:
        raise NotFound(f"no {table.name.removesuffix('s').replace('_', ' ')} {thing_id}")
    find_board(connection, thing["board_id"], reader)
    return thing


def list_workspaces(connection: Connection, reader: str) -> list[Record]:
    """The workspaces somebody belongs to."""
    query = (
        select(workspaces)
        .join(workspace_members, workspace_members.c.workspace_id == workspaces.c.id)
        .where(workspace_members.c.member_id == reader)
        .order_by(workspaces.c.created_at, workspaces.c.id)
    )
    return [served(workspaces, dict(row)) for row in connection.execute(query).mappings()]


def list_boards(connection: Connection, reader: str, workspace_id: str | None = None) -> list[Record]:
    """The boards of one workspace, or of all the reader's workspaces, with their columns in order."""
    query = (
        select(boards)
        .join(workspace_members, workspace_members.c.workspace_id == boards.c.workspace_id)
        .where(workspace_members.c.member_id == reader, boards.c.deleted_at.is_(None))
        .order_by(boards.c.created_at, boards.c.id)
    )
    if workspace_id is not None:
        query = query.where(boards.c.workspace_id == workspace_id)
    found = connection.execute(query).mappings().all()
    return [board_with_columns(connection, dict(row)) for row in found]


def board_with_columns(connection: Connection, board: Record) -> Record:
    """A board as it is served: its own fields and its columns in order."""
    shown = _live(connection, columns, columns.c.board_id == board["id"], columns.c.position)
    return served(boards, board) | {"columns": shown}


def board_detail(connection: Connection, board: Record) -> dict[str, Any]:
    """All of a board: its columns, its cards by id, its labels and its members."""
    live_columns = select(columns.c.id).where(
        columns.c.board_id == board["id"], columns.c.deleted_at.is_(None)
    )
    on_it = _live(connection, cards, cards.c.column_id.in_(live_columns), cards.c.position)
    return {
        "board": board_with_columns(connection, board),
        "cards": {card["id"]: card for card in on_it},
        "boardLabels": _live(connection, labels, labels.c.board_id == board["id"], labels.c.created_at),
        "members": _board_members(connection, board["id"]),
    }


def card_detail(connection: Connection, card: Record) -> dict[str, Any]:
    """All of a card: its checklist, comments, attachments, labels and assignees."""
    board_labels = _live(connection, labels, labels.c.board_id == card["board_id"], labels.c.created_at)
    people = {member["id"]: member for member in _board_members(connection, card["board_id"])}
    return {
        "card": served(cards, card),
        "checklist": _live(
            connection, checklist_items, checklist_items.c.card_id == card["id"], checklist_items.c.position
        ),
        "comments": _live(connection, comments, comments.c.card_id == card["id"], comments.c.created_at),
        "attachments": [],
        "labels": [each for each in board_labels if each["id"] in card["label_ids"]],
        "assignees": [people[each] for each in card["assignee_ids"] if each in people],
    }


def _live(
    connection: Connection, table: Table, condition: ColumnElement[bool], order: ColumnElement[Any]
) -> list[Record]:
    query = select(table).where(condition, table.c.deleted_at.is_(None)).order_by(order, table.c.id)
    return [served(table, dict(row)) for row in connection.execute(query).mappings()]


def _board_members(connection: Connection, board_id: str) -> list[Record]:
    query = (
        select(members)
        .join(board_members, board_members.c.member_id == members.c.id)
        .where(board_members.c.board_id == board_id)
        .order_by(board_members.c.joined_at, members.c.name)
    )
    return [served(members, dict(row)) for row in connection.execute(query).mappings()]


def last_seq(connection: Connection, board_id: str) -> int:
    """The end of a board's log."""
    return int(connection.scalar(select(boards.c.last_seq).where(boards.c.id == board_id)) or 0)


def entries_after(
    connection: Connection, board_id: str, after: int, limit: int, **filters: str
) -> list[Record]:
    """Log entries with `seq` above `after`, oldest first."""
    query = _entries(board_id, filters).where(activity.c.seq > after).order_by(activity.c.seq).limit(limit)
    return [_entry(dict(row)) for row in connection.execute(query).mappings()]


def entries_before(
    connection: Connection, board_id: str, before: int, limit: int, **filters: str
) -> list[Record]:
    """Log entries with `seq` below `before`, newest first."""
    query = _entries(board_id, filters).where(activity.c.seq < before)
    rows = connection.execute(query.order_by(activity.c.seq.desc()).limit(limit)).mappings()
    return [_entry(dict(row)) for row in rows]


def _entries(board_id: str, filters: dict[str, str]) -> Select[Any]:
    query = select(activity).where(activity.c.board_id == board_id)
    for name, value in filters.items():
        query = query.where(activity.c[name] == value)
    return query


def _entry(row: Record) -> Record:
    """A log entry as Flux's contract has it."""
    return {
        "seq": row["seq"],
        "id": row["id"],
        "boardId": row["board_id"],
        "cardId": row["card_id"],
        "actor": {"id": row["actor_id"], "name": row["actor_name"], "kind": row["actor_kind"]},
        "action": row["action"],
        "entityType": row["entity_type"],
        "entityId": row["entity_id"],
        "before": row["before"],
        "after": row["after"],
        "createdAt": row["created_at"],
    }
