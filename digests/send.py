"""From the outbox to the carriers: what is rendered is delivered, and what was said of it is kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from digests import ledger
from digests.deliver import Carrier, DeliveryDeferred, DeliveryRefused, Parcel, ServerUnavailable
from digests.deliver.pool import Answer, deliver_all
from digests.ledger import Outcome, Outgoing
from warehouse.home import Home

AT_ONCE = 200
"""Mails a worker takes from the outbox at a time."""
ATTEMPTS = 5
"""After so many deferrals a mail counts as refused, and its address as one that takes no mail."""
FIRST_PAUSE, LONGER = timedelta(minutes=1), 4.0
"""How long a mail that was put off waits for its second try, and how many times longer for each next one."""


@dataclass(frozen=True)
class Sending:
    """One worker's way from the outbox: `wait` lets seconds pass, `stop` ends it after the mails under way."""

    home: Home
    carrier: Carrier
    worker: str
    clock: Callable[[], datetime]
    say: Callable[[str], None]
    stop: Event
    wait: Callable[[float], object]
    at_once: int = AT_ONCE

    def all(self) -> Counter[str]:
        """Send what is in the outbox and may be sent now; how many ended in which state.

        What was taken and not begun (because of `stop`, or of a fault of ours) the worker still holds afterwards.
        """
        states: Counter[str] = Counter()
        while not self.stop.is_set() and (mails := self._take()):
            answers = self._deliver(mails)
            states += answers
            if answers["unavailable"]:  # the rest would hear the same
                break
        states["deferred"] += states.pop("unavailable", 0)
        return +states

    def _take(self) -> list[Outgoing]:
        return ledger.take(self.home, self.worker, self.clock(), limit=self.at_once)

    def _deliver(self, mails: Sequence[Outgoing]) -> Counter[str]:
        states: Counter[str] = Counter()
        by_id = {mail.message_id: mail for mail in mails}
        parcels = [Parcel(mail.message, mail.recipient, mail.message_id) for mail in mails]
        renewed_at = self.clock()
        for answers in deliver_all(self.carrier, parcels, stop=self.stop, wait=self.wait):
            now = self.clock()
            if now - renewed_at >= ledger.LEASE / 3:
                ledger.renew(self.home, self.worker, now)
                renewed_at = now
            states.update(self._settle([(by_id[each.parcel.message_id], each) for each in answers], now))
        return states

    def _settle(self, answers: Sequence[tuple[Outgoing, Answer]], now: datetime) -> list[str]:
        outcomes = [outcome(mail, answer.error, now) for mail, answer in answers]
        known = [each for each in outcomes if each]
        if known:
            ledger.settle(self.home, self.worker, known, now)
        for (mail, _), each in zip(answers, outcomes, strict=True):
            self.say(_told(mail, each))
        return [
            "unavailable" if isinstance(answer.error, ServerUnavailable) else each.state if each else "failed"
            for (_, answer), each in zip(answers, outcomes, strict=True)
        ]


def outcome(mail: Outgoing, error: Exception | None, now: datetime) -> Outcome | None:
    """What an answer means for a mail; None for a fault of ours, after which it is as if it had not been tried."""
    attempts, reason = mail.attempts, str(error)
    match error:
        case None:
            return Outcome(mail.digest_id, "sent", attempts=attempts)
        case ServerUnavailable():
            return Outcome(mail.digest_id, "deferred", reason, attempts, now + pause(mail.message_id, 1))
        case DeliveryDeferred() if attempts + 1 >= ATTEMPTS:
            given_up = f"put off {ATTEMPTS} times, last: {reason}"
            return Outcome(mail.digest_id, "refused", given_up, attempts + 1, suppress=mail.recipient)
        case DeliveryDeferred():
            again = now + pause(mail.message_id, attempts + 1)
            return Outcome(mail.digest_id, "deferred", reason, attempts + 1, again)
        case DeliveryRefused():
            closed = mail.recipient if error.hard else ""
            return Outcome(mail.digest_id, "refused", reason, attempts + 1, suppress=closed)
    return None


def pause(message_id: str, attempts: int) -> timedelta:
    """How long a mail waits after its n-th deferral: longer each time, and up to a quarter less, by its own name.

    So mails that were put off together do not come back together, and the same mail always waits the same.
    """
    name = hashlib.sha256(f"{message_id} {attempts}".encode()).digest()
    less = int.from_bytes(name[:4]) / 2**32 / 4
    return FIRST_PAUSE * (LONGER ** (attempts - 1) * (1 - less))


def _told(mail: Outgoing, outcome: Outcome | None) -> str:
    state = outcome.state if outcome else "failed"
    why = f" reason={outcome.reason!r}" if outcome and outcome.reason else ""
    return f"digest person={mail.person_id} to={mail.recipient} state={state} upto={mail.window.upto}{why}"
