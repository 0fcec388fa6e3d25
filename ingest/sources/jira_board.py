"""A Jira board as its configuration and its issues show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.sources.jira_fields import SOURCE, Json, card_fields, id_of, own_id, page, people
from ingest.sources.values import mapping, objects
from warehouse.model import Entity, Snapshot


@dataclass(frozen=True, slots=True)
class Layout:
    """What a board's configuration says: its name, the filter that picks its issues, and the column of each status.

    Columns have no ids in Jira. Ours is that of their first status, which stays when a column is renamed; a status
    that stands in no column is a column of its own, off the board.
    """

    board_id: str
    title: str
    filter_id: str
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]
    url: str | None = None

    @classmethod
    def of(cls, told: Json, board_id: str) -> Layout | None:
        """The layout a configuration tells, None where it does not tell the filter and the columns."""
        filter_id, config = id_of(mapping(told.get("filter")).get("id")), mapping(told.get("columnConfig"))
        if filter_id is None or not isinstance(config.get("columns"), list):
            return None
        columns = []
        for column in objects(config["columns"]):
            found = (id_of(status.get("id")) for status in objects(column.get("statuses")))
            statuses, title = tuple(status for status in found if status), str(column.get("name") or "")
            columns.append((own_id(board_id, statuses[0] if statuses else title), title, statuses))
        url = page(told, f"/secure/RapidBoard.jspa?rapidView={board_id}")
        return cls(board_id, str(told.get("name") or ""), filter_id, tuple(columns), url)

    def column_of(self, status: str | None) -> str | None:
        """The column of a status; None of none."""
        if status is None:
            return None
        return next(
            (column for column, _, own in self.columns if status in own), own_id(self.board_id, status)
        )


def snapshot(
    layout: Layout, issues: Iterable[Json], statuses: Iterable[Json], taken_at: datetime
) -> Snapshot:
    """The board with its columns, cards, and everybody its cards name; `statuses` are the site's."""
    known = {status_id: status for status in statuses if (status_id := id_of(status.get("id")))}
    cards, who, off_board = [], [], {}
    for issue in issues:
        thing, fields = id_of(issue.get("id")), mapping(issue.get("fields"))
        status = mapping(fields.get("status"))
        column = layout.column_of(id_of(status.get("id")))
        if thing:
            cards.append(Entity("card", own_id(layout.board_id, thing), card_fields(issue, column)))
            who += [fields.get(role) for role in ("creator", "reporter", "assignee")]
            off_board[column] = status
    columns = list(_columns(layout, known))
    shown = {column.entity_id for column in columns}
    for column, status in off_board.items():
        if column and column not in shown:
            title = {"title": str(status.get("name") or "")}
            columns.append(
                Entity("column", column, title | {"is_done": _is_done([status]), "archived": True})
            )
    board = {"title": layout.title, "url": layout.url, "archived": False}
    return Snapshot(
        SOURCE,
        layout.board_id,
        taken_at,
        (Entity("board", layout.board_id, board), *columns, *cards, *people(who)),
    )


def _columns(layout: Layout, known: Mapping[str, Json]) -> Iterator[Entity]:
    for position, (column, title, statuses) in enumerate(layout.columns):
        fields: dict[str, Any] = {"title": title, "position": float(position), "archived": False}
        fields["is_done"] = _is_done([known.get(status, {}) for status in statuses])
        yield Entity("column", column, fields)


def _is_done(statuses: list[Json]) -> bool:
    """A column is done where all its statuses are of the category done."""
    keys = [mapping(status.get("statusCategory")).get("key") for status in statuses]
    return bool(keys) and all(key == "done" for key in keys)
