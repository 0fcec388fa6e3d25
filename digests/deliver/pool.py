"""Several sessions at work on one pile of parcels: as many as the carrier may have, fewer when the server asks.

One session begins; the others follow when its first parcel is through, so a server that is down is asked once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from digests.deliver.carriers import (
    Carrier,
    DeliveryDeferred,
    DeliveryRefused,
    Parcel,
    ServerUnavailable,
    Session,
    SlowDown,
)

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds the last session waits when the server asks for patience, before everything is put off."""
IN_A_ROW = 10
"""So many parcels put off one after another mean that the server wants patience, whatever it says."""
HEARTBEAT = 15.0
"""Seconds after which an empty list is given, so that who waits can say that it lives."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a parcel; `error` is None where it was taken."""

    parcel: Parcel
    error: Exception | None = None


def deliver_all(
    carrier: Carrier, parcels: Sequence[Parcel], *, stop: Event, wait: Callable[[float], object]
) -> Iterator[list[Answer]]:
    """Deliver the parcels and tell what became of each, as it becomes known.

    A session takes its next parcel when the answer to its last one was taken in (by asking for the next list): a
    crash leaves at most one parcel a session whose fate is not kept. After `stop` no further parcel is begun, and
    those have no answer. `wait` is given seconds to let pass.
    """
    pool = _Pool(carrier, deque(parcels), stop, wait)
    try:
        yield from pool.answers()
    finally:
        pool.end()


@dataclass
class _Pool:
    carrier: Carrier
    todo: deque[Parcel]
    stop: Event
    wait: Callable[[float], object]
    said: SimpleQueue[_Said | None] = field(default_factory=SimpleQueue)  # None: a session has ended
    lock: Lock = field(default_factory=Lock)
    running: int = 0  # threads, as the caller knows them
    working: int = 0  # sessions that have not decided to end
    put_off: int = 0  # parcels in a row
    waits: int = 0
    ended: bool = False

    # ── in the caller's thread ──

    def answers(self) -> Iterator[list[Answer]]:
        self._start(1)
        wide = False
        while self.running:
            heard = list(self._heard())
            yield [each.answer for each in heard]
            for each in heard:
                each.taken_in.set()
            if not wide and any(each.answer.error is None for each in heard):
                wide = True
                self._start(min(self.carrier.connections - 1, len(self.todo)))

    def end(self) -> None:
        """Let no session begin another parcel, and wait for those under way."""
        self.ended = True
        while self.running:
            for each in self._heard():
                each.taken_in.set()

    def _start(self, count: int) -> None:
        for _ in range(count):
            self.running += 1
            with self.lock:
                self.working += 1
            Thread(target=self._work, daemon=True).start()

    def _heard(self) -> Iterator[_Said]:
        """What is said by now; waits for the first a heartbeat long."""
        with suppress(Empty):
            said = self.said.get(timeout=HEARTBEAT)
            while True:
                if said is None:
                    self.running -= 1
                else:
                    yield said
                said = self.said.get_nowait()

    # ── in the sessions' threads ──

    def _work(self) -> None:
        try:
            with self.carrier.session() as session:
                while self._one(session):
                    pass
        except Exception:  # noqa: BLE001 - a session that cannot be ended cleanly has done its work all the same
            _log.exception("a session with the carrier broke")
        finally:
            self.said.put(None)

    def _one(self, session: Session) -> bool:
        """Deliver one parcel; whether the session goes on."""
        parcel = self._next()
        if parcel is None:
            return False
        try:
            session.deliver(parcel)
        except ServerUnavailable as error:
            return self._stays(error, again=parcel)
        except (DeliveryDeferred, DeliveryRefused) as error:
            self._tell(Answer(parcel, error))
            return self._after(error)
        except Exception as error:  # noqa: BLE001 - one parcel's failure costs no other theirs
            _log.exception("the mail %s could not be delivered", parcel.message_id)
            self._tell(Answer(parcel, error))
            return True
        self._tell(Answer(parcel))
        return self._after(None)

    def _next(self) -> Parcel | None:
        with self.lock:
            if self.todo and not self.ended and not self.stop.is_set():
                return self.todo.popleft()
            self.working -= 1
            return None

    def _tell(self, answer: Answer) -> None:
        said = _Said(answer)
        self.said.put(said)
        said.taken_in.wait()

    def _after(self, error: DeliveryDeferred | DeliveryRefused | None) -> bool:
        """Whether the session goes on after that answer: many put off in a row are a request for patience."""
        with self.lock:
            self.put_off = self.put_off + 1 if isinstance(error, DeliveryDeferred) else 0
            self.waits = self.waits if error else 0
            too_many = self.put_off >= IN_A_ROW
        return not too_many or self._stays(SlowDown(f"one mail after another is put off: {error}"))

    def _stays(self, error: ServerUnavailable, *, again: Parcel | None = None) -> bool:
        """Whether the session goes on: not while others do; the last one waits, or puts everything off."""
        with self.lock:
            if again:
                self.todo.appendleft(again)
            if self.working > 1:
                self.working -= 1
                return False
            pause = WAITS[self.waits] if isinstance(error, SlowDown) and self.waits < len(WAITS) else None
            self.waits += 1
        if pause is not None:
            self.wait(pause)
            return True
        while parcel := self._next():
            self._tell(Answer(parcel, error))
        return False


@dataclass(frozen=True, slots=True)
class _Said:
    answer: Answer
    taken_in: Event = field(default_factory=Event)
