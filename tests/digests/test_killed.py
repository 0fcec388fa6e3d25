"""Two workers, killed with SIGKILL at any step: every due person gets exactly one mail.

The one window that no order of steps can close lies between the server's having a mail and our having noted it: killed
there, the mail goes out again as the same mail. How often that happened is measured and held against the window.
"""

from __future__ import annotations

import json
import mailbox
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from digests import ledger
from digests.audit import audit
from digests.ledger import LEASE, tables, transactions
from digests.people import import_people
from mail_server import MailServer, serving
from running import ROOT
from small_team import NOW, fill
from warehouse.home import Home

AT = NOW + timedelta(hours=4)
"""14:00 in Berlin, 22:00 in Tokyo, 09:00 in New York: all three are due."""
KILLS = 50
"""On each of the two databases, spread over all steps there are."""
DUE = ["ada@example.org", "kenji@example.org", "nia@example.org"]


@dataclass
class Worker:
    """A process that does a pass when told, and outlives the passes that die."""

    process: subprocess.Popen[str]
    home: Home
    smtp: str

    def begin(self, *, deadly: int | str = 0, at=AT, patience: float = 0) -> None:
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
def working(home: Home, server: MailServer | None) -> Iterator[Worker]:
    script = Path(__file__).with_name("mortal_worker.py")
    with subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Worker(process, home, f"{server.url}?connections=2" if server else "")
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
            for table in (tables.digests, tables.messages, tables.views, tables.suppressions, tables.visits):
                con.execute(delete(table))
        self.server.taken.clear()

    def undisturbed(self) -> int:
        """How many steps a pass has that nobody kills."""
        self.set_back()
        self.mortal.begin()
        return int(self.mortal.end()["steps"])

    def kill(self, step: int | str) -> None:
        """Kill each of two that comes to that step; after the lease a third pass does what is left."""
        self.set_back()
        self.mortal.begin(deadly=step)
        self.other.begin(deadly=step)
        ended = [self.mortal.end(), self.other.end()]
        assert {one["code"] for one in ended} <= {0, -9}  # who is outrun has nothing left to die over
        self.other.begin(at=AT + LEASE)
        assert self.other.end()["code"] == 0
        self.check(ended)

    def check(self, ended: list[dict]) -> None:
        died = [one for one in ended if one["code"]]
        repeated = len(self.server.taken) - len(DUE)
        assert sorted({one.recipient for one in self.server.taken}) == DUE, died
        assert repeated <= sum(one["unsettled"] for one in died), died
        assert len(set(self.server.taken)) == len(DUE), "the same mail, to the byte"
        assert {digest.state for digest in ledger.digests(self.home)} == {"sent"}, died
        assert all(finding.ok for finding in audit(self.home)), died
        self.repeated += repeated
        self.killed += len(died)


@pytest.fixture
def scene(request: pytest.FixtureRequest, home: Home, books: Callable[[str], Home]) -> Iterator[Scene]:
    there = books(request.param)
    fill(home)
    if there.ledger_url:
        import_people(there, home.people_file, NOW)
    with serving() as server, working(there, server) as mortal, working(there, server) as other:
        yield Scene(there, server, mortal, other)


STEPS = ["INSERT INTO messages", "before mail", "after the dot", "yes to a mail", "to note a mail as sent"]
"""Where it hurts most: before a mail is kept, sent, answered, known to be sent, and noted."""


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_killed_where_it_hurts_most_every_due_person_gets_exactly_one_mail(scene: Scene) -> None:
    for step in STEPS:
        scene.kill(step)

    assert scene.killed >= len(STEPS)
    assert scene.repeated, "the window is real, and this test looks into it"


def test_killed_before_it_notes_a_mail_in_a_maildir_the_mail_is_there_once(home: Home) -> None:
    fill(home)
    with working(home, None) as worker:
        worker.begin(deadly="to note a mail as sent")
        assert worker.end()["code"] == -9
        worker.begin(at=AT + LEASE)
        assert worker.end()["code"] == 0

    found = [message["To"] for message in mailbox.Maildir(home.outbox)]
    assert sorted(found) == [
        "Ada Berlin <ada@example.org>",
        "Kenji Tokyo <kenji@example.org>",
        "Nia New York <nia@example.org>",
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", ["sqlite", "postgresql"], indirect=True)
def test_killed_at_each_step_every_due_person_gets_exactly_one_mail(scene: Scene, record_property) -> None:
    steps = scene.undisturbed()

    for number in range(KILLS):
        scene.kill(1 + number * steps // KILLS)

    record_property(
        "repeated", f"{scene.repeated} mails of {KILLS * len(DUE)}, {scene.killed} killed, {steps} steps"
    )
    assert scene.killed > KILLS // 2
