"""The law of the log: whatever is done to a board, its entries are gapless and rebuild it exactly."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from board import boards as on_board
from board import cards as on_card
from board import reading
from board.auth import read_or_make_key, settle
from board.model import Actor
from board.store import Change, Store, one
from board.tables import cards, checklist_items, columns, comments, labels
from tests.board.conftest import Running

TABLES = {
    table.name.removesuffix("s"): table for table in (columns, cards, comments, checklist_items, labels)
}
START = datetime(2026, 3, 2, tzinfo=UTC)
ACTS = "column card move reorder comment tick item assign label unlabel archive delete_card delete_column columns".split()


def rebuilt(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What an empty reader knows after it has heard all entries: the last `after` of each thing that still is."""
    known = {(entry["entityType"], entry["entityId"]): entry["after"] for entry in entries}
    return {
        thing_id: after
        for (kind, thing_id), after in known.items()
        if kind in TABLES and not after["deletedAt"]
    }


def act(change: Change, board: dict[str, Any], what: str, pick: Callable[[list[Any]], Any]) -> None:
    """Do one of the things that can be done, to things the drawn numbers pick."""

    def some(kind: str) -> Any:
        table = TABLES[kind]
        live = select(table).where(table.c.board_id == board["id"], table.c.deleted_at.is_(None))
        rows = change.connection.execute(live.order_by(table.c.id)).mappings().all()
        return dict(pick(rows)) if rows else None

    def column_ids() -> list[str]:
        return [each["id"] for each in reading.board_with_columns(change.connection, board)["columns"]]

    column, card, item, label = (some(kind) for kind in ("column", "card", "checklist_item", "label"))
    acts: dict[str, Callable[[], object]] = {
        "column": lambda: on_board.create_column(change, board, "Column"),
        "columns": lambda: on_board.reorder_columns(change, board, column_ids()[::-1]),
        "card": lambda: on_card.create_card(change, column, "Card", "Said"),
        "move": lambda: on_card.move(change, card, column["id"]),
        "reorder": lambda: on_card.move(change, card, column["id"], pick([0, 1, 2, 9])),
        "comment": lambda: on_card.add_comment(change, card, "Hello"),
        "item": lambda: on_card.add_item(change, card, "Item"),
        "tick": lambda: on_card.edit_item(
            change, item, {"done": pick([True, False]), "position": pick([0, 1])}
        ),
        "assign": lambda: on_card.assign(change, card, pick([[], [change.actor.id]])),
        "label": lambda: on_card.label(
            change, card, on_board.create_label(change, board, "hot", "#fff")["id"]
        ),
        "unlabel": lambda: on_board.delete_label(change, label),
        "archive": lambda: on_card.archive(change, card, archived=pick([True, False])),
        "delete_card": lambda: on_card.delete_card(change, card),
        "delete_column": lambda: on_board.delete_column(change, column),
    }
    needs = {
        "column": True,
        "columns": True,
        "card": column,
        "tick": item,
        "unlabel": label,
        "delete_column": column,
    }
    if needs.get(what, card and column):
        acts[what]()
    else:
        acts["card" if column else "column"]()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 99), st.integers(-5, 5)), max_size=40))
def test_replaying_the_log_from_empty_rebuilds_the_board(acts: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "board.sqlite")
        key = settle(store, read_or_make_key(Path(folder) / "key"), START)
        me = Actor(key.member_id, "Board owner", "human")
        with store.change(me, START) as change:
            board = on_board.create_board(change, key.workspace_id, "Board")
            for what, number, minutes in acts:  # the clock may jump back; the log must not
                later = change.by(me, START + timedelta(minutes=minutes))
                act(later, board, what, lambda choices, at=number: choices[at % len(choices)])
        with store.reading() as connection:
            entries = reading.entries_after(connection, board["id"], 0, 10_000)
            for thing_id, after in rebuilt(entries).items():
                kind = next(e["entityType"] for e in entries if e["entityId"] == thing_id)
                assert after == reading.served(TABLES[kind], one(connection, TABLES[kind], thing_id))
            stored = {
                row.id
                for t in TABLES.values()
                for row in connection.execute(select(t.c.id).where(t.c.deleted_at.is_(None)))
            }
        store.close()
    assert set(rebuilt(entries)) == stored
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert [e["createdAt"] for e in entries] == sorted(e["createdAt"] for e in entries)
    chained(entries)


def chained(entries: list[dict[str, Any]]) -> None:
    """Each entry begins where the previous one about the same thing ended, at the next version."""
    last: dict[str, Any] = {}
    for entry in entries:
        assert entry["before"] == last.get(entry["entityId"])
        if entry["before"] and entry["entityType"] in TABLES:
            assert entry["after"]["version"] == entry["before"]["version"] + 1
        last[entry["entityId"]] = entry["after"]


def test_many_writers_at_once_leave_no_gap_and_lose_nothing(flux: Running, begun: dict[str, Any]) -> None:
    path = f"/api/cards/{begun['card']['id']}/comments"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: flux.ask("POST", path, 201, json={"content": f"{n}"}), range(80)))
    entries = flux.entries(begun["board"]["id"])
    assert [entry["seq"] for entry in entries] == list(range(1, 86))
    assert {entry["after"]["content"] for entry in entries[5:]} == {f"{n}" for n in range(80)}


def test_cards_squeezed_between_the_same_two_are_spread_again_and_keep_their_order(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "board.sqlite")
    key = settle(store, read_or_make_key(tmp_path / "key"), START)
    with store.change(Actor(key.member_id, "Board owner", "human"), START) as change:
        board = on_board.create_board(change, key.workspace_id, "Board")
        column = on_board.create_column(change, board, "Column")
        ids = [on_card.create_card(change, column, title)["id"] for title in "ABCD"]
        for turn in range(121):  # more halvings than a number has bits
            card = one(change.connection, cards, ids[1 + turn % 2])
            on_card.move(change, card, column["id"], 1)
        shown = reading.board_detail(change.connection, board)["cards"].values()
    store.close()
    assert [card["id"] for card in sorted(shown, key=lambda card: card["position"])] == ids
