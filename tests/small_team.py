"""A small team's home, filled through the log, and the dashboard on it as a process: for tests of pages."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx

from digests import ledger
from digests.ledger import NOTHING, Made, Outcome
from digests.people import import_people
from running import ROOT, environment, free_port, until
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Entity, Event, Snapshot, Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""A Tuesday: 10:00 in Berlin, 18:00 in Tokyo, 05:00 in New York."""

PEOPLE = """
[[people]]
name = "Ada Berlin"
members = ["flux:ada"]
email = "ada@example.org"
zone = "Europe/Berlin"

[[people]]
name = "Kenji Tokyo"
members = ["flux:kenji"]
email = "kenji@example.org"
zone = "Asia/Tokyo"

[[people]]
name = "Nia New York"
members = ["flux:nia"]
email = "nia@example.org"
zone = "America/New_York"
"""

COLUMNS = {"todo": "To do", "doing": "Doing", "review": "In review", "blocked": "Blocked", "done": "Done"}


@dataclass
class Team:
    """A home with one board that things can be made to happen on."""

    home: Home
    now: datetime = NOW
    told: int = field(default=0)

    def event(self, action: str, card: str | None, actor: str, ago: timedelta, **more: object) -> Event:
        self.told += 1
        kind = action.split(".")[0]
        entity = more.pop("entity_id", card)
        return Event(
            "flux", f"e{self.told}", "b1", action, kind, entity, self.now - ago, self.now, card, actor, **more
        )  # type: ignore[arg-type]

    def append(self, *events: Event, snapshot: Snapshot | None = None) -> None:
        with Log.open(self.home) as log:
            log.append(Batch(events, snapshot))
            log.publish()

    def move(
        self, card: str, start: str, end: str, actor: str = "kenji", ago: timedelta = timedelta()
    ) -> None:
        self.append(self.event("card.moved", card, actor, ago, column_from=start, column_to=end))


def board(now: datetime) -> Snapshot:
    columns = [
        Entity("column", key, {"title": title, "position": n, "is_done": key == "done"})
        for n, (key, title) in enumerate(COLUMNS.items())
    ]
    cards = [
        Entity(
            "card",
            f"c{n}",
            {
                "title": f"Card number {n}" if n else "<b>Bold</b> & “quoted” <script>alert(1)</script>",
                "column_id": "todo",
                "position": n,
                "url": f"https://board.example/c{n}",
                "created_at": (now - timedelta(days=20)).isoformat(),
                "member_ids": ["ada"] if n % 3 == 0 else [],
                "labels": ["bug"] if n % 4 == 0 else [],
                "due_at": (now - timedelta(days=1)).isoformat() if n == 1 else None,
            },
        )
        for n in range(40)
    ]
    items = [
        Entity(
            "checklist_item",
            f"i{n}",
            {"text": f"Step {n}", "done": n < 2, "card_id": "c2", "checklist": "Steps"},
        )
        for n in range(5)
    ]
    members = [
        Entity("member", who, {"name": name, "username": who, "kind": "human"})
        for who, name in [("ada", "Ada Berlin"), ("kenji", "Kenji Tokyo"), ("nia", "Nia New York")]
    ]
    head = Entity("board", "b1", {"title": "Website", "url": "https://board.example/b1"})
    return Snapshot("flux", "b1", now, (head, *columns, *cards, *items, *members))


def fill(home: Home, now: datetime = NOW) -> Team:
    """A board of 40 cards on which a few things happened last night, and three people in three zones.

    An empty home becomes a copy of one that was filled before: forty times as fast.
    """
    if any(home.root.iterdir()):
        return _fill(home, now)
    folder, told = _filled(now)
    shutil.copytree(folder.name, home.root, symlinks=True, dirs_exist_ok=True)
    return Team(home, now, told)


@cache
def _filled(now: datetime) -> tuple[tempfile.TemporaryDirectory[str], int]:
    folder = tempfile.TemporaryDirectory(prefix="daybreak-small-team-")
    home = Home(Path(folder.name))
    team = _fill(home, now)
    ledger.close(home)
    return folder, team.told


def _fill(home: Home, now: datetime) -> Team:
    team = Team(home, now)
    hour = timedelta(hours=1)
    team.append(
        team.event("card.moved", "c3", "kenji", 6 * hour, column_from="todo", column_to="doing"),
        team.event("card.moved", "c4", "kenji", 5 * hour, column_from="todo", column_to="done"),
        team.event(
            "comment.created",
            "c6",
            "nia",
            11 * hour,
            entity_id="k1",
            after={"content": "@ada could you look?"},
        ),
        team.event("card.moved", "c5", "ada", 15 * hour, column_from="todo", column_to="review"),
        snapshot=board(now),
    )
    people = home.root / "people.toml"
    people.write_text(PEOPLE)
    import_people(home, people, now)
    return team


def mailed(home: Home, person_id: str, window: Window, at: datetime, *, refused: str = "") -> None:
    """A digest of that window went out to the person at that instant; or was refused, and its address is dead."""
    ledger.plan(home, [(person_id, at)], at)
    (due,) = ledger.take_due(home, "w", at, limit=9)
    address = f"{person_id.partition('-')[0]}@example.org"
    made = Made(due.digest_id, person_id, window, NOTHING, address, f"<{person_id}-{window.upto}@d>", b"")
    assert ledger.keep(home, "w", [made], at)
    assert ledger.take(home, "w", at, limit=9)
    fate = (
        Outcome(due.digest_id, "refused", refused, suppress=address)
        if refused
        else Outcome(due.digest_id, "sent")
    )
    ledger.settle(home, "w", [fate], at)


@contextmanager
def serve(home: Home, log: Path) -> Iterator[App]:
    """The dashboard of `home`, as `daybreak up` starts it."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--server.headless", "true"], cwd=home.root, env=environment({"DAYBREAK_HOME": str(home.root)}),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        app = App(f"http://127.0.0.1:{port}", log)
        try:
            until(lambda: app.healthy() or process.poll() is not None, what="the dashboard")
            assert process.poll() is None, app.said()
            yield app
        finally:
            process.terminate()
            process.wait(timeout=20)


@dataclass
class App:
    """The dashboard as a process of its own."""

    url: str
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_stcore/health").status_code == 200
        except httpx.TransportError:
            return False
