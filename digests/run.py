"""One pass over everybody whose digest is due, and the loop around it.

The order of steps is the guarantee: the row and its message are kept before anything is sent, so a crash at any step
sends the same mail again, and the Message-ID makes that one mail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from threading import Event

from filelock import FileLock, Timeout

from digests import ledger
from digests.deliver import Carrier, DeliveryDeferred, DeliveryRefused, Maildir, Parcel, compose
from digests.gather import gathered
from digests.ledger import Digest
from digests.model import CatchUp, Person
from digests.people import people
from digests.render import counts, subject
from digests.schedule import Slot, due
from warehouse.home import Home
from warehouse.reading import NothingPublished, Warehouse

BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
"""How long a digest that was put off waits for its second, third … try."""

_log = logging.getLogger(__name__)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunReport:
    """How many digests a run sent, put off, was refused, or had nothing to tell in."""

    due: int = 0
    sent: int = 0
    skipped: int = 0
    deferred: int = 0
    refused: int = 0
    failed: int = 0
    without_zone: int = 0

    def plus(self, outcome: str) -> RunReport:
        """One more of that outcome."""
        return replace(self, **{outcome: getattr(self, outcome) + 1})

    @property
    def ok(self) -> bool:
        """Nobody was left without their digest."""
        return not (self.deferred or self.refused or self.failed)

    def __str__(self) -> str:
        names = ("due", "sent", "skipped", "deferred", "refused", "failed", "without_zone")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


class RunBusy(Exception):
    """Another run is sending at this moment; it does what this one would."""


def run(
    home: Home,
    now: datetime,
    *,
    dry_run: bool = False,
    carrier: Carrier | None = None,
    say: Say | None = None,
    page_url: str = "",
    patience: timedelta = timedelta(0),
) -> RunReport:
    """Send what is due and what an earlier run left unsent. `dry_run` says what it would do and changes nothing.

    Waits `patience` for a run under way to end, then raises RunBusy; raises NothingPublished.
    One person's failure costs nobody else theirs.
    """
    runner = _Run(home, now, carrier or Maildir(home.outbox), say or _log.info, page_url)
    if dry_run:
        return runner.everybody(dry=True)
    try:
        # Two workers at once would both find the same row unsent. The lock goes with the process that holds it.
        with FileLock(home.root / "digests.lock", timeout=patience.total_seconds()):
            return runner.everybody(dry=False)
    except Timeout as error:
        raise RunBusy("Another digest run is under way in this home; it sends what is due.") from error


def preview(home: Home, person: Person, now: datetime, *, page_url: str = "") -> EmailMessage:
    """The mail the person would get now. Nothing is sent or kept. Raises NothingPublished."""
    with Warehouse.open(home) as warehouse:
        return compose(gathered(warehouse, home, person, now=now, page_url=page_url), page_url=page_url)


def loop(
    home: Home,
    clock: Callable[[], datetime],
    stop: Event,
    *,
    carrier: Carrier | None = None,
    say: Say | None = None,
    page_url: str = "",
) -> None:
    """Run on every minute until `stop` is set. What goes wrong in one minute is tried again in the next."""
    while not stop.is_set():
        try:
            report = run(home, clock(), carrier=carrier, say=say, page_url=page_url)
            if report.sent or report.skipped or not report.ok:
                (say or _log.info)(f"digests {report}")
        except (NothingPublished, RunBusy) as error:
            _log.debug("%s", error)
        except Exception:  # noqa: BLE001 - the outermost loop: a bad minute must not end the mornings after it
            _log.exception("a digest run failed; it is tried again in a minute")
        now = clock()
        stop.wait(60 - now.second - now.microsecond / 1e6)


@dataclass(frozen=True)
class _Run:
    home: Home
    now: datetime
    carrier: Carrier
    say: Say
    page_url: str

    def everybody(self, *, dry: bool) -> RunReport:
        everybody = people(self.home)
        report = RunReport(without_zone=sum(person.zone is None for person in everybody))
        if not dry:
            for digest in self._unsent():
                report = report.plus(self._guarded(digest.person_id, partial(self._send, digest)))
        with Warehouse.open(self.home) as warehouse:
            for person in everybody:
                slot = due(person, self.now)
                if slot is None or ledger.answer(self.home, person.person_id, slot.at):
                    continue
                work = partial(self._one, warehouse, person, slot, dry=dry)
                report = report.plus("due").plus(self._guarded(person.person_id, work))
        return report

    def _unsent(self) -> Iterator[Digest]:
        """What a crash or a deferral left, but for what was read on the page meanwhile."""
        for digest in ledger.digests(self.home, states=("rendered", "sending", "deferred")):
            read = ledger.cursor(self.home, digest.person_id)
            if read and read.window.upto >= digest.window.upto:
                ledger.move(
                    self.home, digest.digest_id, "skipped", self.now, reason="read on the page meanwhile"
                )
            elif digest.state != "deferred" or self.now >= digest.changed_at + _pause(digest.attempts):
                yield digest

    def _guarded(self, person_id: str, work: Callable[[], str]) -> str:
        try:
            return work()
        except Exception:  # noqa: BLE001 - one person's failure costs nobody else theirs
            _log.exception("the digest of %s could not be made or sent", person_id)
            return "failed"

    def _one(self, warehouse: Warehouse, person: Person, slot: Slot, *, dry: bool) -> str:
        catch_up = gathered(warehouse, self.home, person, now=self.now, page_url=self.page_url)
        why = _nothing(catch_up)
        if dry:
            self.say(
                f"would {f'skip {person.person_id}: {why}' if why else f'send {person.person_id}: {subject(catch_up)}'}"
            )
            return "skipped" if why else "sent"
        if why:
            ledger.skip(
                self.home, person.person_id, catch_up.window, slot.at, why, counts(catch_up), self.now
            )
            self.say(f"digest person={person.person_id} state=skipped reason={why!r}")
            return "skipped"
        digest = self._claim(catch_up, slot)
        return self._send(digest) if digest else "skipped"

    def _claim(self, catch_up: CatchUp, slot: Slot) -> Digest | None:
        # A mail put off until now would tell the same again: the new one covers its window.
        for old in ledger.digests(self.home, catch_up.person.person_id, states=("deferred",)):
            ledger.move(self.home, old.digest_id, "skipped", self.now, reason="covered by the next digest")
        mail = compose(catch_up, sender=self.carrier.sender, page_url=self.page_url)
        assert catch_up.person.email is not None
        return ledger.claim(
            self.home,
            catch_up.person.person_id,
            catch_up.window,
            slot.at,
            counts=counts(catch_up),
            recipient=catch_up.person.email,
            message_id=str(mail["Message-ID"]),
            message=mail.as_bytes(),
            now=self.now,
        )

    def _send(self, digest: Digest) -> str:
        assert digest.message is not None
        assert digest.message_id is not None
        state, reason = "sent", ""
        ledger.move(self.home, digest.digest_id, "sending", self.now)
        try:
            self.carrier.deliver(Parcel(digest.message, digest.recipient, digest.message_id))
        except DeliveryDeferred as error:
            state, reason = "deferred", str(error)
        except DeliveryRefused as error:
            state, reason = "refused", str(error)
        ledger.move(self.home, digest.digest_id, state, self.now, reason=reason)
        why = f" reason={reason!r}" if reason else ""
        self.say(
            f"digest person={digest.person_id} to={digest.recipient} state={state} upto={digest.window.upto}{why}"
        )
        return state


def _nothing(catch_up: CatchUp) -> str | None:
    """Why there is no mail, if there is none."""
    if not any(True for _ in catch_up.lines):
        return "nothing to tell"
    return None if catch_up.person.email else "no e-mail address"


def _pause(attempts: int) -> timedelta:
    return BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1]
