"""What can be done to a board, its columns, labels and members. Each function is one step of a change."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from board.model import Actor, Invalid, NotFound, Record
from board.store import Change
from board.tables import board_members, boards, cards, columns, labels, members, workspace_members


def create_board(change: Change, workspace_id: str, title: str) -> Record:
    """A new board; who creates it is its first member."""
    short_id = urlsafe_b64encode(UUID(change.new_id()).bytes).decode()[:8]
    board = change.add(
        boards,
        "board.created",
        short_id=short_id,
        workspace_id=workspace_id,
        title=title,
        settings={},
        created_by=change.actor.id,
        prefix=_prefix(title),
        card_count=0,
        last_seq=0,
        last_activity_at="",
    )
    join(change, board["id"], change.actor.id)
    return board


def _prefix(title: str) -> str:
    """What human ids begin with: the initials of a title, or the start of its only word."""
    words = re.findall(r"[^\W\d_]+", title)
    initials = "".join(word[0] for word in words[:3]) if len(words) > 1 else "".join(words)[:2]
    return initials.upper() or "C"


def update_board(change: Change, board: Record, values: dict[str, Any]) -> Record:
    """Set a board's title, settings or done column."""
    done = values.get("done_column_id")
    if done is not None and not _live_column(change, board["id"], done):
        raise Invalid(f"doneColumnId: no column {done} on this board")
    return change.revise(boards, board, "board.updated", **values)


def delete_board(change: Change, board: Record) -> Record:
    """Delete a board softly: what is on it stays as it is and is no longer served."""
    return change.revise(boards, board, "board.deleted", deleted_at=change.at)


def actor_of(change: Change, member_id: str) -> Actor:
    """The member as somebody who acts."""
    row = change.connection.execute(select(members).where(members.c.id == member_id)).mappings().first()
    if row is None:
        raise NotFound(f"no member {member_id}")
    return Actor(row["id"], row["name"], row["kind"])


def join(change: Change, board_id: str, member_id: str) -> None:
    """Make somebody of the board's workspace a member of the board; no news when they are."""
    is_member = select(board_members.c.member_id).where(
        board_members.c.board_id == board_id, board_members.c.member_id == member_id
    )
    if change.connection.execute(is_member).first():
        return
    in_workspace = (
        select(members)
        .join(workspace_members, workspace_members.c.member_id == members.c.id)
        .join(boards, boards.c.workspace_id == workspace_members.c.workspace_id)
        .where(boards.c.id == board_id, members.c.id == member_id)
    )
    member = change.connection.execute(in_workspace).mappings().first()
    if member is None:
        raise Invalid(f"assignees: no member {member_id} in this workspace")
    change.connection.execute(
        insert(board_members), {"board_id": board_id, "member_id": member_id, "joined_at": change.at}
    )
    change.record(members, "member.joined", before=None, after=dict(member), board_id=board_id)


def create_column(change: Change, board: Record, title: str) -> Record:
    """A new column, right of the others."""
    last = select(func.max(columns.c.position)).where(
        columns.c.board_id == board["id"], columns.c.deleted_at.is_(None)
    )
    position = change.connection.scalar(last)
    return change.add(
        columns,
        "column.created",
        board_id=board["id"],
        title=title,
        position=0 if position is None else position + 1,
        is_done=False,
    )


def update_column(change: Change, column: Record, values: dict[str, Any]) -> Record:
    """Set a column's title, or whether its cards are done."""
    return change.revise(columns, column, "column.updated", **values)


def delete_column(change: Change, column: Record) -> Record:
    """Delete a column softly, and first the cards in it."""
    held = select(cards).where(cards.c.column_id == column["id"], cards.c.deleted_at.is_(None))
    for card in change.connection.execute(held).mappings().all():
        change.revise(cards, dict(card), "card.deleted", deleted_at=change.at)
    return change.revise(columns, column, "column.deleted", deleted_at=change.at)


def reorder_columns(change: Change, board: Record, column_ids: list[str]) -> list[Record]:
    """Put a board's columns in this order; one entry for each that is somewhere else now."""
    rows = change.connection.execute(
        select(columns).where(columns.c.board_id == board["id"], columns.c.deleted_at.is_(None))
    ).mappings()
    by_id = {row["id"]: dict(row) for row in rows}
    if sorted(by_id) != sorted(column_ids):
        raise Invalid("columnIds: name each column of the board once")
    return [
        change.revise(columns, by_id[column_id], "column.reordered", position=position)
        for position, column_id in enumerate(column_ids)
    ]


def _live_column(change: Change, board_id: str, column_id: str) -> bool:
    query = select(columns.c.id).where(
        columns.c.id == column_id, columns.c.board_id == board_id, columns.c.deleted_at.is_(None)
    )
    return change.connection.execute(query).first() is not None


def create_label(change: Change, board: Record, text: str, color: str) -> Record:
    """A new label, for this board's cards."""
    return change.add(labels, "label.created", board_id=board["id"], text=text, color=color)


def update_label(change: Change, label: Record, values: dict[str, Any]) -> Record:
    """Set a label's text or colour."""
    return change.revise(labels, label, "label.updated", **values)


def delete_label(change: Change, label: Record) -> Record:
    """Delete a label softly, and first take it off the cards that have it."""
    rows = change.connection.execute(
        select(cards).where(cards.c.board_id == label["board_id"], cards.c.deleted_at.is_(None))
    )
    for card in rows.mappings().all():
        if label["id"] in card["label_ids"]:
            rest = [each for each in card["label_ids"] if each != label["id"]]
            change.revise(cards, dict(card), "card.unlabeled", label_ids=rest)
    return change.revise(labels, label, "label.deleted", deleted_at=change.at)
