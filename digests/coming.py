"""Whose slot has come: at a send time, or at once where something waits on somebody who wants to know at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from digests import ledger
from digests.gather import Gathering
from digests.ledger import Digest, Due
from digests.model import SECTIONS, Person
from digests.schedule import at_once, due
from warehouse.home import Home
from warehouse.reading import Warehouse

_log = logging.getLogger(__name__)


def come(
    home: Home, warehouse: Warehouse, everybody: Sequence[Person], now: datetime
) -> Iterator[tuple[Person, datetime]]:
    """Each person who is due, with the instant of their slot, also those that are answered already."""
    for person in everybody:
        if slot := due(person, now):
            yield person, slot.at
    yield from _addressed(home, warehouse, everybody, now)


def too_late(person: Person | None, row: Due, now: datetime) -> str:
    """Why a slot that had come is made no more, if it is not."""
    if person is None:
        return "nobody has this id any more"
    still = {slot.at for slot in (due(person, now), at_once(person, now)) if slot}
    return "" if row.slot_at in still else "its day ended before it could be made"


def _addressed(
    home: Home, warehouse: Warehouse, everybody: Iterable[Person], now: datetime
) -> Iterator[tuple[Person, datetime]]:
    """Slots of this minute. Their mail tells everything since the last, like any other, so that windows touch.

    Where the last mail is not through, or the address takes none, the next send time is soon enough: a slot each
    minute would try a mail server each minute.
    """
    ready = [(person, slot.at) for person in everybody if person.email and (slot := at_once(person, now))]
    if not ready:
        return
    last, stopped = ledger.latest(home, states=ledger.STATES), ledger.suppressions(home)
    read, head = ledger.cursors(home, [person.person_id for person, _ in ready]), warehouse.head()
    gathering = Gathering(warehouse, home, now=now)
    for person, slot_at in ready:
        known = read.get(person.person_id)
        news = known is None or known.window.upto < head
        open_to_mail = ledger.plain_address(person.email or "") not in stopped
        free = open_to_mail and _through(person, last.get(person.person_id), now)
        if news and free and _waits(gathering, person):
            yield person, slot_at


def _through(person: Person, last: Digest | None, now: datetime) -> bool:
    """Whether nothing is on its way to the person, nor about to be at a send time."""
    slot = due(person, now)
    answered = slot is None or (last is not None and last.slot_at >= slot.at)
    return answered and (last is None or last.state in ("sent", "skipped"))


def _waits(gathering: Gathering, person: Person) -> bool:
    try:
        told = gathering.told(person)
    except Exception:  # noqa: BLE001 - one person's failure costs nobody else theirs
        _log.exception("what waits on %s could not be gathered", person.person_id)
        return False
    return any(section.name == SECTIONS[0] for section in told.sections)
