"""How long a change takes along the road of a running `daybreak up`: one JSON line a figure, milliseconds.

Run: `uv run python tests/benchmarks/road_speed.py`. The baseline in the same run is the board's own answer to the write.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import httpx

from browser import browser_page
from running import Up, daybreak, until
from warehouse.home import Home
from warehouse.publish import current
from warehouse.reading import Warehouse

MOVES = 20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder) / "home")
        began = time.monotonic()
        up.start()
        tell("up: first start to dashboard", [time.monotonic() - began])
        try:
            measure(up)
        finally:
            up.stop()


def measure(up: Up) -> None:
    headers = {"Authorization": f"Bearer {(up.home / 'board.key').read_text().strip()}"}
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{up.board_port}", headers=headers) as client,
        browser_page() as page,
    ):
        board = client.get("/api/boards/all").json()["boards"][0]
        new = {"boardId": board["id"], "columnId": board["columns"][0]["id"], "title": "Measured"}
        card = client.post("/api/cards", json=new).json()["card"]["id"]
        until(lambda: column_of(up, card), what="the first publish")
        page.goto(f"http://127.0.0.1:{up.port}/live_board?board={board['id']}")
        page.wait_for_selector(f'[data-card="{card}"]', timeout=60_000)
        answered, published, shown, asked = [], [], [], []
        for turn in range(MOVES):
            target = board["columns"][(turn + 1) % 2]["id"]
            began = time.monotonic()
            client.patch("/api/cards", json={"cardId": card, "columnId": target}).raise_for_status()
            answered.append(time.monotonic() - began)
            while column_of(up, card) != target:
                time.sleep(0.005)
            published.append(time.monotonic() - began)
            page.wait_for_selector(f'[data-column="{target}"] [data-card="{card}"]', timeout=30_000)
            shown.append(time.monotonic() - began)
            began = time.monotonic()
            daybreak("sql", "select count(*) from cards", home=up.home)
            asked.append(time.monotonic() - began)
    tell("board: write answered (baseline)", answered)
    tell("write sent to published, readable in SQL", published)
    tell("write sent to shown on the Live board", shown)
    tell("`daybreak sql`: one call from a shell", asked)
    memory(up)


def column_of(up: Up, card: str) -> str | None:
    if current(Home(up.home)) is None:
        return None
    with Warehouse.open(Home(up.home)) as warehouse:
        rows = warehouse.frame("select column_id from cards where card_id = $card", {"card": card}).rows()
    return str(rows[0][0]) if rows else None


def memory(up: Up) -> None:
    listing = subprocess.run(["ps", "-eo", "rss,args"], capture_output=True, text=True, check=True).stdout
    for name, mark in (
        ("board", "board serve"),
        ("ingest", "ingest follow"),
        ("digest", "digest run"),
        ("pages", "streamlit run"),
    ):
        sizes = [
            int(line.split()[0])
            for line in listing.splitlines()
            if mark in line and (str(up.home) in line or name == "pages")
        ]
        print(
            json.dumps(
                {"figure": f"memory of {name}", "unit": "MB", "value": round(max(sizes, default=0) / 1024)}
            )
        )


def tell(figure: str, seconds: list[float]) -> None:
    in_ms = sorted(1000 * value for value in seconds)
    p95 = in_ms[min(len(in_ms) - 1, int(0.95 * len(in_ms)))]
    print(json.dumps({"figure": figure, "unit": "ms", "n": len(in_ms), "median": round(statistics.median(in_ms)), "p95": round(p95), "max": round(in_ms[-1])}))  # fmt: skip


if __name__ == "__main__":
    main()
