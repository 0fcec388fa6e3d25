"""Killed at any moment while it reads a long history or follows a busy board: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.flux_world import write

from running import ROOT, until
from warehouse.audit import audit
from warehouse.home import Home
from warehouse.reading import NothingPublished, Warehouse
from warehouse.state import TABLES

CHILD = Path(__file__).with_name("reading_child.py")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@contextlib.contextmanager
def reading(home: Home, url: str, key: str, how: str) -> Iterator[subprocess.Popen[str]]:
    """The child at work; killed at the end of the block if it still is."""
    words = [sys.executable, str(CHILD), str(home.root), url, key, how]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # it would be compiling for most of its lives
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "go\n"
        yield child
        child.kill()
        child.stdout.read()


def killed_after(home: Home, url: str, key: str, how: str, seconds: float) -> bool:
    """Kill it after so long; False where it was done before."""
    with reading(home, url, key, how) as child, contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
        return False
    return True


def what_is_kept(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Every table, but for when we observed what is in it, and in which order boards took turns."""
    assert [finding for finding in audit(home) if not finding.ok] == []
    with Warehouse.open(home) as warehouse:
        kept = {
            "events": "select * exclude (event_offset, observed_at) from events",
            "cursors": "select * exclude (moved_at) from source_cursors",
            "cards": "select * exclude (last_offset) from cards",
            **{table: f"from {table}" for table in TABLES if table != "cards"},
        }
        return {name: sorted(warehouse.frame(sql).rows(), key=repr) for name, sql in kept.items()}


def log_of(board, board_id: str) -> list[str]:
    """The ids of all that the board itself says has happened."""
    told, after = [], 0
    while page := board.ask("GET", f"/api/boards/{board_id}/activity?after={after}&limit=1000")["activity"]:
        told += [entry["id"] for entry in page]
        after = page[-1]["seq"]
    return told


def published(home: Home) -> list[str]:
    try:
        with Warehouse.open(home) as warehouse:
            return warehouse.frame("select event_id from events order by event_offset")["event_id"].to_list()
    except NothingPublished:
        return []


@pytest.fixture
def history(tmp_path: Path) -> Iterator[str]:
    """A Flux with 12,000 entries on four boards."""
    write(tmp_path / "world", 12_000)
    server = ROOT / "tests" / "benchmarks" / "flux_server.py"
    words = [sys.executable, str(server), str(tmp_path / "world")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_a_long_history_read_by_a_reader_killed_seventy_times(history: str, tmp_path: Path) -> None:
    with reading(Home(tmp_path / "calm"), history, "k", "pull") as child:
        assert child.wait(60) == 0
    calm = what_is_kept(Home(tmp_path / "calm"))
    dice, kills, homes = random.Random(7), 0, 0
    while kills < 70:
        home = Home(tmp_path / f"home-{homes}")
        homes += 1
        lives = itertools.count(20)  # a slow machine gets more time with every life, so that each home ends
        while killed_after(home, history, "k", "pull", dice.random() ** 2 * next(lives) / 20):
            kills += 1
        assert what_is_kept(home) == calm, f"after {kills} kills"
    assert homes > 1


def test_a_busy_board_followed_by_a_follower_killed_sixty_times(board, home: Home, tmp_path: Path) -> None:
    board_id, columns = board.make_board()
    over = threading.Event()

    def work() -> None:
        cards = []
        for number in range(100_000):
            if over.wait(0.03):
                break
            if number % 5 == 0:
                cards.append(board.add_card(board_id, columns[0], f"Card {number}"))
            else:
                there = {"cardId": cards[number % len(cards)], "columnId": columns[number % 2]}
                board.ask("PATCH", "/api/cards", there)

    worker = threading.Thread(target=work)
    worker.start()
    dice = random.Random(8)
    try:
        for _ in range(60):
            assert killed_after(home, board.url, board.key, "follow", dice.random() * 0.8)
    finally:
        over.set()
        worker.join()

    told = log_of(board, board_id)
    with reading(home, board.url, board.key, "follow"):
        until(lambda: len(published(home)) >= len(told), seconds=60, what="the last entry")
    assert published(home) == told
    with reading(Home(tmp_path / "calm"), board.url, board.key, "pull") as child:
        assert child.wait(60) == 0
    assert what_is_kept(home) == what_is_kept(Home(tmp_path / "calm"))
