"""The cards' routes: cards, reorder, comments, checklists, card labels."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from starlette.routing import Route

from board import cards as change_cards
from board import fields, reading
from board.desk import Call, Desk
from board.model import Invalid, NotFound, Record
from board.store import Change
from board.tables import cards, checklist_items, columns, comments, served


def create_card(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/cards."""
    board_id = fields.need(call.body, "boardId", fields.text)
    column_id = fields.need(call.body, "columnId", fields.text)
    title = fields.need(call.body, "title", fields.text)
    board = reading.find_board(change.connection, board_id, call.reader)
    column = reading.find(change.connection, columns, column_id, call.reader)
    if column["board_id"] != board["id"]:
        raise Invalid(f"columnId: no column {column_id} on this board")
    said = fields.given(call.body, description=fields.maybe_text)
    card = change_cards.create_card(change, column, title, said.get("description"))
    return 201, {"card": served(cards, card)}


def update_card(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/cards: each kind of change gets its own log entry, all in one commit."""
    card = _named(change, call, cards, "cardId")
    fields.same_version(call.body, card)
    values = fields.updates(
        call.body,
        title=fields.text,
        description=fields.maybe_text,
        due_date=fields.maybe_instant,
        cover_url=fields.maybe_text,
        column_id=fields.text,
        assignees=fields.ids,
        archived_at=fields.maybe_instant,
    )
    if "column_id" in values:
        card = change_cards.move(change, card, values.pop("column_id"))
    if "assignees" in values:
        card = change_cards.assign(change, card, values.pop("assignees"))
    if "archived_at" in values:
        card = change_cards.archive(change, card, archived=values.pop("archived_at") is not None)
    if values:
        card = change_cards.edit(change, card, values)
    return 200, {"card": served(cards, card)}


def delete_card(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/cards?cardId=."""
    card = reading.find(change.connection, cards, call.asked("cardId"), call.reader)
    return 200, {"card": served(cards, change_cards.delete_card(change, card))}


def show_card(connection: Connection, call: Call) -> Record:
    """GET /api/cards/{cardId}."""
    return reading.card_detail(connection, reading.find(connection, cards, call.path["card"], call.reader))


def reorder_cards(change: Change, call: Call) -> tuple[int, Record]:
    """PUT /api/cards/reorder: the moves in the order they are given; position 0 is the top."""
    board = reading.find_board(change.connection, fields.need(call.body, "boardId", fields.text), call.reader)
    moves = call.body.get("moves")
    if not isinstance(moves, list) or not moves or not all(isinstance(each, dict) for each in moves):
        raise Invalid("moves: a list of {cardId, columnId, position} is needed")
    moved = [_move(change, call, board["id"], each) for each in moves]
    return 200, {"cards": [served(cards, card) for card in moved]}


def _move(change: Change, call: Call, board_id: str, move: Record) -> Record:
    card_id = fields.need(move, "cardId", fields.text)
    card = reading.find(change.connection, cards, card_id, call.reader)
    if card["board_id"] != board_id:
        raise Invalid(f"cardId: no card {card_id} on this board")
    fields.same_version(move, card)
    column_id = fields.need(move, "columnId", fields.text)
    return change_cards.move(change, card, column_id, fields.need(move, "position", fields.whole))


def add_comment(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/cards/{id}/comments."""
    card = _card(change, call)
    said = fields.given(call.body, parent_id=fields.maybe_text)
    content = fields.need(call.body, "content", fields.text)
    comment = change_cards.add_comment(change, card, content, said.get("parent_id"))
    return 201, {"comment": served(comments, comment)}


def update_comment(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/cards/{id}/comments."""
    comment = _part(change, call, comments, fields.need(call.body, "commentId", fields.text))
    content = fields.need(call.body, "content", fields.text)
    return 200, {"comment": served(comments, change_cards.edit_comment(change, comment, content))}


def delete_comment(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/cards/{id}/comments?commentId=."""
    comment = _part(change, call, comments, call.asked("commentId"))
    return 200, {"comment": served(comments, change_cards.delete_comment(change, comment))}


def add_item(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/cards/{id}/checklist."""
    item = change_cards.add_item(change, _card(change, call), fields.need(call.body, "text", fields.text))
    return 201, {"item": served(checklist_items, item)}


def update_item(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/cards/{id}/checklist."""
    item = _part(change, call, checklist_items, fields.need(call.body, "itemId", fields.text))
    values = fields.updates(call.body, text=fields.text, done=fields.truth, position=fields.whole)
    return 200, {"item": served(checklist_items, change_cards.edit_item(change, item, values))}


def delete_item(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/cards/{id}/checklist?itemId=."""
    item = _part(change, call, checklist_items, call.asked("itemId"))
    return 200, {"item": served(checklist_items, change_cards.delete_item(change, item))}


def add_label(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/cards/{id}/labels."""
    label_id = fields.need(call.body, "labelId", fields.text)
    return 200, {"card": served(cards, change_cards.label(change, _card(change, call), label_id))}


def remove_label(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/cards/{id}/labels?labelId=."""
    card, label_id = _card(change, call), call.asked("labelId")
    if label_id not in card["label_ids"]:
        raise NotFound(f"no label {label_id} on this card")
    return 200, {"card": served(cards, change_cards.unlabel(change, card, label_id))}


def _card(change: Change, call: Call) -> Record:
    return reading.find(change.connection, cards, call.path["card"], call.reader)


def _named(change: Change, call: Call, table: Table, name: str) -> Record:
    return reading.find(change.connection, table, fields.need(call.body, name, fields.text), call.reader)


def _part(change: Change, call: Call, table: Table, part_id: str) -> Record:
    card = _card(change, call)
    part = reading.find(change.connection, table, part_id, call.reader)
    if part["card_id"] != card["id"]:
        raise NotFound(f"{part_id} is not on card {card['id']}")
    return part


def routes(desk: Desk) -> list[Route]:
    """The routes of this file."""
    write = desk.write
    return [
        Route("/api/cards", write(create_card), methods=["POST"]),
        Route("/api/cards", write(update_card), methods=["PATCH"]),
        Route("/api/cards", write(delete_card), methods=["DELETE"]),
        Route("/api/cards/reorder", write(reorder_cards), methods=["PUT"]),
        Route("/api/cards/{card}", desk.read(show_card), methods=["GET"]),
        Route("/api/cards/{card}/comments", write(add_comment), methods=["POST"]),
        Route("/api/cards/{card}/comments", write(update_comment), methods=["PATCH"]),
        Route("/api/cards/{card}/comments", write(delete_comment), methods=["DELETE"]),
        Route("/api/cards/{card}/checklist", write(add_item), methods=["POST"]),
        Route("/api/cards/{card}/checklist", write(update_item), methods=["PATCH"]),
        Route("/api/cards/{card}/checklist", write(delete_item), methods=["DELETE"]),
        Route("/api/cards/{card}/labels", write(add_label), methods=["POST"]),
        Route("/api/cards/{card}/labels", write(remove_label), methods=["DELETE"]),
    ]
