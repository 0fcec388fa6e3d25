"""What boards look like now, read from the published warehouse for many readers at once: each is shown their own boards.

Boards, columns and members are few and read whole; cards and comments only where a window speaks of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import TypeVar
from urllib.parse import quote

import polars as pl

from digests.model import BoardNow, CardNow, ColumnNow, CommentNow, MemberNow, Person, World
from digests.naming import Everybody
from warehouse.model import Event
from warehouse.reading import Warehouse

Thing = TypeVar("Thing")


class Worlds:
    """The world of each board by itself, and of each person: the boards they are a member of, and what is on them."""

    def __init__(self, warehouse: Warehouse, page_url: str = "") -> None:
        self._warehouse = warehouse
        self._page_url = page_url.rstrip("/")
        self._cards: dict[str, dict[str, CardNow]] = defaultdict(dict)
        self._comments: dict[str, dict[str, CommentNow]] = defaultdict(dict)

    @cached_property
    def everybody(self) -> Everybody:
        return Everybody({member.key: member for member in members(self._warehouse)})

    def boards_of(self, person: Person) -> list[str]:
        """The ids of the boards the person may see, in no order that matters."""
        return sorted(
            {board_id for key in person.members for board_id in self._boards_by_member.get(key, ())}
        )

    def of_board(self, board_id: str) -> World:
        """What is known of that board alone."""
        return self._of([board_id])

    def of_person(self, person: Person) -> World:
        """What the person can see."""
        return self._of(self.boards_of(person))

    def read(self, events: Iterable[Event]) -> None:
        """Read the cards and comments that these events speak of."""
        cards, comments = _spoken_of(events)
        for card in _cards(self._warehouse, cards, self._page_url):
            self._cards[card.board_id][card.card_id] = card
        for board_id, comment in _comments(self._warehouse, cards, comments):
            self._comments[board_id][comment.comment_id] = comment

    def _of(self, board_ids: list[str]) -> World:
        return World(
            boards={board_id: self._boards[board_id] for board_id in board_ids if board_id in self._boards},
            columns=_together(self._columns, board_ids),
            cards=_together(self._cards, board_ids),
            members=self.everybody.members,
            board_members={
                one: self._members_by_board[one] for one in board_ids if one in self._members_by_board
            },
            comments=_together(self._comments, board_ids),
        )

    @cached_property
    def _boards(self) -> Mapping[str, BoardNow]:
        return {board.board_id: board for board in boards(self._warehouse)}

    @cached_property
    def _columns(self) -> Mapping[str, Mapping[str, ColumnNow]]:
        found: dict[str, dict[str, ColumnNow]] = defaultdict(dict)
        for row in self._warehouse.columns().iter_rows(named=True):
            column = ColumnNow(row["column_id"], row["title"] or "", row["is_done"])
            found[row["board_id"]][column.column_id] = column
        return found

    @cached_property
    def _memberships(self) -> list[tuple[str, str]]:
        return list(_memberships(self._warehouse).select("board_id", "member").iter_rows())

    @cached_property
    def _members_by_board(self) -> Mapping[str, frozenset[str]]:
        return _grouped(self._memberships)

    @cached_property
    def _boards_by_member(self) -> Mapping[str, frozenset[str]]:
        return _grouped((member, board_id) for board_id, member in self._memberships)


def boards_of(warehouse: Warehouse, person: Person) -> list[BoardNow]:
    """The boards the person may see now."""
    mine = _memberships(warehouse).filter(pl.col("member").is_in(list(person.members)))["board_id"].to_list()
    return [one for one in boards(warehouse) if one.board_id in mine]


def boards(warehouse: Warehouse) -> list[BoardNow]:
    """Every board that is known."""
    return [_board(row) for row in warehouse.boards().iter_rows(named=True)]


def members(warehouse: Warehouse) -> list[MemberNow]:
    """Everybody a board has ever named."""
    return [
        MemberNow(
            f"{row['source']}:{row['member_id']}", row["name"] or "", row["username"], row["kind"] or "human"
        )
        for row in warehouse.members().iter_rows(named=True)
    ]


def _together(by_board: Mapping[str, Mapping[str, Thing]], board_ids: list[str]) -> Mapping[str, Thing]:
    if len(board_ids) == 1:
        return by_board.get(board_ids[0], {})
    return {key: thing for board_id in board_ids for key, thing in by_board.get(board_id, {}).items()}


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _spoken_of(events: Iterable[Event]) -> tuple[set[str], set[str]]:
    """The ids of the cards, and of the comments and those they answer."""
    cards: set[str] = set()
    comments: set[str] = set()
    for event in events:
        if event.card_id:
            cards.add(event.card_id)
        if event.entity_type == "comment":
            comments.update(str(one) for one in (event.entity_id, event.after.get("parent_id")) if one)
    return cards, comments


def _memberships(warehouse: Warehouse) -> pl.DataFrame:
    """Who is on which board. The warehouse never forgets a member; who has left sees nothing more of it."""
    left = warehouse.frame(
        "select source, board_id, entity_id as member_id from events "
        "where action in ('member.joined', 'member.left') group by all "
        "having arg_max(action, (occurred_at, event_offset)) = 'member.left'"
    )
    return (
        warehouse.board_members()
        .join(left, on=["source", "board_id", "member_id"], how="anti")
        .with_columns(member=pl.concat_str("source", pl.lit(":"), "member_id"))
    )


def _board(row: dict[str, object]) -> BoardNow:
    return BoardNow(str(row["board_id"]), str(row["source"]), str(row["title"] or ""), _text(row["url"]))


def _cards(warehouse: Warehouse, card_ids: Collection[str], page_url: str) -> list[CardNow]:
    def seen_at(board_id: str) -> str | None:
        return f"{page_url}/live_board?board={quote(board_id)}" if page_url else None

    wanted = {"ids": list(card_ids)}
    items = warehouse.frame(
        "select card_id, count(*) filter (done) as done, count(*) as items from checklist_items "
        "where deleted_at is null and card_id in (select unnest($ids::varchar[])) group by card_id",
        wanted,
    )
    ticked = {card_id: (done, total) for card_id, done, total in items.iter_rows()}
    rows = warehouse.frame("from cards where card_id in (select unnest($ids::varchar[]))", wanted)
    return [
        CardNow(
            row["card_id"],
            row["board_id"],
            row["title"] or "",
            row["column_id"],
            row["url"] or seen_at(row["board_id"]),
            _key(row["source"], row["created_by"]),
            frozenset(_keys(row["source"], row["assignee_ids"])),
            *ticked.get(row["card_id"], (0, 0)),
        )
        for row in rows.iter_rows(named=True)
    ]


def _comments(
    warehouse: Warehouse, card_ids: Collection[str], comment_ids: Collection[str]
) -> list[tuple[str, CommentNow]]:
    rows = warehouse.frame(
        "from comments where card_id in (select unnest($cards::varchar[])) "
        "or comment_id in (select unnest($comments::varchar[]))",
        {"cards": list(card_ids), "comments": list(comment_ids)},
    )
    return [(row["board_id"], _comment(row)) for row in rows.iter_rows(named=True)]


def _comment(row: dict[str, object]) -> CommentNow:
    return CommentNow(
        str(row["comment_id"]),
        str(row["card_id"]),
        _key(row["source"], row["member_id"]),
        _text(row["parent_id"]),
        str(row["content"] or ""),
    )


def _keys(source: object, ids: Iterable[object] | None) -> list[str]:
    return [f"{source}:{member_id}" for member_id in ids or ()]


def _key(source: object, member_id: object) -> str | None:
    return f"{source}:{member_id}" if member_id else None


def _text(value: object) -> str | None:
    return str(value) if value else None
