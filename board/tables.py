"""What the board keeps: its tables, and how a row of each is served."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from board.model import Record, camel

metadata = MetaData()


def _life() -> tuple[Column[Any], ...]:
    """What every thing on a board has: when it came, changed and went, and its version."""
    return (
        Column("created_at", String, nullable=False),
        Column("updated_at", String, nullable=False),
        Column("deleted_at", String),
        Column("version", Integer, nullable=False, default=1),
    )


def _id() -> Column[Any]:
    return Column("id", String, primary_key=True)


workspaces = Table(
    "workspaces",
    metadata,
    _id(),
    Column("name", String, nullable=False),
    Column("slug", String, nullable=False),
    Column("created_at", String, nullable=False),
)
members = Table(
    "members",
    metadata,
    _id(),
    Column("name", String, nullable=False),
    Column("username", String, nullable=False),
    Column("email", String),
    Column("kind", String, nullable=False),
    Column("created_at", String, nullable=False),
)
workspace_members = Table(
    "workspace_members",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    PrimaryKeyConstraint("workspace_id", "member_id"),
)
keys = Table(
    "keys",
    metadata,
    _id(),
    Column("key_hash", String, nullable=False, unique=True),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("scope", String, nullable=False),
    Column("is_owner", Boolean, nullable=False),
)
boards = Table(
    "boards",
    metadata,
    _id(),
    Column("short_id", String, nullable=False, unique=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("title", String, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("done_column_id", String),
    Column("created_by", String, nullable=False),
    *_life(),
    # Bookkeeping, not served: the log's end and the last human id, so that a write never has to count.
    Column("prefix", String, nullable=False),
    Column("card_count", Integer, nullable=False, default=0),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("last_activity_at", String, nullable=False, default=""),
)
board_members = Table(
    "board_members",
    metadata,
    Column("board_id", ForeignKey("boards.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("joined_at", String, nullable=False),
    PrimaryKeyConstraint("board_id", "member_id"),
)
columns = Table(
    "columns",
    metadata,
    _id(),
    Column("board_id", ForeignKey("boards.id"), nullable=False, index=True),
    Column("title", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_done", Boolean, nullable=False, default=False),
    *_life(),
)
cards = Table(
    "cards",
    metadata,
    _id(),
    Column("human_id", String, nullable=False),
    Column("board_id", ForeignKey("boards.id"), nullable=False, index=True),
    Column("column_id", ForeignKey("columns.id"), nullable=False),
    Column("title", String, nullable=False),
    Column("description", Text),
    # A sort key: moving a card changes no other card, so each log entry says all there is to say.
    Column("position", Float, nullable=False),
    # Sets that are read and replaced whole, kept in the row so that a snapshot of a card is one row.
    Column("assignee_ids", JSON, nullable=False),
    Column("label_ids", JSON, nullable=False),
    Column("due_date", String),
    Column("cover_url", String),
    Column("archived_at", String),
    Column("created_by", String, nullable=False),
    *_life(),
    Index("cards_by_place", "column_id", "position"),
)
comments = Table(
    "comments",
    metadata,
    _id(),
    Column("board_id", ForeignKey("boards.id"), nullable=False),
    Column("card_id", ForeignKey("cards.id"), nullable=False, index=True),
    Column("user_id", ForeignKey("members.id"), nullable=False),
    Column("parent_id", ForeignKey("comments.id")),
    Column("content", Text, nullable=False),
    *_life(),
)
checklist_items = Table(
    "checklist_items",
    metadata,
    _id(),
    Column("board_id", ForeignKey("boards.id"), nullable=False),
    Column("card_id", ForeignKey("cards.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Column("position", Integer, nullable=False),
    *_life(),
)
labels = Table(
    "labels",
    metadata,
    _id(),
    Column("board_id", ForeignKey("boards.id"), nullable=False, index=True),
    Column("text", String, nullable=False),
    Column("color", String, nullable=False),
    *_life(),
)
activity = Table(
    "activity",
    metadata,
    Column("board_id", ForeignKey("boards.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("id", String, nullable=False, unique=True),
    Column("change_id", String, nullable=False),  # entries of one request share it
    Column("card_id", String),
    Column("actor_id", String, nullable=False),
    Column("actor_name", String, nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("action", String, nullable=False),
    Column("entity_type", String, nullable=False),
    Column("entity_id", String, nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("created_at", String, nullable=False),
    PrimaryKeyConstraint("board_id", "seq"),
)
answers = Table(
    "answers",
    metadata,
    Column("key_id", String, nullable=False),
    Column("idempotency_key", String, nullable=False),
    Column("request_hash", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", String, nullable=False, index=True),
    PrimaryKeyConstraint("key_id", "idempotency_key"),
)

ENTITY_TYPES = {
    "boards": "board",
    "columns": "column",
    "cards": "card",
    "comments": "comment",
    "checklist_items": "checklist_item",
    "labels": "label",
    "members": "member",
}
"""Tables to the `entityType` their entries carry."""

_HIDDEN = {"prefix", "card_count", "last_seq", "last_activity_at"}
_SERVED = {
    table.name: [(column.name, camel(column.name)) for column in table.columns if column.name not in _HIDDEN]
    for table in metadata.sorted_tables
}


def served(table: Table, record: Record) -> Record:
    """A record as it leaves the board: camelCase, every public field, null where empty."""
    return {name: record[column] for column, name in _SERVED[table.name]}
