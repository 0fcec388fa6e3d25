"""What can be done to a card, its checklist and its comments. Each function is one step of a change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, update

from board.boards import join
from board.model import Invalid, Record
from board.store import Change, one
from board.tables import boards, cards, checklist_items, columns, comments, labels

GAP = 1024.0
"""How far apart cards are put; halved by each insertion between the same two."""

_NEXT_NUMBER = (
    update(boards)
    .where(boards.c.id == bindparam("board"))
    .values(card_count=boards.c.card_count + 1)
    .returning(boards.c.prefix, boards.c.card_count)
)
_LAST_POSITION = select(func.max(cards.c.position)).where(
    cards.c.column_id == bindparam("column"), cards.c.deleted_at.is_(None)
)


def create_card(change: Change, column: Record, title: str, description: str | None = None) -> Record:
    """A new card at the bottom of a column."""
    prefix, number = change.connection.execute(_NEXT_NUMBER, {"board": column["board_id"]}).one()
    return change.add(
        cards,
        "card.created",
        human_id=f"{prefix}-{number}",
        board_id=column["board_id"],
        column_id=column["id"],
        title=title,
        description=description,
        position=_bottom(change, column["id"]),
        assignee_ids=[],
        label_ids=[],
        created_by=change.actor.id,
    )


def _bottom(change: Change, column_id: str) -> float:
    last = change.connection.scalar(_LAST_POSITION, {"column": column_id})
    return GAP if last is None else float(last) + GAP


def edit(change: Change, card: Record, values: dict[str, Any]) -> Record:
    """Set what a card says: title, description, due date, cover."""
    return change.revise(cards, card, "card.updated", **values)


def move(change: Change, card: Record, column_id: str, index: int | None = None) -> Record:
    """Put a card into a column of its board: at `index` (0 is the top), or at the bottom."""
    column = one(change.connection, columns, column_id)
    if column is None or column["board_id"] != card["board_id"]:
        raise Invalid(f"columnId: no column {column_id} on this board")
    if index is None:
        if column_id == card["column_id"]:
            return card
        position = _bottom(change, column_id)
    else:
        position = _position_at(change, card, column_id, index)
    action = "card.reordered" if column_id == card["column_id"] else "card.moved"
    return change.revise(cards, card, action, column_id=column_id, position=position)


def _position_at(change: Change, card: Record, column_id: str, index: int) -> float:
    """A sort key that puts the card at this index among the others; the key it has if it is there already."""
    others = list(change.connection.scalars(_shown_beside(card, column_id, cards.c.position)))
    index = min(index, len(others))
    above = others[index - 1] if index > 0 else None
    below = others[index] if index < len(others) else None
    if card["column_id"] == column_id and _between(above, card["position"], below):
        return float(card["position"])
    if above is None:
        return GAP if below is None else float(below) - GAP
    if below is None:
        return float(above) + GAP
    middle = (float(above) + float(below)) / 2
    if above < middle < below:
        return middle
    _spread(change, card, column_id)
    return _position_at(change, card, column_id, index)


def _between(above: float | None, position: float, below: float | None) -> bool:
    return (above is None or above < position) and (below is None or position < below)


def _shown_beside(card: Record, column_id: str, *wanted: ColumnElement[Any]) -> Select[Any]:
    """The other cards one sees in a column, from the top."""
    return (
        select(*wanted or cards.c)
        .where(
            cards.c.column_id == column_id,
            cards.c.id != card["id"],
            cards.c.deleted_at.is_(None),
            cards.c.archived_at.is_(None),
        )
        .order_by(cards.c.position, cards.c.id)
    )


def _spread(change: Change, card: Record, column_id: str) -> None:
    """Space cards evenly again when there is no number left between two; logged like any other order."""
    crowded = change.connection.execute(_shown_beside(card, column_id)).mappings().all()
    for number, other in enumerate(crowded, start=1):
        change.revise(cards, dict(other), "card.reordered", position=number * GAP)


def assign(change: Change, card: Record, member_ids: list[str]) -> Record:
    """Replace who is on a card: one entry for those who came, one for those who went."""
    wanted = list(dict.fromkeys(member_ids))
    kept = [each for each in card["assignee_ids"] if each in wanted]
    card = change.revise(cards, card, "card.unassigned", assignee_ids=kept)
    added = [each for each in wanted if each not in kept]
    for member_id in added:
        join(change, card["board_id"], member_id)
    return change.revise(cards, card, "card.assigned", assignee_ids=kept + added)


def archive(change: Change, card: Record, archived: bool) -> Record:
    """Put a card into the archive, or take it out."""
    if archived == (card["archived_at"] is not None):
        return card
    action = "card.archived" if archived else "card.unarchived"
    return change.revise(cards, card, action, archived_at=change.at if archived else None)


def delete_card(change: Change, card: Record) -> Record:
    """Delete a card softly."""
    return change.revise(cards, card, "card.deleted", deleted_at=change.at)


def label(change: Change, card: Record, label_id: str) -> Record:
    """Put a label of the board on a card."""
    found = one(change.connection, labels, label_id)
    if found is None or found["board_id"] != card["board_id"]:
        raise Invalid(f"labelId: no label {label_id} on this board")
    if label_id in card["label_ids"]:
        return card
    return change.revise(cards, card, "card.labeled", label_ids=[*card["label_ids"], label_id])


def unlabel(change: Change, card: Record, label_id: str) -> Record:
    """Take a label off a card."""
    rest = [each for each in card["label_ids"] if each != label_id]
    return change.revise(cards, card, "card.unlabeled", label_ids=rest)


def add_comment(change: Change, card: Record, content: str, parent_id: str | None = None) -> Record:
    """Say something on a card, or answer a comment that is on it."""
    if parent_id is not None:
        parent = one(change.connection, comments, parent_id)
        if parent is None or parent["card_id"] != card["id"]:
            raise Invalid(f"parentId: no comment {parent_id} on this card")
    return change.add(
        comments,
        "comment.created",
        board_id=card["board_id"],
        card_id=card["id"],
        user_id=change.actor.id,
        parent_id=parent_id,
        content=content,
    )


def edit_comment(change: Change, comment: Record, content: str) -> Record:
    """Say it differently."""
    return change.revise(comments, comment, "comment.updated", content=content)


def delete_comment(change: Change, comment: Record) -> Record:
    """Take a comment back, softly; its answers stay."""
    return change.revise(comments, comment, "comment.deleted", deleted_at=change.at)


def add_item(change: Change, card: Record, text: str) -> Record:
    """A new item at the end of the card's checklist."""
    last = change.connection.scalar(
        select(func.max(checklist_items.c.position)).where(
            checklist_items.c.card_id == card["id"], checklist_items.c.deleted_at.is_(None)
        )
    )
    return change.add(
        checklist_items,
        "checklist.created",
        board_id=card["board_id"],
        card_id=card["id"],
        text=text,
        done=False,
        position=0 if last is None else last + 1,
    )


def edit_item(change: Change, item: Record, values: dict[str, Any]) -> Record:
    """Set an item's text or position, then tick or untick it; an entry for each."""
    values = dict(values)
    done = values.pop("done", item["done"])
    item = change.revise(checklist_items, item, "checklist.updated", **values) if values else item
    return change.revise(
        checklist_items, item, "checklist.checked" if done else "checklist.unchecked", done=done
    )


def delete_item(change: Change, item: Record) -> Record:
    """Delete an item softly."""
    return change.revise(checklist_items, item, "checklist.deleted", deleted_at=change.at)
