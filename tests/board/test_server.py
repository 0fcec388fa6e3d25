"""The board as a process: its files, its port, being told to stop, and being killed."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from board.server import BoardUnusable, PortInUse, listen, open_board, serve
from tests.board.conftest import running

CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from board.server import serve
clock = lambda: datetime.now(UTC)
serve(Path(sys.argv[1]), port=0, sample_at=None, log=lambda line: print(line, flush=True), clock=clock)
"""


@contextmanager
def child(root: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The board in a process of its own, and a client of it."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("board=up url=http://127.0.0.1:"), line
        url, key = (root / "board.url").read_text().strip(), (root / "board.key").read_text().strip()
        assert f"url={url} " in line
        try:
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
                yield process, http
        finally:
            process.kill()


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        assert first.key.startswith("flux_")
    with running(tmp_path) as second:
        assert second.key == first.key
    assert stat.S_IMODE((tmp_path / "board.key").stat().st_mode) == 0o600


def test_a_lost_key_file_is_replaced_and_the_old_key_opens_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        first.ask("POST", "/api/boards", 201, json={"title": "Kept"})
    (tmp_path / "board.key").unlink()
    with running(tmp_path) as second:
        assert [board["title"] for board in second.ask("GET", "/api/boards")["boards"]] == ["Kept"]
        second.ask("GET", "/api/boards", 401, headers={"Authorization": f"Bearer {first.key}"})


def test_a_port_in_use_is_named_before_anything_is_written(tmp_path: Path) -> None:
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(PortInUse, match=f"127.0.0.1:{port}.*another port"):
        serve(
            tmp_path / "board", port=port, sample_at=None, log=print, clock=lambda: pytest.fail("too early")
        )
    assert not (tmp_path / "board").exists()


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "board.sqlite").write_text("this is no database, although it is here " * 9)
    (tmp_path / "a-file").write_text("")
    for root in (tmp_path, tmp_path / "a-file" / "board"):
        with pytest.raises(BoardUnusable, match=re.escape(str(root))):
            open_board(root, sample_at=None, now=datetime.now(UTC))


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_quickly_and_well_although_a_stream_is_open(tmp_path: Path, sig: int) -> None:
    with child(tmp_path) as (process, http):
        board = http.post("/api/boards", json={"title": "Open"}).json()["board"]["id"]
        with http.stream("GET", f"/api/boards/{board}/events") as stream:
            next(stream.iter_lines())
            started = time.monotonic()
            process.send_signal(sig)
            assert process.wait(10) == 0
            assert time.monotonic() - started < 3
        assert not (tmp_path / "board.url").exists()
        assert process.stdout is not None
        assert process.stdout.read() == "board=stopped\n"


def test_what_was_answered_is_there_after_a_kill(tmp_path: Path) -> None:
    once = {"X-Idempotency-Key": "one"}
    with child(tmp_path) as (process, http):
        board = http.post("/api/boards", json={"title": "Kept"}).json()["board"]["id"]
        column = http.post("/api/columns", json={"boardId": board, "title": "To do"}).json()["column"]["id"]
        about = {"boardId": board, "columnId": column, "title": "Card"}
        cards = [http.post("/api/cards", json=about).json()["card"] for _ in range(20)]
        answered = http.post("/api/cards", json=about, headers=once).json()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with child(tmp_path) as (_, http):
        assert http.post("/api/cards", json=about, headers=once).json() == answered
        shown = http.get(f"/api/boards/{board}").json()["cards"]
        entries = http.get(f"/api/boards/{board}/activity?limit=1000").json()["activity"]
    assert shown == {card["id"]: card for card in [*cards, answered["card"]]}
    assert [entry["seq"] for entry in entries] == list(range(1, 25))
