"""Two workers, one of them killed with SIGKILL at any step: every due person gets exactly one mail.

The one window that no order of steps can close lies between the server's having a mail and our having noted it: killed
there, the mail goes out again as the same mail. How often that happened is measured and held against the window.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from mail_server import MailServer, serving
from sqlalchemy import delete

from digests import ledger
from digests.audit import audit
from digests.ledger import LEASE, tables, transactions
from digests.people import import_people
from running import ROOT
from small_team import NOW, fill
from warehouse.home import Home

AT = NOW + timedelta(hours=4)
"""14:00 in Berlin, 22:00 in Tokyo, 09:00 in New York: all three are due."""
KILLS = 100
DUE = ["ada@example.org", "kenji@example.org", "nia@example.org"]


@dataclass
class Worker:
    """A process that does a pass when told, and outlives the passes that die."""

    process: subprocess.Popen[str]
    home: Home
    smtp: str

    def begin(self, *, deadly: int = 0, at=AT, patience: float = 0) -> None:
        order = {
            "home": str(self.home.root), "ledger_url": self.home.ledger_url, "smtp": self.smtp,
            "now": at.isoformat(), "deadly": deadly, "patience": patience,
        }  # fmt: skip
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def end(self) -> dict:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


@contextmanager
def working(home: Home, server: MailServer) -> Iterator[Worker]:
    script = Path(__file__).with_name("mortal_worker.py")
    with subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Worker(process, home, f"{server.url}?connections=2")
        process.stdin.close()  # type: ignore[union-attr]


@dataclass
class Scene:
    """A team on whom something is due, two workers, a mail server; and the count of repeated mails."""

    home: Home
    server: MailServer
    mortal: Worker
    other: Worker
    repeated: int = 0
    killed: int = 0

    def set_back(self) -> None:
        """As if nobody had been told anything yet."""
        with transactions.writing(self.home) as con:
            for table in (tables.digests, tables.messages, tables.suppressions):
                con.execute(delete(table))
        self.server.taken.clear()

    def undisturbed(self) -> int:
        """How many steps a pass has that nobody kills."""
        self.set_back()
        self.mortal.begin()
        return int(self.mortal.end()["steps"])

    def kill(self, step: int) -> None:
        """Kill one of two at that step; after the lease a third pass does what is left."""
        self.set_back()
        self.mortal.begin(deadly=step)
        self.other.begin()
        died, lived = self.mortal.end(), self.other.end()
        assert lived["code"] == 0
        assert died["code"] in (0, -9)  # where the other was faster, there are fewer steps
        self.other.begin(at=AT + LEASE)
        assert self.other.end()["code"] == 0
        self.check(died)

    def check(self, died: dict) -> None:
        assert sorted({one.recipient for one in self.server.taken}) == DUE, died
        repeated = len(self.server.taken) - len(DUE)
        assert repeated <= died["unsettled"], died
        assert len({(one.recipient, one.message_id, one.content) for one in self.server.taken}) == len(DUE), (
            died
        )
        assert {digest.state for digest in ledger.digests(self.home)} == {"sent"}, died
        assert all(finding.ok for finding in audit(self.home)), died
        self.repeated += repeated
        self.killed += died["code"] != 0


@pytest.fixture
def scene(request: pytest.FixtureRequest, home: Home, books: Callable[[str], Home]) -> Iterator[Scene]:
    there = books(request.param)
    fill(home)
    if there.ledger_url:
        import_people(there, home.people_file, NOW)
    with serving() as server, working(there, server) as mortal, working(there, server) as other:
        yield Scene(there, server, mortal, other)


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_killed_at_five_steps_every_due_person_gets_exactly_one_mail(scene: Scene) -> None:
    steps = scene.undisturbed()

    for part in range(5):
        scene.kill(1 + steps * (2 * part + 1) // 10)

    assert scene.killed


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["sqlite", "postgresql"], indirect=True)
def test_killed_at_each_step_every_due_person_gets_exactly_one_mail(scene: Scene, record_property) -> None:
    steps = scene.undisturbed()

    for number in range(KILLS):
        scene.kill(1 + number % steps)

    record_property(
        "repeated", f"{scene.repeated} mails of {KILLS * len(DUE)}, {scene.killed} killed, {steps} steps"
    )
    assert scene.killed > KILLS // 2
