"""How soon what is written on a busy board is in a long log, and published: one JSON line a figure, milliseconds.

Run: `uv run python tests/benchmarks/live_speed.py [EVENTS] [SECONDS] [WRITES]`: a log of 1,000,000 events with payloads, the
embedded board, a follower and a reader, each its own process; 50 writes a second for 30 s: moves, comments, new cards.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import httpx
from long_log import Scale, home_with

from running import ROOT, environment, free_port, until
from warehouse.home import Home

BOARDS, CARDS, COLUMNS = 4, 100, 6
Write = tuple[str, int, float, float]
"""What was written: the thing, its version, when it was sent and when acknowledged."""


class Team:
    """Somebody who works on one board, at a steady pace."""

    def __init__(self, url: str, key: str, number: int) -> None:
        self.client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
        )
        self.random = Random(number)
        self.board = self.ask("POST", "/api/boards", title=f"Board {number}")["board"]["id"]
        made = (
            self.ask("POST", "/api/columns", boardId=self.board, title=f"Column {column}")
            for column in range(COLUMNS)
        )
        self.columns = [each["column"]["id"] for each in made]
        self.places: dict[str, str] = {}
        for _ in range(CARDS):
            self.create()
        self.writes: list[Write] = []

    def ask(self, method: str, path: str, **body: object) -> dict[str, dict[str, str]]:
        answer = self.client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def create(self) -> dict[str, str]:
        title, column = f"Card {len(self.places)} of {self.board}", self.random.choice(self.columns)
        card = self.ask("POST", "/api/cards", boardId=self.board, columnId=column, title=title)["card"]
        self.places[card["id"]] = column
        return card

    def move(self) -> dict[str, str]:
        """To another column always: where nothing changes, nothing is logged."""
        card = self.some_card()
        column = self.random.choice([each for each in self.columns if each != self.places[card]])
        self.places[card] = column
        return self.ask("PATCH", "/api/cards", cardId=card, columnId=column)["card"]

    def comment(self) -> dict[str, str]:
        said = "We should look at this again before the release. " * self.random.randint(1, 4)
        return self.ask("POST", f"/api/cards/{self.some_card()}/comments", content=said)["comment"]

    def some_card(self) -> str:
        return self.random.choice(list(self.places))

    def work(self, seconds: float, a_second: float, late: float) -> None:
        """Write at set times, whatever the last write took."""
        began = time.monotonic() + late
        for turn in range(int(seconds * a_second)):
            time.sleep(max(0.0, began + turn / a_second - time.monotonic()))
            deed = self.random.choices([self.move, self.comment, self.create], [60, 25, 15])[0]
            sent = time.monotonic()
            thing = deed()
            self.writes.append((thing["id"], int(thing["version"]), sent, time.monotonic()))


def main(events: int = 1_000_000, seconds: int = 30, a_second: int = 50) -> None:
    scale = Scale(events, boards=20, members=200, payloads=True)
    with tempfile.TemporaryDirectory() as root, ExitStack() as running:
        home = home_with(scale, Path(root) / "home")
        url = running.enter_context(board(home))
        key = home.board_key.read_text().strip()
        teams = [Team(url, key, number) for number in range(BOARDS)]
        kept, published = Path(root) / "kept", Path(root) / "published"
        with child("follow", home, kept, url, key), child("publishes", home, published):
            until(lambda: len(notes(kept)) >= BOARDS * (1 + COLUMNS + CARDS), seconds=300, what="catching up")
            until(lambda: len(notes(published)) >= 1, seconds=300, what="a publish")
            time.sleep(3)
            together(
                [
                    lambda team=team, late=number / a_second: team.work(seconds, a_second / BOARDS, late)
                    for number, team in enumerate(teams)
                ]
            )
            written = {write[:2] for team in teams for write in team.writes}
            until(
                lambda: written <= {(one[0], one[1]) for one in notes(kept)},
                seconds=300,
                what="the last write",
            )
            last = max(offset for _, _, offset, _ in notes(kept))
            until(lambda: notes(published)[-1][1] >= last, seconds=300, what="the last publish")
        size = (home.warehouse_dir / "live.duckdb").stat().st_size
        report(
            [write for team in teams for write in team.writes], notes(kept), notes(published), events, size
        )


def report(writes: list[Write], kept: list[list], published: list[list], events: int, size: int) -> None:
    committed = {(thing, version): (offset, at) for thing, version, offset, at in kept}
    missing = [write for write in writes if write[:2] not in committed]
    assert not missing, f"{len(missing)} of {len(writes)} writes never came to the log"
    heads = [head for _, head, _ in published]
    span = max(write[3] for write in writes) - min(write[2] for write in writes)
    print(json.dumps({"figure": "the log before", "value": events, "unit": "events", "file_mb": size >> 20}))
    print(json.dumps({"figure": "writes a second, reached", "value": round(len(writes) / span, 1), "unit": "1/s", "writes": len(writes)}))  # fmt: skip
    answered, waits, seen = [], [], []
    for thing, version, sent, acknowledged in writes:
        offset, at = committed[thing, version]
        answered.append(acknowledged - sent)
        waits.append(at - acknowledged)
        place = bisect_left(heads, offset)
        assert place < len(heads), f"offset {offset} was never published"
        seen.append(published[place][2] - acknowledged)
    tell("board: write answered (baseline)", answered)
    tell("acknowledged by the board → committed in the log", waits, target="p50 ≤ 30, p99 ≤ 150")
    tell("acknowledged by the board → published and opened", seen, target="p99 ≤ 1500")
    between = [later[2] - earlier[2] for earlier, later in pairwise(published)]
    tell("from publish to publish", between)


def tell(figure: str, seconds: list[float], **more: object) -> None:
    ms = sorted(1000 * value for value in seconds)
    p99 = ms[min(len(ms) - 1, int(0.99 * len(ms)))]
    print(json.dumps({"figure": figure, "unit": "ms", "n": len(ms), "p50": round(statistics.median(ms), 1), "p99": round(p99, 1), "max": round(ms[-1], 1), **more}, ensure_ascii=False), flush=True)  # fmt: skip


def notes(file: Path) -> list[list]:
    """Whole lines noted so far."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def board(home: Home) -> Iterator[str]:
    """The embedded board of this home, as `daybreak board serve` runs it."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "--home", str(home.root), "board", "serve", "--port", str(port)]
    with running(command):
        until(home.board_url.exists, seconds=60, what="the board")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def child(what: str, home: Home, file: Path, *access: str) -> Iterator[None]:
    command = [sys.executable, "-u", str(HERE / "live_watch.py"), what, str(home.root), str(file), *access]
    with running(command):
        yield


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0, f"{command[-3:]} ended with {process.returncode}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
