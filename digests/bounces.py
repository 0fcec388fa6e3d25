"""Mails that came back: their reports are read, their digests are told by the next one, dead addresses get no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from digests import ledger
from digests.deliver import BadCarrier
from digests.deliver.mailboxes import MailboxUnavailable, look_through
from digests.deliver.reports import Bounce, bounce_of
from warehouse.home import Home


@dataclass
class BounceReport:
    """How many reports were read, how many were of our mails, how many addresses get no more mail."""

    reports: int = 0
    ours: int = 0
    suppressed: int = 0

    def __str__(self) -> str:
        return f"reports={self.reports} ours={self.ours} suppressed={self.suppressed}"


def take_in(
    home: Home, mailbox: str, now: datetime, *, return_path: str = "", say: Callable[[str], None]
) -> BounceReport:
    """Read what came back to `mailbox` since the last look. Raises MailboxUnavailable and BadCarrier.

    What a report says is in the ledger before the report is marked as read; read twice, it changes nothing.
    """
    told = BounceReport()

    def judge(raw: bytes) -> bool:
        bounce = bounce_of(raw, return_path)
        if bounce:
            told.reports += 1
            _take_in(home, bounce, now, told, say)
        return bounce is not None

    look_through(mailbox, judge)
    return told


def _take_in(
    home: Home, bounce: Bounce, now: datetime, told: BounceReport, say: Callable[[str], None]
) -> None:
    reason = f"came back: {bounce.status} {bounce.said}".strip()
    digest = ledger.came_back(home, bounce.names, reason, suppress=bounce.hard, now=now)
    if digest:
        told.ours += 1
        told.suppressed += bounce.hard
        say(
            f"digest person={digest.person_id} to={digest.recipient} state=refused upto={digest.window.upto} reason={reason!r}"
        )


@dataclass
class Watch:
    """A mailbox that is looked into before each run; that it cannot be read is said once and stops nothing."""

    home: Home
    mailbox: str
    return_path: str
    say: Callable[[str], None]
    said: str = ""

    def __call__(self, now: datetime) -> None:
        """Take in what has come."""
        try:
            take_in(self.home, self.mailbox, now, return_path=self.return_path, say=self.say)
            self.said = ""
        except (MailboxUnavailable, BadCarrier) as error:
            if str(error) != self.said:
                self.said = str(error)
                self.say(self.said)
