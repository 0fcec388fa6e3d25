"""What became of a person's last digest, and when the next one comes: silence shall not look broken."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from digests import ledger
from digests.ledger import Digest
from digests.model import Person
from digests.schedule import next_slot
from pages import _data, _parts

TOLD = {
    "sent": "Your last mail is of {at}.",
    "deferred": "The mail of {at} could not be delivered yet: {why}. It is tried again.",
    "refused": "The mail of {at} could not be delivered: {why}. The next one covers what it told.",
    "skipped": "Checked {at}: {why}, so no mail was sent.",
}


def show(person: Person) -> None:
    """One quiet line; none where there has been no digest and none will come."""
    now = _data.now()
    told = ledger.digests(_data.home(), person.person_id, states=list(TOLD))
    if line := " ".join([*(last(one, person, now) for one in told[-1:]), *following(person, now)]):
        _parts.note(line)


def last(digest: Digest, person: Person, now: datetime) -> str:
    """What became of it, in a sentence."""
    zone = ZoneInfo(person.zone or "UTC")
    at = f"{_parts.moment_text(digest.slot_at, zone, near=now)} {zone}"
    return TOLD[digest.state].format(at=at, why=digest.reason.rstrip("."))


def following(person: Person, now: datetime) -> list[str]:
    """When the next one comes."""
    slot = next_slot(person, now)
    return [f"The next digest is due {_parts.moment_text(slot.at, ZoneInfo(slot.zone))}."] if slot else []
