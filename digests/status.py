"""How it stands with each person's mail: when the next comes, what became of the last, and why none does. Pure but for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from digests import ledger
from digests.agenda import agenda
from digests.ledger import STATES, Digest, Suppression
from digests.model import Person
from digests.schedule import next_slot
from warehouse.home import Home


@dataclass(frozen=True, slots=True)
class Standing:
    """One person's mail: when the next one comes, when the last went out (None: never), why not (empty: all is well)."""

    person: Person
    next_at: datetime | None
    sent_at: datetime | None
    why_not: str


def standings(home: Home, people: Sequence[Person], now: datetime) -> list[Standing]:
    """How it stands with these people, in their order."""
    sent = ledger.latest(home, states=("sent",))
    last = ledger.latest(home, states=STATES)
    stopped = ledger.suppressions(home)
    return [
        standing(one, now, sent=sent.get(one.person_id), last=last.get(one.person_id), stopped=stopped)
        for one in people
    ]


def standing(
    person: Person,
    now: datetime,
    *,
    sent: Digest | None,
    last: Digest | None,
    stopped: Mapping[str, Suppression],
) -> Standing:
    """`sent` is the person's last digest that went out, `last` the last of any kind."""
    slot = next_slot(person, now)
    open_to_mail = person.email and ledger.plain_address(person.email) not in stopped
    next_at = slot.at if slot and open_to_mail else None
    why_not = _why_not(person, now, last, stopped)
    return Standing(person, next_at, sent.changed_at if sent else None, why_not)


def _why_not(person: Person, now: datetime, last: Digest | None, stopped: Mapping[str, Suppression]) -> str:
    """The nearest reason why this person has not heard from us, or will not."""
    if person.zone is None:
        return "no zone: say where they live in people.toml"
    if person.email is None:
        return "no e-mail address: give one in people.toml"
    if held := stopped.get(ledger.plain_address(person.email)):
        since = _local(held.since_at, person)
        return f"the address is suppressed since {since}: {held.reason}. Lift it: daybreak digest unsuppress {person.email}"
    if next_slot(person, now) is None:
        return next((row.note for row in agenda(person, now, 1) if not row.comes), "no slot comes")
    return _of_the_last(last, person) if last else ""


def _of_the_last(last: Digest, person: Person) -> str:
    slot = _local(last.slot_at, person)
    match last.state:
        case "sent":
            return ""
        case "due" | "rendered" | "sending":
            words = {"due": "is being made", "rendered": "waits to be sent", "sending": "is on its way"}
            return f"that of {slot} {words[last.state]}"
        case "deferred" if last.next_at:
            return f"that of {slot} was put off until {_local(last.next_at, person)}: {last.reason}"
    return (
        f"{slot}: {last.reason}" if last.state == "skipped" else f"that of {slot} was refused: {last.reason}"
    )


def _local(instant: datetime, person: Person) -> str:
    local = instant.astimezone(ZoneInfo(person.zone or "UTC"))
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def in_words(instant: datetime | None, person: Person) -> str:
    """An instant where the person lives; "never" for none."""
    return _local(instant, person) if instant else "never"
