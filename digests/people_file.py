"""people.toml: what it may say, and what is wrong with it. Pure but for reading the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from digests.mentions import plain
from digests.model import WEEK, Person

KEYS = ("name", "members", "email", "zone", "send_at", "work_days", "work_hours")
# One address, without anything that could end a header or begin another recipient.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s@,;:<>()\[\]\\\"]{1,253}\Z")


class BadPeople(Exception):
    """people.toml cannot be taken; names the entry, what is wrong and what would be right. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One validated [[people]] entry."""

    name: str
    members: tuple[str, ...] = ()
    email: str | None = None
    zone: str | None = None
    send_at: tuple[time, ...] = (time(8),)
    work_days: tuple[str, ...] = WEEK[:5]
    work_hours: tuple[time, time] = (time(9), time(17, 30))

    def person(self, person_id: str) -> Person:
        """The person it describes; members met by name are added by the caller."""
        return Person(
            person_id,
            self.name,
            self.email,
            self.zone,
            self.send_at,
            self.work_days,
            self.work_hours,
            self.members,
            True,
        )

    def as_json(self) -> dict[str, Any]:
        """As people.toml would say it."""
        return {
            "name": self.name,
            "members": list(self.members),
            "email": self.email,
            "zone": self.zone,
            "send_at": [f"{at:%H:%M}" for at in self.send_at],
            "work_days": list(self.work_days),
            "work_hours": "-".join(f"{at:%H:%M}" for at in self.work_hours),
        }


def parse(path: Path) -> list[Entry]:
    """The file's entries. Raises BadPeople."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadPeople(
            f"{path} cannot be read: {error.strerror}. Give the path of a people.toml."
        ) from error
    except UnicodeDecodeError as error:
        raise BadPeople(f"{path} is not UTF-8 text. Save it as UTF-8 and import it again.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadPeople(f"{path} is not TOML: {error}. Mend that line and import it again.") from error
    unknown = sorted(told.keys() - {"people"})
    rows = told.get("people")
    if unknown or not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        what = f"the key {unknown[0]!r} outside an entry" if unknown else "no [[people]] entry"
        raise BadPeople(f"{path} has {what}. Each person is an entry that begins with [[people]].")
    entries = [_entry(f"{path}: entry {number} ({_label(row)})", row) for number, row in enumerate(rows, 1)]
    _distinct(path, entries)
    return entries


def entry_of(told: Mapping[str, Any]) -> Entry:
    """A saved entry."""
    return _entry("the saved entry", {key: value for key, value in told.items() if value is not None})


def _label(row: Mapping[str, Any]) -> str:
    return f"“{row['name']}”" if isinstance(row.get("name"), str) else "without a name"


def _entry(where: str, row: Mapping[str, Any]) -> Entry:
    for key in row:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KEYS)}."
            raise BadPeople(f"{where}: unknown key {key!r}; {hint}")
    name = row.get("name")
    if not isinstance(name, str) or not name.strip() or re.search(r"[\x00-\x1f\x7f]", name):
        raise BadPeople(f"{where}: name must be the person's name as on the board, on one line.")
    starts, ends = _hours(where, row.get("work_hours", "09:00-17:30"))
    return Entry(
        name=name.strip(),
        members=_members(where, row.get("members", [])),
        email=_email(where, row["email"]) if "email" in row else None,
        zone=_zone(where, row["zone"]) if "zone" in row else None,
        send_at=tuple(
            sorted(
                {_time(where, "send_at", at) for at in _list(where, "send_at", row.get("send_at", ["08:00"]))}
            )
        ),
        work_days=_days(where, row.get("work_days", list(WEEK[:5]))),
        work_hours=(starts, ends),
    )


def _list(where: str, key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise BadPeople(f"{where}: {key} must be a list, like {key} = [{value!r}].".replace("'", '"'))
    return value


def _members(where: str, value: object) -> tuple[str, ...]:
    found = _list(where, "members", value)
    for member in found:
        if not isinstance(member, str) or not re.match(r"[a-z][a-z0-9_-]*:\S+\Z", member):
            raise BadPeople(f'{where}: member {member!r} must be source:id, like "trello:5a13f0".')
    return tuple(dict.fromkeys(found))


def _email(where: str, value: object) -> str:
    if not isinstance(value, str) or not _EMAIL.match(value):
        raise BadPeople(
            f"{where}: e-mail {value!r} is not one plain address. Write it like name@example.org."
        )
    local, _, domain = value.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise BadPeople(f"{where}: e-mail {value!r} has a domain that cannot exist ({error}).") from error


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})


def _zone(where: str, value: object) -> str:
    if isinstance(value, str) and value in _zones():
        return value
    near = near_zones(str(value))
    hint = f"did you mean {' or '.join(near)}?" if near else "use an IANA name like Europe/Berlin."
    raise BadPeople(f"{where}: there is no zone {value!r}; {hint}")


def near_zones(text: str) -> list[str]:
    """Zones somebody may have meant: by the name of the place, else by spelling."""
    by_plain = {plain(zone): zone for zone in sorted(_zones())}
    wanted = plain(text.strip()).replace(" ", "_")
    places = {key.rpartition("/")[2]: zone for key, zone in by_plain.items() if "/" in key}
    found = [by_plain[wanted]] if wanted in by_plain else []
    found += [places[key] for key in get_close_matches(wanted.rpartition("/")[2], places, 2, 0.75)]
    found += [by_plain[key] for key in get_close_matches(wanted, by_plain, 2, 0.7)]
    return list(dict.fromkeys(found))[:3]


def _time(where: str, key: str, value: object) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value.replace(second=0, microsecond=0)
    if isinstance(value, str) and re.match(r"([01]?\d|2[0-3]):[0-5]\d\Z", value.strip()):
        hour, minute = value.strip().split(":")
        return time(int(hour), int(minute))
    raise BadPeople(f'{where}: {key} {value!r} is not a time of day. Write it like "08:00" (24 hours).')


def _hours(where: str, value: object) -> tuple[time, time]:
    starts, dash, ends = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash:
        raise BadPeople(f'{where}: work_hours {value!r} is not a span. Write it like "09:00-17:30".')
    return _time(where, "work_hours", starts), _time(where, "work_hours", ends)


def _days(where: str, value: object) -> tuple[str, ...]:
    days = _list(where, "work_days", value)
    for day in days:
        if day not in WEEK:
            raise BadPeople(f"{where}: work day {day!r} is unknown. Use {', '.join(WEEK)}.")
    return tuple(day for day in WEEK if day in days)


def _distinct(path: Path, entries: Iterable[Entry]) -> None:
    """The same name twice, or one member in two entries, would leave it open who is meant."""
    names: dict[str, Entry] = {}
    claimed: dict[str, str] = {}
    for entry in entries:
        other = names.setdefault(plain(entry.name), entry)
        if other is not entry and not (entry.members and other.members):
            raise BadPeople(
                f"{path}: two entries are named “{entry.name}”. Put them into one, or give both `members` to tell them apart."
            )
        for member in entry.members:
            if member in claimed:
                raise BadPeople(
                    f"{path}: {member} is claimed by “{claimed[member]}” and “{entry.name}”. Keep it in one."
                )
            claimed[member] = entry.name
