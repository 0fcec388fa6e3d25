"""The board's own routes: workspaces, boards, columns, board labels, activity."""

from __future__ import annotations

import re

from sqlalchemy import Connection, insert, update
from starlette.routing import Route

from board import boards as change_boards
from board import fields, reading
from board.desk import Call, Desk
from board.model import Invalid, NotFound, Record
from board.store import Change
from board.tables import boards, columns, keys, labels, served, workspace_members, workspaces

MAX_ENTRIES = 1000


def list_workspaces(connection: Connection, call: Call) -> Record:
    """GET /api/workspaces."""
    return {"workspaces": reading.list_workspaces(connection, call.reader)}


def create_workspace(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/workspaces; whoever makes it belongs to it, and so does the key's member."""
    name = fields.need(call.body, "name", fields.text)
    slug = re.sub(r"\W+", "-", name.lower()).strip("-")
    workspace = {"id": change.new_id(), "name": name, "slug": slug, "created_at": change.at}
    change.connection.execute(insert(workspaces), workspace)
    for member_id in {call.reader, change.actor.id}:
        change.connection.execute(
            insert(workspace_members), {"workspace_id": workspace["id"], "member_id": member_id}
        )
    return 201, {"workspace": served(workspaces, workspace)}


def _workspace(connection: Connection, call: Call, workspace_id: str) -> Record:
    for workspace in reading.list_workspaces(connection, call.reader):
        if workspace["id"] == workspace_id:
            return workspace
    raise NotFound(f"no workspace {workspace_id}")


def switch_workspace(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/workspaces/switch: which workspace the key's lists act on from now on."""
    workspace = _workspace(change.connection, call, fields.need(call.body, "workspaceId", fields.text))
    change.connection.execute(
        update(keys).where(keys.c.id == call.key.id).values(workspace_id=workspace["id"])
    )
    return 200, {"workspace": workspace}


def list_boards(connection: Connection, call: Call) -> Record:
    """GET /api/boards: those of the key's active workspace."""
    return {"boards": reading.list_boards(connection, call.reader, call.key.workspace_id)}


def list_all_boards(connection: Connection, call: Call) -> Record:
    """GET /api/boards/all: those of every workspace of the key's member."""
    return {"boards": reading.list_boards(connection, call.reader)}


def show_board(connection: Connection, call: Call) -> Record:
    """GET /api/boards/{id}."""
    return reading.board_detail(connection, _board(connection, call))


def _board(connection: Connection, call: Call) -> Record:
    return reading.find_board(connection, call.path["board"], call.reader)


def create_board(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/boards."""
    title = fields.need(call.body, "title", fields.text)
    workspace_id = call.body.get("workspaceId") or call.key.workspace_id
    _workspace(change.connection, call, workspace_id)
    board = change_boards.create_board(change, workspace_id, title)
    return 201, {"board": reading.board_with_columns(change.connection, board)}


def update_board(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/boards/{id}."""
    board = _board(change.connection, call)
    fields.same_version(call.body, board)
    values = fields.updates(
        call.body, title=fields.text, settings=fields.mapping, done_column_id=fields.maybe_text
    )
    board = change_boards.update_board(change, board, values)
    return 200, {"board": reading.board_with_columns(change.connection, board)}


def delete_board(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/boards/{id}."""
    board = change_boards.delete_board(change, _board(change.connection, call))
    return 200, {"board": served(boards, board)}


def create_column(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/columns."""
    board_id = fields.need(call.body, "boardId", fields.text)
    title = fields.need(call.body, "title", fields.text)
    board = reading.find_board(change.connection, board_id, call.reader)
    return 201, {"column": served(columns, change_boards.create_column(change, board, title))}


def update_column(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/columns."""
    column_id = fields.need(call.body, "columnId", fields.text)
    column = reading.find(change.connection, columns, column_id, call.reader)
    fields.same_version(call.body, column)
    values = fields.updates(call.body, title=fields.text, is_done=fields.truth)
    return 200, {"column": served(columns, change_boards.update_column(change, column, values))}


def delete_column(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/columns?columnId=."""
    column = reading.find(change.connection, columns, call.asked("columnId"), call.reader)
    return 200, {"column": served(columns, change_boards.delete_column(change, column))}


def reorder_columns(change: Change, call: Call) -> tuple[int, Record]:
    """PUT /api/columns/reorder."""
    board_id = fields.need(call.body, "boardId", fields.text)
    board = reading.find_board(change.connection, board_id, call.reader)
    ordered = change_boards.reorder_columns(change, board, fields.need(call.body, "columnIds", fields.ids))
    return 200, {"columns": [served(columns, column) for column in ordered]}


def create_label(change: Change, call: Call) -> tuple[int, Record]:
    """POST /api/boards/{id}/labels."""
    board = _board(change.connection, call)
    text = fields.need(call.body, "text", fields.text)
    label = change_boards.create_label(change, board, text, fields.need(call.body, "color", fields.color))
    return 201, {"label": served(labels, label)}


def update_label(change: Change, call: Call) -> tuple[int, Record]:
    """PATCH /api/boards/{id}/labels."""
    label = _label(change, call, fields.need(call.body, "labelId", fields.text))
    values = fields.updates(call.body, text=fields.text, color=fields.color)
    return 200, {"label": served(labels, change_boards.update_label(change, label, values))}


def delete_label(change: Change, call: Call) -> tuple[int, Record]:
    """DELETE /api/boards/{id}/labels?labelId=."""
    label = _label(change, call, call.asked("labelId"))
    return 200, {"label": served(labels, change_boards.delete_label(change, label))}


def _label(change: Change, call: Call, label_id: str) -> Record:
    board = _board(change.connection, call)
    label = reading.find(change.connection, labels, label_id, call.reader)
    if label["board_id"] != board["id"]:
        raise NotFound(f"no label {label_id} on this board")
    return label


def show_activity(connection: Connection, call: Call) -> Record:
    """GET /api/boards/{id}/activity: up from `after` (default 0), or down from `before`.

    `next` is what to ask `after` (or `before`) for the next page; null when there is none.
    """
    board = _board(connection, call)
    limit = max(1, min(_number(call, "limit", 100), MAX_ENTRIES))
    filters = {
        column: call.query[name]
        for name, column in (("action", "action"), ("userId", "actor_id"))
        if call.query.get(name)
    }
    if "before" in call.query:
        start = _number(call, "before", 0)
        entries = reading.entries_before(connection, board["id"], start, limit + 1, **filters)
    else:
        start = _number(call, "after", 0)
        entries = reading.entries_after(connection, board["id"], start, limit + 1, **filters)
    page = entries[:limit]
    return {"activity": page, "next": page[-1]["seq"] if len(entries) > limit else None}


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Invalid(f"{name}: a whole number from 0 is needed")
    return int(text)


def routes(desk: Desk) -> list[Route]:
    """The routes of this file."""
    read, write = desk.read, desk.write
    return [
        Route("/api/workspaces", read(list_workspaces), methods=["GET"]),
        Route("/api/workspaces", write(create_workspace), methods=["POST"]),
        Route("/api/workspaces/switch", write(switch_workspace), methods=["POST"]),
        Route("/api/boards", read(list_boards), methods=["GET"]),
        Route("/api/boards", write(create_board), methods=["POST"]),
        Route("/api/boards/all", read(list_all_boards), methods=["GET"]),
        Route("/api/boards/{board}", read(show_board), methods=["GET"]),
        Route("/api/boards/{board}", write(update_board), methods=["PATCH"]),
        Route("/api/boards/{board}", write(delete_board), methods=["DELETE"]),
        Route("/api/boards/{board}/activity", read(show_activity), methods=["GET"]),
        Route("/api/boards/{board}/labels", write(create_label), methods=["POST"]),
        Route("/api/boards/{board}/labels", write(update_label), methods=["PATCH"]),
        Route("/api/boards/{board}/labels", write(delete_label), methods=["DELETE"]),
        Route("/api/columns", write(create_column), methods=["POST"]),
        Route("/api/columns", write(update_column), methods=["PATCH"]),
        Route("/api/columns", write(delete_column), methods=["DELETE"]),
        Route("/api/columns/reorder", write(reorder_columns), methods=["PUT"]),
    ]
