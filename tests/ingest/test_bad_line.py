"""Whatever the line between us and a board does: nothing of its log is lost, doubled or out of order."""

from __future__ import annotations

import threading
import time

import pytest
from wire.proxy import BadLine

from ingest.follow import follow
from ingest.listening import Pace
from ingest.sources.flux import Flux
from warehouse.model import Window
from warehouse.reading import NothingPublished, Warehouse

HASTE = Pace(publish=0.05, relist=0.2, check=0.4, first_retry=0.02, last_retry=0.1)


def published(home) -> list[str]:
    try:
        with Warehouse.open(home) as warehouse:
            return [event.event_id for event in warehouse.events(Window(0, warehouse.head()))]
    except NothingPublished:
        return []


def told_over(board, home, seed: int, writes: int) -> BadLine:
    """Follow a board over a bad line while it is worked on, until all is there; the line, with what it did."""
    board_id, (todo, done) = board.make_board()
    stop, lines = threading.Event(), []
    with BadLine(board.port, seed) as line, Flux(line.url, board.key, attempts=1) as flux:
        thread = threading.Thread(
            target=follow,
            args=(home, [flux]),
            kwargs={"clock": board.clock, "stop": stop, "say": lines.append, "pace": HASTE},
        )
        thread.start()
        try:
            for number in range(writes):
                card = board.add_card(board_id, todo, f"Seed {number}")
                board.ask("PATCH", "/api/cards", {"cardId": card, "columnId": done})
            line.is_calm = True
            wanted = board.ask("GET", f"/api/boards/{board_id}/activity?limit=1000")["activity"]
            deadline = time.monotonic() + 30
            while len(published(home)) < len(wanted) and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            stop.set()
            thread.join(10)
    assert published(home) == [entry["id"] for entry in wanted], (seed, line.done, lines)
    return line


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_line_loses_doubles_and_reorders_nothing(board, home, seed):
    assert told_over(board, home, seed, writes=40).done


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_bad_lines_lose_double_and_reorder_nothing(board, home, seed):
    done = told_over(board, home, seed, writes=120).done
    assert {"lost", "doubled", "reordered", "cut stream"} & done.keys()
