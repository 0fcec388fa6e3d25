"""Workers that die: `python mortal_worker.py` runs a digest pass for each line of JSON it is given, in a fork of its own.

A pass can be told to kill itself (SIGKILL) at its n-th step, or at the first whose name begins so. A step is anything the
world can see: an SQL statement, a commit, a command to the mail server, an answer from it. What became of each pass is told as a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, event

from digests import render
from digests.deliver import Smtp
from digests.run import run
from warehouse.home import Home


class Steps:
    """Counts steps, dies at one, and knows how many mails the server may have that the ledger does not know of."""

    def __init__(self, deadly: int | str, tell: int) -> None:
        self.deadly, self.tell = deadly, tell
        self.count = self.handed_over = self.settled = 0
        self.settling = 0  # mails that the transaction under way notes as sent: another connection may have handed over more
        self.committing = self.unanswered = False

    def step(self, name: str) -> None:
        self.count += 1
        if self.deadly == self.count or (isinstance(self.deadly, str) and name.startswith(self.deadly)):
            self.say(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, name: str) -> None:
        told = {"step": name, "steps": self.count, "unsettled": self.handed_over - self.settled}
        os.write(self.tell, json.dumps(told).encode())

    def watch(self) -> None:
        event.listen(Engine, "before_cursor_execute", self.on_statement)
        event.listen(Engine, "commit", self.on_commit)
        putcmd, getreply, send = smtplib.SMTP.putcmd, smtplib.SMTP.getreply, smtplib.SMTP.send

        def put(session: smtplib.SMTP, cmd: str, args: str = "") -> None:
            self.step(f"before {cmd}")
            putcmd(session, cmd, args)

        def sent(session: smtplib.SMTP, data: bytes | str) -> None:
            send(session, data)
            if isinstance(data, bytes) and data.endswith(b"\r\n.\r\n"):
                self.handed_over += 1
                self.unanswered = True
                self.step("after the dot")

        def got(session: smtplib.SMTP) -> tuple[int, bytes]:
            answer = getreply(session)
            self.step("yes to a mail" if self.unanswered else f"after {answer[0]}")
            self.unanswered = False
            return answer

        smtplib.SMTP.putcmd, smtplib.SMTP.send, smtplib.SMTP.getreply = put, sent, got  # type: ignore[method-assign]

    def on_statement(self, *told: object) -> None:
        if self.committing and self.settling:  # that transaction is through
            self.settled, self.settling, self.committing = self.settled + self.settling, 0, False
        statement, parameters = str(told[2]), str(told[3])
        if statement.startswith("UPDATE digests") and "'sent'" in parameters:
            self.settling += parameters.count("'sent'")
            self.step("to note a mail as sent")
        self.step(statement.split("\n")[0][:60])

    def on_commit(self, _: object) -> None:
        self.step("before the commit")
        self.committing = True


def work(order: dict, tell: int) -> None:
    steps = Steps(order["deadly"], tell)
    steps.watch()
    now = datetime.fromisoformat(order["now"])
    home = Home(Path(order["home"]), ledger_url=order["ledger_url"])
    run(
        home,
        now,
        carrier=Smtp.at(order["smtp"]) if order["smtp"] else None,
        say=lambda _: None,
        patience=timedelta(seconds=order["patience"]),
    )
    steps.say("end")


def main() -> None:
    # What the first pass would load and compile, once for all forks: DuckDB looks for pandas, the mail has a template.
    find_spec("pandas") and import_module("pandas")
    render._template("digest.html.j2")
    for line in sys.stdin:
        listen, tell = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(json.loads(line), tell)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(tell)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(listen) as told:
            became = {"code": code, **json.loads(told.read() or "{}")}
        sys.stdout.write(json.dumps(became) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
