"""An outbox with a mail for each of a few people, without the boards behind it; and a worker that sends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from threading import Event

from digests import ledger
from digests.deliver import Carrier, Parcel, Smtp
from digests.ledger import NOTHING, Made
from digests.send import AT_ONCE, Sending
from mail_server import MailServer
from warehouse.home import Home
from warehouse.model import Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@dataclass
class Outbox:
    """A mail each for so many people. Waits of the worker are noted, not waited."""

    home: Home
    people: int = 8
    waits: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    while_waiting: Callable[[], object] = lambda: None

    def fill(self) -> Outbox:
        slots = [(f"p{n}", NOW) for n in range(self.people)]
        ledger.plan(self.home, slots, NOW)
        rows = ledger.take_due(self.home, "makes", NOW, limit=self.people)
        assert ledger.keep(self.home, "makes", [self.made(row.digest_id, row.person_id) for row in rows], NOW)
        return self

    def made(self, digest_id: int, who: str) -> Made:
        mail = EmailMessage()
        mail["Message-ID"], mail["To"] = f"<0-4.{who}@example.org>", f"{who}@example.org"
        mail.set_content(f"News for {who}.\n.\n..a line that begins with dots\n")
        counts = {**NOTHING, "events": 4, "shown": 4}
        return Made(digest_id, who, Window(0, 4), counts, mail["To"], mail["Message-ID"], mail.as_bytes())

    def send(
        self, carrier: Carrier | MailServer, now: datetime = NOW, worker: str = "w", at_once: int = AT_ONCE
    ) -> Counter[str]:
        if isinstance(carrier, MailServer):
            carrier = replace(Smtp.at(carrier.url), timeout=0.5, patience=0.5)
        try:
            return Sending(
                self.home, carrier, worker, lambda: now, self.said.append, Event(), self._wait, at_once
            ).all()
        finally:
            ledger.give_back(self.home, worker)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.while_waiting()

    def states(self) -> Counter[str]:
        return Counter(digest.state for digest in ledger.digests(self.home))

    def of(self, address: str) -> ledger.Digest:
        (digest,) = (one for one in ledger.digests(self.home) if one.recipient == address)
        return digest


def everybody(count: int = 8) -> list[str]:
    return sorted(f"p{n}@example.org" for n in range(count))


def as_parcel(mail: ledger.Outgoing) -> Parcel:
    return Parcel(mail.message, mail.recipient, mail.message_id)
