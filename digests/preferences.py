"""What a person may choose, how it is written, and what is wrong with what cannot be: the words of people.toml. Pure.

Each reader takes a value as TOML tells it, and raises BadPreference with what would be right; each has its writer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from typing import Any, cast

from digests import holidays
from digests.mentions import plain
from digests.model import SECTIONS, WEEK, Cadence, Pause
from digests.zones import near_zones, zone_names

# One address, without anything that could end a header or begin another recipient.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s@,;:<>()\[\]\\\"]{1,253}\Z")
_CADENCES = {"each": "each", "daily": "daily", "mentions at once": "mentions", "never": "never"}
ALWAYS = SECTIONS[0]
"""What waits on the reader is told whatever else they choose."""


class BadPreference(ValueError):
    """A value that cannot be; the message names it and what would be right."""


def name(value: object) -> str:
    """A name as on the board, on one line."""
    if not isinstance(value, str) or not value.strip() or re.search(r"[\x00-\x1f\x7f]", value):
        raise BadPreference("name must be the person's name as on the board, on one line.")
    return value.strip()


def members(value: object) -> tuple[str, ...]:
    """Member keys, like "trello:5a13f0"."""
    found = _list("members", value)
    for member in found:
        if not isinstance(member, str) or not re.match(r"[a-z][a-z0-9_-]*:\S+\Z", member):
            raise BadPreference(f'member {member!r} must be source:id, like "trello:5a13f0".')
    return tuple(dict.fromkeys(found))


def email(value: object) -> str:
    """One plain address; its domain as DNS writes it."""
    if not isinstance(value, str) or not _EMAIL.match(value):
        raise BadPreference(f"e-mail {value!r} is not one plain address. Write it like name@example.org.")
    local, _, domain = value.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise BadPreference(f"e-mail {value!r} has a domain that cannot exist ({error}).") from error


def zone(value: object) -> str:
    """An IANA zone."""
    if isinstance(value, str) and value in zone_names():
        return value
    near = near_zones(str(value))
    hint = f"did you mean {' or '.join(near)}?" if near else "use an IANA name like Europe/Berlin."
    raise BadPreference(f"there is no zone {value!r}; {hint}")


def send_at(value: object) -> tuple[time, ...]:
    """Local times of day to the minute, in order."""
    return tuple(sorted({_time("send_at", at) for at in _list("send_at", value)}))


def work_days(value: object) -> tuple[str, ...]:
    """Days of the week, in order."""
    days = _list("work_days", value)
    for day in days:
        if day not in WEEK:
            raise BadPreference(f"work day {day!r} is unknown. Use {', '.join(WEEK)}.")
    return tuple(day for day in WEEK if day in days)


def work_hours(value: object) -> tuple[time, time]:
    """A span of local time; one that ends before it starts runs over midnight."""
    starts, dash, ends = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash:
        raise BadPreference(f'work_hours {value!r} is not a span. Write it like "09:00-17:30".')
    return _time("work_hours", starts), _time("work_hours", ends)


def country(value: object) -> str:
    """ISO 3166, with a region where holidays differ; "" is no country's."""
    if value == "":
        return ""
    try:
        return holidays.known(str(value))
    except holidays.UnknownCountry as error:
        raise BadPreference(str(error)) from error


def pauses(value: object) -> tuple[Pause, ...]:
    """Spans of local days, in order; a single day is one."""
    return tuple(
        sorted({_pause(one) for one in _list("pauses", value)}, key=lambda one: (one.first, one.last))
    )


def _pause(value: object) -> Pause:
    first, dots, last = str(value).strip().partition("..")
    try:
        pause = Pause(
            date.fromisoformat(first.strip()), date.fromisoformat((last if dots else first).strip())
        )
    except ValueError as error:
        form = "2026-12-24..2027-01-02, from the first day without mail to the last"
        raise BadPreference(f"pause {value!r} is no span of days ({error}). Write it like {form}.") from error
    if pause.last < pause.first:
        raise BadPreference(
            f"pause {value!r} ends before it begins. Turn it round: {pause.last}..{pause.first}."
        )
    return pause


def cadence(value: object) -> Cadence:
    """How often, in words: each, daily, weekly on fri, mentions at once, never."""
    words = plain(str(value)).split()
    told = {"mentions": "mentions at once", "weekly": "weekly on mon"}.get(" ".join(words), " ".join(words))
    if told in _CADENCES:
        return Cadence(cast("Any", _CADENCES[told]))
    if words[:1] == ["weekly"] and len(words) <= 3 and words[-1][:3] in WEEK:
        return Cadence("weekly", words[-1][:3])
    raise BadPreference(
        f"there is no cadence {value!r}. Choose each, daily, weekly on mon (or another day), mentions at once, or never."
    )


def in_words(value: Cadence) -> str:
    """A cadence as people.toml writes it."""
    if value.name == "weekly":
        return f"weekly on {value.on}"
    return next(words for words, name in _CADENCES.items() if name == value.name)


def boards(value: object) -> tuple[str, ...]:
    """Boards by id or title, as told."""
    found = _list("boards", value)
    for board in found:
        if not isinstance(board, str) or not board.strip():
            raise BadPreference(f"board {board!r} is no name. Give a board's title or id.")
    return tuple(dict.fromkeys(board.strip() for board in found))


def sections(value: object) -> tuple[str, ...]:
    """Sections of the digest, in its order; what waits on the reader is always among them."""
    wanted = {plain(str(one)) for one in _list("sections", value)}
    known = {plain(section): section for section in SECTIONS}
    if unknown := sorted(wanted - known.keys()):
        near = get_close_matches(unknown[0], known, 1)
        hint = f"did you mean {known[near[0]]!r}?" if near else f"known are {', '.join(SECTIONS)}."
        raise BadPreference(f"there is no section {unknown[0]!r}; {hint}")
    return tuple(one for one in SECTIONS if plain(one) in wanted or one == ALWAYS)


def slows_down(value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    raise BadPreference(f"slows_down {value!r} must be true or false.")


def _list(key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise BadPreference(f"{key} must be a list, like {key} = [{value!r}].".replace("'", '"'))
    return value


def _time(key: str, value: object) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value.replace(second=0, microsecond=0)
    if isinstance(value, str) and re.match(r"([01]?\d|2[0-3]):[0-5]\d\Z", value.strip()):
        hour, minute = value.strip().split(":")
        return time(int(hour), int(minute))
    raise BadPreference(f'{key} {value!r} is not a time of day. Write it like "08:00" (24 hours).')


def _clock(at: time) -> str:
    return f"{at:%H:%M}"


def _span(pause: Pause) -> str:
    return f"{pause.first}..{pause.last}" if pause.first != pause.last else f"{pause.first}"


@dataclass(frozen=True, slots=True)
class Preference:
    """How one key of people.toml is read, and how its value is written."""

    read: Callable[[object], Any]
    write: Callable[[Any], object] = lambda value: value


PREFERENCES: Mapping[str, Preference] = {
    "name": Preference(name),
    "members": Preference(members, list),
    "email": Preference(email),
    "zone": Preference(zone),
    "send_at": Preference(send_at, lambda times: [_clock(at) for at in times]),
    "work_days": Preference(work_days, list),
    "work_hours": Preference(work_hours, lambda hours: "-".join(map(_clock, hours))),
    "country": Preference(country),
    "pauses": Preference(pauses, lambda some: [_span(pause) for pause in some]),
    "cadence": Preference(cadence, in_words),
    "slows_down": Preference(slows_down),
    "muted": Preference(boards, list),
    "followed": Preference(boards, list),
    "sections": Preference(sections, list),
}
"""By key, which is also the name of the field of Person."""
_MANY = {"members", "send_at", "work_days", "pauses", "sections", "muted", "followed"}


def canonical(key: str, value: object) -> object:
    """A value as people.toml would say it. Raises BadPreference."""
    preference = PREFERENCES[key]
    return preference.write(preference.read(value))


def from_words(key: str, told: str | Sequence[str]) -> object:
    """What the words of a command line mean to people.toml; "none" takes back what was said."""
    words = [told] if isinstance(told, str) else told
    if list(words) == ["none"]:
        return [] if key in _MANY else None
    if key in ("muted", "followed", "sections"):  # their names may have commas
        return list(words)
    if key in _MANY:
        return [part.strip() for word in words for part in word.split(",")]
    if key == "slows_down":
        return {"yes": True, "no": False}.get(words[-1], words[-1])
    return words[-1]


def unknown_key(key: str, known: Iterable[str] = PREFERENCES) -> BadPreference:
    """What to say of a key nobody knows."""
    near = get_close_matches(key, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
    return BadPreference(f"unknown key {key!r}; {hint}")
