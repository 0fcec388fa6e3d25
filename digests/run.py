"""One pass over everybody whose digest is due, and the loop around it: plan, make, send.

Each step takes up what any earlier pass, of any worker, left: a slot that has come is a row; a made digest is its row
and message, kept before anything is sent; a mail under way is held by a worker, and free again when that one dies.
"""

from __future__ import annotations

import logging
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from threading import Event

from digests import ledger
from digests.coming import come, too_late
from digests.deliver import Carrier, Maildir
from digests.gather import Gathering, gather
from digests.ledger import NOTHING, Due, Made, Suppression
from digests.mail import compose
from digests.model import CatchUp, Person
from digests.people import people
from digests.render import counts, subject
from digests.send import Sending
from digests.web.kept import keep, packed
from digests.web.links import Doors
from warehouse.home import Home
from warehouse.model import Window
from warehouse.reading import NothingPublished, Warehouse

AT_ONCE = 100
"""Digests a worker takes to make at a time, and keeps in one transaction."""
KEPT = timedelta(days=30)
"""How long the message of a digest that is done with is kept, and what its page shows."""
LOOK_AGAIN = timedelta(seconds=0.2)
"""Between two looks at what other workers still hold."""

_COUNTED = ("due", "sent", "skipped", "deferred", "refused", "failed")
_log = logging.getLogger(__name__)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunReport:
    """How many digests a run found due, sent, put off, was refused, or had nothing to tell in."""

    due: int = 0
    sent: int = 0
    skipped: int = 0
    deferred: int = 0
    refused: int = 0
    failed: int = 0
    without_zone: int = 0

    def plus(self, later: RunReport) -> RunReport:
        """Both runs together."""
        sums = {name: getattr(self, name) + getattr(later, name) for name in _COUNTED}
        return RunReport(**sums, without_zone=later.without_zone)

    @property
    def ok(self) -> bool:
        """Nobody was left without their digest."""
        return not (self.deferred or self.refused or self.failed)

    def __str__(self) -> str:
        return " ".join(f"{name}={getattr(self, name)}" for name in (*_COUNTED, "without_zone"))


def run(
    home: Home,
    now: datetime,
    *,
    dry_run: bool = False,
    carrier: Carrier | None = None,
    say: Say | None = None,
    doors: Doors | None = None,
    clock: Callable[[], datetime] | None = None,
    stop: Event | None = None,
    patience: timedelta = timedelta(0),
) -> RunReport:
    """Send what is due at `now` and what an earlier run left unsent. `dry_run` says what it would do and changes nothing.

    `clock` tells the time while the run goes on; without it, it stands still. Where another worker is at it, the run
    waits `patience` for that one to end, so that what was due is dealt with afterwards. Raises NothingPublished and
    LedgerUnavailable. One person's failure costs nobody else theirs.
    """
    one = _Run(
        home, now, clock or (lambda: now), carrier or Maildir(home.outbox), say or _log.info,
        doors or Doors(home), stop or Event(),
    )  # fmt: skip
    if dry_run:
        return one.rehearsed()
    return one.patiently(patience) if patience else one.once()


def preview(home: Home, person: Person, now: datetime, doors: Doors | None = None) -> EmailMessage:
    """The mail the person would get now. Nothing is sent or kept. Raises NothingPublished."""
    doors = doors or Doors(home)
    return compose(gather(home, person, now=now, page_url=doors.page), doors.letterhead)


def loop(
    home: Home,
    clock: Callable[[], datetime],
    stop: Event,
    *,
    carrier: Carrier | None = None,
    say: Say | None = None,
    doors: Doors | None = None,
    first: Callable[[datetime], None] | None = None,
) -> None:
    """Run on every minute until `stop` is set, and do `first` before each run.

    What goes wrong in one minute is tried again in the next; that `first` goes wrong keeps nobody from their mail.
    """

    def each(now: datetime) -> None:
        report = run(home, now, carrier=carrier, say=say, doors=doors, clock=clock, stop=stop)
        if report.sent or report.skipped or not report.ok:
            (say or _log.info)(f"digests {report}")

    while not stop.is_set():
        for step in (first, each) if first else (each,):
            try:
                step(clock())
            except NothingPublished as error:
                _log.debug("%s", error)
            except Exception:  # noqa: BLE001 - the outermost loop: a bad minute must not end the mornings after it
                _log.exception("a part of a digest run failed; it is tried again in a minute")
        now = clock()
        stop.wait(60 - now.second - now.microsecond / 1e6)


@dataclass(frozen=True)
class _Run:
    home: Home
    now: datetime
    clock: Callable[[], datetime]
    carrier: Carrier
    say: Say
    doors: Doors
    stop: Event
    # Nobody else's, also not that of a process that had our number before.
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{uuid.uuid4().hex[:12]}")

    def once(self) -> RunReport:
        """What earlier runs left is sent before anything is made: where the next window begins depends on it."""
        everybody = people(self.home)
        try:
            with Warehouse.open(self.home) as warehouse:
                self._plan(warehouse, everybody)
            tally = self._send()  # may take its time, in which no version of the warehouse is held …
            if tally:  # … and people may choose anew
                everybody = people(self.home)
            with Warehouse.open(self.home) as warehouse:
                tally += self._make(warehouse, everybody)
            tally += self._send()
            ledger.forget_messages(self.home, self.clock() - KEPT)
        finally:  # what could not be made or begun is for the next run, whosever it is
            ledger.give_back(self.home, self.worker)
        return RunReport(**tally, without_zone=sum(person.zone is None for person in everybody))

    def patiently(self, patience: timedelta) -> RunReport:
        """`once`, and where others were at it, once more when they have ended: they may have left something."""
        met = self._others_at_work()
        report = self.once()
        for _ in range(int(patience / LOOK_AGAIN)):
            if self.stop.is_set() or not self._others_at_work():
                break
            met = True
            self.stop.wait(LOOK_AGAIN.total_seconds())
        return report.plus(self.once()) if met else report

    def _others_at_work(self) -> bool:
        return ledger.others_at_work(self.home, self.worker, self.clock())

    def rehearsed(self) -> RunReport:
        """Say what `once` would do."""
        everybody = people(self.home)
        tally: Counter[str] = Counter()
        with Warehouse.open(self.home) as warehouse:
            gathering = self._gathering(warehouse)
            for person, slot_at in come(self.home, warehouse, everybody, self.now):
                answer = ledger.answer(self.home, person.person_id, slot_at)
                if answer is None or answer.state == "due":
                    why_not, told = self._told(gathering, person, ledger.suppressions(self.home))
                    what = (
                        f"skip {person.person_id}: {why_not}"
                        if why_not
                        else f"send {person.person_id}: {subject(told)}"
                    )
                    self.say(f"would {what}")
                    tally.update(["due", "skipped" if why_not else "sent"])
        return RunReport(**tally, without_zone=sum(person.zone is None for person in everybody))

    def _plan(self, warehouse: Warehouse, everybody: Sequence[Person]) -> None:
        # As long as boards were only looked at, their story is still to be read: an answer now would be "nothing to tell".
        found = come(self.home, warehouse, everybody, self.now) if warehouse.head() else []
        slots = [(person.person_id, slot_at) for person, slot_at in found]
        ledger.plan(self.home, slots, self.clock())
        ledger.make_again(self.home, {one.person_id: one.email for one in everybody}, self.clock())

    def _make(self, warehouse: Warehouse, everybody: Sequence[Person]) -> Counter[str]:
        """Gather, compose and keep what is due, however many at a time; what fails is due again in the next run."""
        tally: Counter[str] = Counter()
        by_id = {person.person_id: person for person in everybody}
        gathering = self._gathering(warehouse)
        while not self.stop.is_set() and (taken := self._take_due()):
            suppressed = ledger.suppressions(self.home)
            self._expect(gathering, [by_id[one.person_id] for one in taken if one.person_id in by_id])
            made = [self._made(gathering, by_id.get(one.person_id), one, suppressed) for one in taken]
            done = [each for each in made if each]
            kept = ledger.keep(self.home, self.worker, done, self.clock())
            skipped = [each for each in kept if each.why_not]
            for each in skipped:
                self.say(f"digest person={each.person_id} state=skipped reason={each.why_not!r}")
            tally.update(due=len(taken), failed=len(made) - len(done), skipped=len(skipped))
        return tally

    def _expect(self, gathering: Gathering, some: Sequence[Person]) -> None:
        try:
            gathering.expect(some)
        except Exception:  # noqa: BLE001 - a board that cannot be read costs those who read it alone
            _log.exception("the boards of %d people could not be read together", len(some))

    def _gathering(self, warehouse: Warehouse) -> Gathering:
        return Gathering(warehouse, self.home, now=self.now, page_url=self.doors.page)

    def _take_due(self) -> list[Due]:
        return ledger.take_due(self.home, self.worker, self.clock(), limit=AT_ONCE)

    def _made(
        self, gathering: Gathering, person: Person | None, row: Due, suppressed: Mapping[str, Suppression]
    ) -> Made | None:
        try:
            if why_not := too_late(person, row, self.now):
                return Made(row.digest_id, row.person_id, Window(0, 0), NOTHING, why_not=why_not)
            assert person is not None
            why_not, told = self._told(gathering, person, suppressed)
            receipt = Made(row.digest_id, row.person_id, told.window, counts(told), why_not=why_not)
            return receipt if why_not else self._with_mail(receipt, told)
        except Exception:  # noqa: BLE001 - one person's failure costs nobody else theirs
            _log.exception("the digest of %s could not be made", row.person_id)
            return None

    def _told(
        self, gathering: Gathering, person: Person, suppressed: Mapping[str, Suppression]
    ) -> tuple[str, CatchUp]:
        """What the person is told, and why there is no mail, if there is none."""
        told = gathering.told(person)
        if not any(True for _ in told.lines):
            return "nothing to tell", told
        if not person.email:
            return "no e-mail address", told
        stopped = suppressed.get(ledger.plain_address(person.email))
        return (f"the address is suppressed: {stopped.reason}" if stopped else ""), told

    def _with_mail(self, receipt: Made, told: CatchUp) -> Made:
        mail = compose(told, replace(self.doors, sender=self.carrier.sender).letterhead)
        assert told.person.email is not None
        return replace(
            receipt,
            recipient=told.person.email,
            message_id=str(mail["Message-ID"]),
            message=mail.as_bytes(),
            view=packed(keep(told)),
        )

    def _send(self) -> Counter[str]:
        sending = Sending(
            self.home, self.carrier, self.worker, self.clock, self.say, self.stop, self.stop.wait
        )
        return sending.all()
