"""A person's next slots in words: when mail comes where they live, and why not on the days between. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digests.model import WEEK, Person
from digests.naming import listed
from digests.preferences import in_words
from digests.schedule import ABSENT, Skip, Slot, pace, upcoming

_WEEK = dict(zip(WEEK, "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(), strict=True))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an agenda: a slot, or the days without one and why."""

    when: str
    note: str
    comes: bool


def agenda(person: Person, now: datetime, count: int = 10) -> Iterator[Row]:
    """The person's next `count` slots, and the days skipped between them. Who has no zone is asked for it."""
    if person.zone is None:
        yield Row("asked first", "no zone is known: where do they live?", False)
    for one in upcoming(person, now, count):
        yield _slot(one) if isinstance(one, Slot) else _skip(one)


def heading(person: Person) -> str:
    """Who, where and how often, on one line."""
    where = [person.zone or "no zone", *([f"holidays of {person.country}"] if person.country else [])]
    times = " ".join(f"{at:%H:%M}" for at in person.send_at) or "no send time"
    return f"{person.name} ({person.person_id}) · {' · '.join(where)} · {in_words(person.cadence)} · {times}"


def moment(slot: Slot) -> str:
    """ "Tue 10 Mar 2026 08:00 +01:00"."""
    offset = f"{slot.local:%z}"
    return f"{_day(slot.local.date())} {slot.local.year} {slot.local:%H:%M} {offset[:3]}:{offset[3:5]}"


def habit(person: Person) -> Iterator[str]:
    """When Daybreak writes to this person, as their mail says it; and that it writes less where they do not read."""
    if person.zone is None:
        yield "No zone is set for you, so times are UTC and no mail is sent. Ask for one in people.toml."
    elif person.send_at and person.cadence.name != "never":
        cadence = pace(person)
        times = person.send_at[:1] if cadence.name in ("daily", "weekly") else person.send_at
        days = f"{_WEEK[cadence.on]}s" if cadence.name == "weekly" else _days(person.work_days)
        clock = listed(f"{at:%H:%M}" for at in times)
        at_once = ", and at once when you are addressed" if cadence.name == "mentions" else ""
        yield f"Daybreak writes to you at {clock} ({person.zone}), {days}, when there is news{at_once}."
        yield from _slowing(person)


def _slowing(person: Person) -> Iterator[str]:
    come = "One visit to Daybreak brings the old pace back; the page You can keep it for good."
    if pace(person) != person.cadence:
        yield f"That is less than before: you have not been here for {person.unread} digests in a row. {come}"
    elif person.slows_down and person.unread == ABSENT - 1 and person.cadence.name not in ("weekly", "never"):
        yield f"You have not been here for {person.unread} digests in a row. If that goes on, Daybreak writes weekly. {come}"


def _days(days: tuple[str, ...]) -> str:
    if not days:
        return "never"
    names = [day.capitalize() for day in days]
    return f"{names[0]} to {names[-1]}" if days == WEEK[:5] else listed(names, 7)


def _slot(slot: Slot) -> Row:
    notes = []
    if slot.local.replace(tzinfo=None) != datetime.combine(slot.on, slot.wall):
        notes.append(f"{slot.wall:%H:%M} does not exist on {_day(slot.on)}")
    elif slot.local.replace(fold=1).utcoffset() != slot.local.utcoffset():
        notes.append(f"the first of two {slot.wall:%H:%M}")
    return Row(moment(slot), ", ".join(notes), True)


def _skip(skip: Skip) -> Row:
    if skip.last is None:
        return Row("no mail", skip.why, False)
    if skip.first == skip.last:
        return Row(_day(skip.first), skip.why, False)
    if skip.last - skip.first == timedelta(days=1):
        return Row(f"{_day(skip.first)}, {_day(skip.last)}", skip.why, False)
    return Row(f"{_day(skip.first)} to {_day(skip.last)}", skip.why, False)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
