"""Who people are: the members of the boards, completed by people.toml."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from digests import ledger
from digests.following import board_named, known_ids
from digests.mentions import plain
from digests.model import BoardNow, MemberNow, Person
from digests.people_file import Entry, canonical_values, kept, parse
from digests.world import boards as known_boards
from digests.world import members as known_members
from warehouse.home import Home
from warehouse.reading import NothingPublished, Warehouse

BOARDS = {"muted", "followed"}
"""The keys that name boards."""


class UnknownPerson(Exception):
    """Nobody, or more than one, is called that; the message names whom it might mean."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: person_ids by outcome, and what the operator should know."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = f"people={sum(map(len, (self.added, self.updated, self.unchanged)))}"
        sums = f"{counts} added={len(self.added)} updated={len(self.updated)} unchanged={len(self.unchanged)}"
        return "\n".join([*self.warnings, sums])


def import_people(home: Home, path: Path, now: datetime) -> ImportReport:
    """Take people.toml in, whole or not at all. Raises BadPeople.

    Who is not in the file stays as they are, and so does what people chose for themselves.
    """
    entries = parse(path)
    members = _members(home)
    people_now = _resolved(home, members)
    saved = ledger.saved_people(home)
    rows: dict[str, Entry] = {}
    taken = {person.person_id for person in people_now}
    for entry in entries:
        person_id = _same_person(entry, people_now, saved, rows)
        key = person_id or unused(slug(entry.name), entry.members[:1], taken | rows.keys())
        rows[key] = _by_id(replace(entry, chosen=kept(saved.get(key, {})).chosen), boards(home))
    new = {key: entry.as_json() for key, entry in rows.items()}
    # Who is told the same again has not chosen anew: see `Person.chosen_at`.
    said = {key: (entry.name, new[key]) for key, entry in rows.items() if saved.get(key) != new[key]}
    ledger.save_people(home, said, now)
    return ImportReport(
        added=tuple(key for key in new if key not in saved),
        updated=tuple(key for key in new if key in saved and saved[key] != new[key]),
        unchanged=tuple(key for key in new if saved.get(key) == new[key]),
        warnings=(*_warnings(entries, members), *_unknown_boards(rows.values(), boards(home))),
    )


def change(home: Home, person: Person, told: Mapping[str, object], now: datetime) -> Person:
    """Keep what the person chose, by keys of people.toml; None takes a choice back. Raises BadPreference and UnknownBoard."""
    chosen = canonical_values(told)
    for key in BOARDS & chosen.keys():
        chosen[key] = [board_named(name, boards(home)).board_id for name in chosen[key] or ()]
    # Who is met on a board and in no file is claimed from now on.
    met = {"name": person.name, "members": list(person.members)}
    entry = kept(ledger.saved_people(home).get(person.person_id, met)).choosing(chosen)
    ledger.save_people(home, {person.person_id: (entry.name, entry.as_json())}, now)
    ledger.seen(home, person.person_id, now)
    return find(home, person.person_id)


def _by_id(entry: Entry, known: Iterable[BoardNow]) -> Entry:
    """Boards by their id as far as they are known, so that they stay the same with a new title."""
    named = {key: known_ids(entry.told[key], known) for key in BOARDS & entry.told.keys()}
    return replace(entry, told={**entry.told, **named})


def boards(home: Home) -> list[BoardNow]:
    """Every board that is known; none before anything is published."""
    try:
        with Warehouse.open(home) as warehouse:
            return known_boards(warehouse)
    except NothingPublished:
        return []


def _same_person(
    entry: Entry, known: Iterable[Person], saved: Mapping[str, object], rows: Mapping[str, Entry]
) -> str | None:
    """Whom an entry is about: who holds one of its members, else who was imported or is known by its name."""
    free = [person for person in known if person.person_id not in rows]
    for person in free:
        if set(entry.members) & set(person.members):
            return person.person_id
    named = [person for person in free if plain(person.name) == plain(entry.name)]
    named.sort(key=lambda person: person.person_id not in saved)
    fits = [person for person in named if not entry.members or not person.members]
    return fits[0].person_id if fits else None


def _warnings(entries: Iterable[Entry], members: Mapping[str, MemberNow]) -> Iterable[str]:
    names = {plain(member.name): member.name for member in members.values()}
    for entry in entries:
        missing = [key for key in entry.members if key not in members]
        if missing:
            yield f"“{entry.name}”: no board has named {', '.join(missing)} yet; it counts as soon as one does"
        elif not entry.members and plain(entry.name) not in names:
            near = [names[one] for one in get_close_matches(plain(entry.name), names, 2, 0.6)]
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            yield f"“{entry.name}”: no member of a board has this name yet; it counts as soon as one does.{hint}"


def _unknown_boards(entries: Iterable[Entry], known: Iterable[BoardNow]) -> Iterator[str]:
    ids = {board.board_id for board in known}
    for entry in entries:
        for name in [name for key in BOARDS for name in entry.told.get(key, ()) if name not in ids]:
            yield f"“{entry.name}”: no board is called {name!r} yet; it counts as soon as one is"


def people(home: Home) -> list[Person]:
    """Everybody: those imported, then the human members of the boards that no entry claims. By name."""
    return sorted(_resolved(home, _members(home)), key=lambda person: (plain(person.name), person.person_id))


def find(home: Home, text: str) -> Person:
    """The person with that id, name, e-mail or member key (or the member id alone). Raises UnknownPerson."""
    everybody = people(home)
    wanted = plain(text.strip())
    for one in everybody:
        member_ids = {key.partition(":")[2] for key in one.members}
        if wanted == plain(one.person_id) or text.strip() in {*one.members, *member_ids}:
            return one
    found = [one for one in everybody if wanted in (plain(one.name), plain(one.email or ""))]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{one.person_id} ({', '.join(one.members)})" for one in found)
        raise UnknownPerson(f"{len(found)} people are called {text!r}: {ids}. Say which by its id.")
    near = _near(wanted, everybody)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`daybreak people list` shows everybody."
    raise UnknownPerson(f"Nobody is called {text!r}. {hint}")


def _near(wanted: str, everybody: Iterable[Person]) -> list[str]:
    """Up to three ids somebody may have meant, by whole names and by their parts."""
    names: dict[str, str] = {}
    for one in everybody:
        for word in (one.person_id, one.name, one.email or "", *one.name.split()):
            names.setdefault(plain(word), one.person_id)
    begin = [person_id for word, person_id in names.items() if wanted and word.startswith(wanted)]
    close = [names[word] for word in get_close_matches(wanted, names, 3, 0.6)]
    return list(dict.fromkeys([*begin, *close]))[:3]


def slug(name: str) -> str:
    """A readable id: "José da Silva" is jose-da-silva, "田中 太郎" is 田中-太郎."""
    bases = (unicodedata.normalize("NFKD", char)[0] for char in unicodedata.normalize("NFKC", name))
    text = "".join(
        base if base.isascii() else char
        for base, char in zip(bases, unicodedata.normalize("NFKC", name), strict=True)
    )
    return re.sub(r"[^\w]+|_+", "-", text.casefold()).strip("-")[:48].strip("-") or "member"


def unused(wanted: str, members: Iterable[str], taken: Iterable[str]) -> str:
    """`wanted`, with a few characters of the member's id where somebody else has it, and a number where that is not enough."""
    taken = set(taken)
    tails = [re.sub(r"\W", "", member.partition(":")[2])[-4:].casefold() for member in members]
    tries = [wanted, *(f"{wanted}-{tail}" for tail in tails if tail)]
    return next(
        (one for one in tries if one not in taken),
        next(one for n in range(2, len(taken) + 3) if (one := f"{wanted}-{n}") not in taken),
    )


def _members(home: Home) -> dict[str, MemberNow]:
    """The humans boards have as members, by key; none before anything is published."""
    try:
        with Warehouse.open(home) as warehouse:
            on_boards = {f"{s}:{m}" for s, _, m in warehouse.board_members().iter_rows()}
            found = known_members(warehouse)
    except NothingPublished:
        return {}
    return {one.key: one for one in found if one.key in on_boards and one.kind != "bot"}


def _resolved(home: Home, members: Mapping[str, MemberNow]) -> list[Person]:
    saved = {key: kept(value) for key, value in ledger.saved_people(home).items()}
    ids = ledger.person_ids(home)
    claimed = {member: key for key, entry in saved.items() for member in entry.members}
    by_name = {plain(entry.name): key for key, entry in saved.items() if not entry.members}
    held: dict[str, list[str]] = {key: list(entry.members) for key, entry in saved.items()}
    implicit: dict[str, str] = {}
    for key, member in members.items():
        owner = claimed.get(key) or by_name.get(plain(member.name))
        if owner is None:
            implicit[key] = ids.get(key) or unused(
                slug(member.name or member.username or ""), [key], {*ids.values(), *saved, *implicit.values()}
            )
        elif key not in held[owner]:
            held[owner].append(key)
    ledger.keep_person_ids(home, {key: value for key, value in implicit.items() if key not in ids})
    imported = [replace(entry.person(key), members=tuple(held[key])) for key, entry in saved.items()]
    met = [
        Person(
            person_id, members[key].name or members[key].username or "Someone without a name", members=(key,)
        )
        for key, person_id in implicit.items()
    ]
    unread, chosen_at = ledger.unread(home), ledger.saved_at(home)
    return [
        replace(one, unread=unread.get(one.person_id, 0), chosen_at=chosen_at.get(one.person_id))
        for one in [*imported, *met]
    ]
