"""Following a real board on a real socket: quickly, without gap or repetition, whichever side restarts."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from wire.exports import action, card, column, export
from wire.scripted import NOW, Scripted, entry
from wire.standing import Standing
from wire.standing import card as card_of_ours

from ingest.listening import Pace
from ingest.rings import ring
from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.flux import Flux
from ingest.status import read_status
from ingest.sync import follow, import_file, pull
from warehouse.model import Window
from warehouse.reading import NothingPublished, Warehouse

HASTE = Pace(relist=0.3, check=0.6, first_retry=0.05, last_retry=0.3)


@dataclass
class Following:
    """`follow` in a thread, with what it says and how it ended."""

    home: object
    source: Flux
    clock: object
    pace: Pace = HASTE
    stop: threading.Event = field(default_factory=threading.Event)
    lines: list[str] = field(default_factory=list)
    error: Exception | None = None

    def run(self) -> None:
        try:
            follow(
                self.home,
                self.source if isinstance(self.source, list) else [self.source],
                clock=self.clock,
                stop=self.stop,
                say=self.lines.append,
                pace=self.pace,
            )
        except Exception as error:  # noqa: BLE001 - shown to the test
            self.error = error


@contextmanager
def following(home, source, clock, **options) -> Iterator[Following]:
    found = Following(home, source, clock, **options)
    thread = threading.Thread(target=found.run)
    thread.start()
    with ExitStack() as stack:
        for one in source if isinstance(source, list) else [source]:
            stack.enter_context(one if isinstance(one, AbstractContextManager) else closing(one))
        try:
            yield found
        except AssertionError as unmet:
            raise AssertionError(f"{unmet}\nended by {found.error!r}, having said {found.lines}") from unmet
        finally:
            found.stop.set()
            thread.join(10)
    assert not thread.is_alive()


def until(ready, seconds: float = 30.0) -> float:
    """Ask until true; the seconds it took."""
    started = time.monotonic()
    while not ready():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.03)
    return time.monotonic() - started


def published(home) -> list[str]:
    """The ids of all published events, in log order."""
    try:
        with Warehouse.open(home) as warehouse:
            return [event.event_id for event in warehouse.events(Window(0, warehouse.head()))]
    except NothingPublished:
        return []


def activity(board, board_id: str) -> list[str]:
    return [
        entry["id"] for entry in board.ask("GET", f"/api/boards/{board_id}/activity?limit=1000")["activity"]
    ]


def test_a_change_is_carried_by_the_stream_and_published_soon(board, home):
    board_id, (todo, done) = board.make_board()
    card = board.add_card(board_id, todo, "Tulips")
    no_looking = Pace(relist=600, check=600)  # so that nothing but the stream can bring it
    with following(home, board.flux(), board.clock, pace=no_looking):
        until(lambda: published(home) == activity(board, board_id))
        before = len(published(home))
        board.ask("PATCH", "/api/cards", {"cardId": card, "columnId": done})
        until(lambda: len(published(home)) > before, seconds=5)


def test_a_busy_board_is_told_once_and_in_order(board, home):
    board_id, (todo, _) = board.make_board()
    with following(home, board.flux(), board.clock) as found:
        for number in range(60):
            board.add_card(board_id, todo, f"Seed {number}")
        until(lambda: published(home) == activity(board, board_id))
    assert sum(int(re.search(r"new=(\d+)", line)[1]) for line in found.lines if "new=" in line) == len(
        published(home)
    )


def test_a_board_that_restarts_is_read_on_and_said_once(board, home):
    board_id, (todo, _) = board.make_board()
    with following(home, board.flux(attempts=1), board.clock) as found:
        until(lambda: published(home) == activity(board, board_id))
        board.stop()
        until(lambda: any("down" in line for line in found.lines))
        board.start()
        board.add_card(board_id, todo, "After the rain")
        until(lambda: published(home) == activity(board, board_id))
        until(lambda: any("back" in line for line in found.lines))
    assert sum("down" in line for line in found.lines) == 1


def test_a_reader_that_restarts_goes_on_where_it_stopped(board, home):
    board_id, (todo, _) = board.make_board()
    with following(home, board.flux(), board.clock):
        until(lambda: published(home) == activity(board, board_id))
    for number in range(5):
        board.add_card(board_id, todo, f"Missed {number}")
    with following(home, board.flux(), board.clock) as found:
        until(lambda: published(home) == activity(board, board_id))
    assert [re.search(r"events=\d+ new=\d+", line)[0] for line in found.lines] == ["events=5 new=5"]


def test_a_new_board_is_noticed(board, home):
    board.make_board()
    with following(home, board.flux(), board.clock):
        until(lambda: len(published(home)) > 0)
        other, _ = board.make_board("Cellar")
        until(lambda: set(activity(board, other)) <= set(published(home)))


def test_it_stops_within_a_second_although_every_stream_is_silent(board, home):
    board_id, _ = board.make_board()
    with following(home, board.flux(), board.clock) as found:
        until(lambda: published(home) == activity(board, board_id))
        started = time.monotonic()
    assert time.monotonic() - started < 1.0
    assert found.error is None
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("ingest ")]


def test_an_export_is_taken_in_beside_a_followed_board(board, home, tmp_path, now):
    board_id, (todo, _) = board.make_board()
    path = tmp_path / "board.json"
    path.write_text(json.dumps(export([action("createCard", card=card(), list=column())])))
    with following(home, board.flux(), board.clock):
        until(lambda: published(home) == activity(board, board_id))
        assert import_file(home, path, now).new == 1
        board.add_card(board_id, todo, "Afterwards")
        until(lambda: len(published(home)) == len(activity(board, board_id)) + 1)


def test_what_a_silent_stream_missed_is_found_by_looking(home):
    source = Scripted(log=[entry(1)])
    with following(home, source, lambda: NOW):
        until(lambda: published(home) == ["e-1"])
        source.log.append(entry(2))
        until(lambda: published(home) == ["e-1", "e-2"])


def test_a_board_that_only_rings_is_looked_at(home):
    source = Scripted(level="bell", words=[None])
    with following(home, source, lambda: NOW):
        until(lambda: source.asked.count("snapshot") >= 3)
        until(lambda: _members(home) == ["ana"])
    assert published(home) == []


def test_a_board_that_tells_no_log_is_looked_at_now_and_then(home):
    source = Standing()
    with following(home, source, source.clock, pace=replace(HASTE, rest=0.05)) as found:
        until(lambda: source.looks >= 2)
        source.things = (card_of_ours(column_id="k-2"),)
        until(lambda: len(published(home)) == 1)
    assert sum("first look" in line for line in found.lines) == 1
    assert any("level=poll events=1 new=1 unknown=0" in line for line in found.lines)


def test_a_webhook_that_rings_ends_the_rest_of_a_board(home):
    source = Standing()
    with following(home, source, source.clock, pace=replace(HASTE, rest=600, relist=600)):
        until(lambda: source.looks == 1)
        ring(home, "standing", "b-1")
        until(lambda: source.looks == 2)


def test_a_source_that_refuses_is_left_and_the_others_go_on(board, home):
    board_id, (todo, _) = board.make_board()
    locked = Standing(fails={"boards": SourceRefused("401: check STANDING_KEY")})
    with following(home, [locked, board.flux()], board.clock) as found:
        until(lambda: any("not read any more" in line for line in found.lines))
        board.add_card(board_id, todo, "All the same")
        until(lambda: published(home) == activity(board, board_id))
    assert found.error is None
    assert any("STANDING_KEY" in line for line in found.lines)


def test_a_source_that_asks_for_a_long_rest_gets_it_and_it_is_said(home):
    source = Standing(fails={"snapshot": SourceUnavailable("429", timedelta(hours=2))})
    with following(home, source, source.clock) as found:
        until(lambda: any("resting until 2026-03-10 11:00:00 UTC" in line for line in found.lines))
    assert sum("resting" in line for line in found.lines) == 1


def test_a_board_that_is_gone_or_odd_is_said_once_with_what_it_said(home):
    source = Standing(fails={"snapshot": SourceChanged("told a page", b"<html>sign in</html>")})
    with following(home, source, source.clock, pace=replace(HASTE, relist=0.05)) as found:
        until(lambda: any("kept in" in line for line in found.lines))
        source.fails = {"snapshot": BoardGone("404")}
        until(lambda: any("404" in line for line in found.lines))
        source.fails = {}
        until(lambda: any("can be read again" in line for line in found.lines))
    assert len([line for line in found.lines if "cannot be read" in line]) == 2
    assert [path.read_bytes() for path in (home.root / "unreadable").iterdir()] == [b"<html>sign in</html>"]


def test_what_the_log_never_told_is_found_while_following(home):
    source = Standing(level="log")
    pace = replace(HASTE, rest=0.05, relist=0.05, first_reconcile=0.1, reconcile=0.2)
    with following(home, source, source.clock, pace=pace) as found:
        until(lambda: source.looks >= 1)
        source.things = (card_of_ours(title="Roses"),)
        until(lambda: len(published(home)) == 1)
        until(
            lambda: (
                read_status(home)
                .get("sources", {})
                .get("standing", {})
                .get("boards", {})
                .get("b-1", {})
                .get("drift")
            )
        )
    assert any("drift=1" in line for line in found.lines)
    assert len(published(home)) == 1


def _members(home) -> list[str]:
    try:
        with Warehouse.open(home) as warehouse:
            return warehouse.members()["name"].to_list()
    except NothingPublished:
        return []


def test_a_key_that_is_refused_ends_it_with_what_to_check(board, home):
    with following(home, Flux(board.url, "flux_wrong"), board.clock) as found:
        until(lambda: found.error is not None)
    assert isinstance(found.error, SourceRefused)
    assert "FLUX_API_KEY" in str(found.error)


def test_a_board_that_is_down_ends_a_single_pass(home, now):
    with (
        Flux("http://127.0.0.1:9", "flux_any", attempts=1) as source,
        pytest.raises(SourceUnavailable, match="no answer"),
    ):
        pull(home, source, clock=lambda: now)
    assert not home.warehouse_dir.exists()
