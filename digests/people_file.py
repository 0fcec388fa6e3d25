"""people.toml: entries, each what somebody was said to be. Pure but for reading the file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digests.mentions import plain
from digests.model import Person
from digests.preferences import PREFERENCES, BadPreference, canonical, unknown_key


class BadPeople(Exception):
    """people.toml cannot be taken; names the entry, what is wrong and what would be right. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a person, by keys of people.toml in canonical form: what the file says, and what they chose.

    What somebody chose for themselves holds, whatever a file says later.
    """

    told: Mapping[str, Any]
    chosen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.told["name"])

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self.told.get("members", ()))

    def choosing(self, told: Mapping[str, Any]) -> Entry:
        """With these choices as well; None takes one back."""
        chosen = {**self.chosen, **told}
        return Entry(self.told, {key: value for key, value in chosen.items() if value is not None})

    def person(self, person_id: str) -> Person:
        """The person it describes; members met by name are added by the caller."""
        said = {key: value for key, value in {**self.told, **self.chosen}.items() if value is not None}
        return Person(
            person_id, imported=True, **{key: PREFERENCES[key].read(value) for key, value in said.items()}
        )

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {**self.told, "chosen": dict(self.chosen)} if self.chosen else dict(self.told)


def kept(row: Mapping[str, Any]) -> Entry:
    """The entry that `as_json` wrote."""
    return Entry({key: value for key, value in row.items() if key != "chosen"}, row.get("chosen", {}))


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


def canonical_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and values as TOML tells them, in canonical form. Raises BadPreference."""
    for key in row:
        if key not in PREFERENCES:
            raise unknown_key(key)
    return {key: None if value is None else canonical(key, value) for key, value in row.items()}


def _label(row: Mapping[str, Any]) -> str:
    return f"“{row['name']}”" if isinstance(row.get("name"), str) else "without a name"


def _entry(where: str, row: Mapping[str, Any]) -> Entry:
    try:
        return Entry(canonical_values({"name": "", **row}))
    except BadPreference as error:
        raise BadPeople(f"{where}: {error}") from error


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
