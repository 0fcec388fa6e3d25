"""The eight real exports: nothing is lost, nothing told twice, and the log comes to what Trello shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ingest.sync import import_file
from warehouse.home import Home
from warehouse.reading import Warehouse

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ACTIONS = {
    "amirite": 753,
    "cinerex-it490": 406,
    "clipkit": 264,
    "foodgrindr-export1": 606,
    "foodgrindr-export2": 636,
    "needmoney": 137,
    "securproject": 233,
    "tellybox": 618,
}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_one_event_and_a_second_run_adds_none(name, real_boards, home):
    first, second = (import_file(home, real_boards / f"trello-{name}.json", NOW) for _ in range(2))
    assert (first.events, first.new, second.new) == (ACTIONS[name], ACTIONS[name], 0)
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("from events where inferred").is_empty()


@pytest.mark.parametrize("name", ACTIONS)
def test_the_log_alone_comes_to_what_the_export_shows(name, real_boards, home):
    """Titles, columns and archive of cards; titles and archive of columns: told by events, not filled in."""
    path = real_boards / f"trello-{name}.json"
    import_file(home, path, NOW)
    shown = json.loads(path.read_text())
    with Warehouse.open(home) as warehouse:
        cards = {row["card_id"]: row for row in warehouse.cards().iter_rows(named=True)}
        columns = {row["column_id"]: row for row in warehouse.columns().iter_rows(named=True)}
        told = warehouse.frame(
            "select distinct on (card_id) card_id, column_to from events where column_to is not null"
            " order by card_id, event_offset desc"
        )
    for card in shown["cards"]:
        row = cards.pop(card["id"])
        assert (row["title"], row["column_id"], row["archived_at"] is not None) == (
            card["name"],
            card["idList"],
            card["closed"],
        )
    assert dict(told.rows()) == {card["id"]: card["idList"] for card in shown["cards"]}
    assert all(row["deleted_at"] for row in cards.values())
    for column in shown["lists"]:
        row = columns[column["id"]]
        assert (row["title"], row["archived_at"] is not None) == (column["name"], column["closed"])


def test_a_later_export_adds_what_is_new_and_keeps_what_trello_dropped(real_boards, home):
    import_file(home, real_boards / "trello-foodgrindr-export1.json", NOW)
    second = import_file(home, real_boards / "trello-foodgrindr-export2.json", NOW)
    assert (second.new, second.offset) == (33, 639)
    assert import_file(home, real_boards / "trello-foodgrindr-export1.json", NOW).new == 0


def test_boards_side_by_side_do_not_touch_each_other(real_boards, home, tmp_path):
    alone = Home(tmp_path / "alone")
    alone.root.mkdir()
    import_file(alone, real_boards / "trello-clipkit.json", NOW)
    for name in ("amirite", "clipkit", "needmoney"):
        import_file(home, real_boards / f"trello-{name}.json", NOW)
    query = "select * exclude (first_offset, last_offset) from cards where board_id = (select board_id from boards where title = 'Clipkit') order by card_id"
    with Warehouse.open(home) as many, Warehouse.open(alone) as one:
        assert many.frame(query).equals(one.frame(query))
