"""One pass over a real board."""

from __future__ import annotations

from ingest.checks import check_source
from ingest.sources.flux import Flux
from ingest.sync import pull
from warehouse.model import Window
from warehouse.reading import Warehouse


def test_a_pass_brings_the_whole_log_of_every_board(board, home):
    board_id, (todo, done) = board.make_board()
    card = board.add_card(board_id, todo, "Tulips")
    board.ask("PATCH", "/api/cards", {"cardId": card, "columnId": done})
    other, _ = board.make_board("Kitchen")

    with board.flux() as flux:
        summaries = {summary.board: summary for summary in pull(home, flux, clock=board.clock)}

    told = board.ask("GET", f"/api/boards/{board_id}/activity")["activity"]
    assert summaries[board_id].new == len(told)
    assert summaries[other].title == "Kitchen"
    with Warehouse.open(home) as warehouse:
        events = warehouse.events(Window(0, warehouse.head()), board_ids=[board_id])
        assert [event.event_id for event in events] == [entry["id"] for entry in told]
        moved = next(event for event in events if event.action == "card.moved")
        assert (moved.column_from, moved.column_to, moved.card_id) == (todo, done, card)
        assert warehouse.cards()["column_id"].to_list() == [done]


def test_a_second_pass_brings_only_what_is_new(board, home):
    board_id, (todo, _) = board.make_board()
    with board.flux() as flux:
        pull(home, flux, clock=board.clock)
        board.add_card(board_id, todo, "Roses")
        (second,) = pull(home, flux, clock=board.clock)
        (third,) = pull(home, flux, clock=board.clock)

    assert (second.events, second.new) == (1, 1)
    assert (third.events, third.new, third.offset) == (0, 0, second.offset)


def test_a_reader_that_comes_later_knows_what_labels_are_called(board, home):
    board_id, (todo, _) = board.make_board()
    label = board.ask("POST", f"/api/boards/{board_id}/labels", {"text": "perennial", "color": "#118833"})[
        "label"
    ]
    with board.flux() as flux:
        pull(home, flux, clock=board.clock)
    card = board.add_card(board_id, todo, "Roses")
    board.ask("POST", f"/api/cards/{card}/labels", {"labelId": label["id"]})
    with board.flux() as flux:
        pull(home, flux, clock=board.clock)
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["labels"].to_list() == [["perennial"]]


def test_doctor_says_how_well_boards_can_be_read(board):
    board.make_board()
    with (
        board.flux() as flux,
        Flux(board.url, "flux_wrong") as locked,
        Flux("http://127.0.0.1:9", "k", attempts=1) as off,
    ):
        well, refused, silent = (check_source(source, "board", "look") for source in (flux, locked, off))

    assert (well.ok, "1 by log" in well.text) == (True, True)
    assert (refused.ok, "FLUX_API_KEY" in refused.text) == (False, True)
    assert (silent.ok, "no answer" in silent.text) == (False, True)
