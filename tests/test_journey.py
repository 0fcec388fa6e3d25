"""The whole road, as a newcomer walks it: `daybreak up`, a card moved on the board, SQL, the page, the mail, Ctrl-C."""

from __future__ import annotations

import json
import mailbox
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from browser import browser_page
from running import ROOT, Up, daybreak, environment, until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("journey") / "home").start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()


def board_client(up: Up) -> httpx.Client:
    key = (up.home / "board.key").read_text().strip()
    return httpx.Client(
        base_url=f"http://127.0.0.1:{up.board_port}", headers={"Authorization": f"Bearer {key}"}
    )


def ask(up: Up, query: str) -> list[dict[str, object]]:
    result = daybreak("sql", query, "--format", "json", home=up.home)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


def move_a_card(up: Up) -> tuple[str, str, str]:
    """Move the first card of the first column one column on: board id, card id, its new column's id."""
    with board_client(up) as client:
        board = client.get("/api/boards/all").json()["boards"][0]
        cards = client.get(f"/api/boards/{board['id']}").json()["cards"].values()
        columns = [column["id"] for column in board["columns"]]
        card = next(c for c in cards if c["columnId"] in columns[:-1] and not c.get("archivedAt"))
        target = columns[columns.index(card["columnId"]) + 1]
        moved = client.patch("/api/cards", json={"cardId": card["id"], "columnId": target})
        assert moved.status_code == 200, moved.text
        return board["id"], card["id"], target


def test_the_first_minute_has_everything_in_it(up: Up) -> None:
    assert up.said(rf"Dashboard +http://127\.0\.0\.1:{up.port}")
    until(lambda: (up.home / "warehouse.duckdb").exists(), what="the first publish")
    until(lambda: ask(up, "select count(*) as n from boards")[0]["n"], what="the sample team's boards")
    assert (up.home / "board.key").stat().st_mode & 0o777 == 0o600
    people = daybreak("people", "list", home=up.home).stdout
    assert len({line.split("  ")[2] for line in people.splitlines()[1:]}) >= 1
    assert people.count("/") >= 9


def test_a_moved_card_is_in_sql_soon(up: Up) -> None:
    _, card, target = move_a_card(up)
    query = f"select column_id from cards where card_id = '{card}'"
    until(lambda: ask(up, query) == [{"column_id": target}], seconds=10, what="the move in SQL")


@pytest.mark.browser
def test_a_moved_card_is_on_the_live_board_soon(up: Up) -> None:
    with browser_page() as page:
        board, _, _ = move_a_card(up)
        page.goto(f"http://127.0.0.1:{up.port}/live_board?board={board}")
        page.wait_for_selector("[data-card]", timeout=30_000)
        _, card, target = move_a_card(up)
        page.wait_for_selector(f'[data-column="{target}"] [data-card="{card}"]', timeout=10_000)


def test_a_file_can_be_read_while_daybreak_is_running(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "garden.json"
    file.write_text(
        json.dumps({"id": "5f01", "name": "Garden", "actions": [], "lists": [], "cards": [], "members": []})
    )
    result = daybreak("ingest", "trello", str(file), home=up.home)
    assert result.returncode == 0, result.stderr
    assert ask(up, "select title from boards where source = 'trello'") == [{"title": "Garden"}]


def test_a_move_is_in_the_next_digest_once(up: Up) -> None:
    with board_client(up) as client:
        board = client.get("/api/boards/all").json()["boards"][0]
        new = {"boardId": board["id"], "columnId": board["columns"][0]["id"], "title": "Zanzibar invoice run"}
        card = client.post("/api/cards", json=new).json()["card"]
    query = f"select card_id from cards where card_id = '{card['id']}'"
    until(lambda: ask(up, query), what="the new card in SQL")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = next(day for n in range(7) if (day := tomorrow + timedelta(days=n)).weekday() in (0, 1, 2, 3))
    for day in (
        first,
        first,
        first + timedelta(days=1),
    ):  # work days, evening in UTC: past the morning of most zones
        result = daybreak("digest", "run", "--now", f"{day:%Y-%m-%d}T20:30:00Z", home=up.home)
        assert result.returncode == 0, result.stderr
    told: dict[str, int] = {}
    for message in mailbox.Maildir(up.home / "outbox", create=False):
        text = next(part for part in message.walk() if part.get_content_type() == "text/plain")
        if "Zanzibar invoice run" in text.get_payload(decode=True).decode():
            told[message["To"]] = told.get(message["To"], 0) + 1
    assert told
    assert set(told.values()) == {1}


def test_the_readmes_examples_work(up: Up) -> None:
    console = (ROOT / "README.md").read_text().split("```console\n")[1].split("```")[0]
    for line in console.splitlines():
        words = shlex.split(line.removeprefix("$ uv run daybreak "))
        result = daybreak(*words, home=up.home)
        assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
        assert result.stdout.strip()


def test_a_second_up_in_the_same_home_is_refused(up: Up) -> None:
    result = daybreak("up", "--port", "0", home=up.home)
    assert result.returncode == 2
    assert "already running" in result.stderr


def test_a_killed_ingester_comes_back_and_misses_nothing(up: Up) -> None:
    found = subprocess.run(
        ["pgrep", "-f", f"{up.home} ingest follow"], capture_output=True, text=True, check=True
    )
    for number in found.stdout.split():
        subprocess.run(["kill", "-9", number], check=False)
    _, card, target = move_a_card(up)
    query = f"select column_id from cards where card_id = '{card}'"
    until(lambda: ask(up, query) == [{"column_id": target}], seconds=30, what="the move after the crash")
    assert up.said(r"child=ingest exit=-9 .*restart_in_seconds=1")


def test_ctrl_c_stops_all_of_it_and_the_next_start_continues(up: Up) -> None:
    before = ask(up, "select max(event_offset) as head from events")
    assert up.stop(signal.SIGINT) == 0
    assert up.said(r"^Daybreak has stopped\.")
    assert not up.said(r"Traceback|stop=forced")
    for port in (up.port, up.board_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    left = subprocess.run(["pgrep", "-f", str(up.home)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
    again = Up(up.home).start()
    assert ask(again, "select max(event_offset) as head from events") == before
    assert again.stop(signal.SIGTERM) == 0
    assert daybreak("audit", home=up.home).returncode == 0


def test_help_is_quick_to_read() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert all(word in result.stdout + result.stderr for word in ("up", "catch-up", "doctor"))
