"""What things are called when we speak to one reader: members, columns, days. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from digests.mentions import first_name, plain
from digests.model import MemberNow, Person, World
from warehouse.model import Event

DONE_TITLES = frozenset(
    """
    done complete completed finished closed released shipped deployed fertig erledigt abgeschlossen geschlossen
    concluído concluido concluída concluida concluídos concluidos feito feitos finalizado terminado terminados
    hecho hechos terminé termine terminés fini fait fatto finito completato gotowe klaar gereed hotovo
    完了 済み 完成 クローズ 終了 已完成 完毕 완료 готово сделано выполнено
    """.split()
)
ARCHIVE_TITLES = frozenset(
    "archive archived archiv archiviert arquivo arquivado archivo archivado archivé アーカイブ".split()
)
_MARKDOWN = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"(\*\*|__|~~|`+)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"^\s*(?:#{1,6}|>|[-*+])\s+", re.MULTILINE), ""),
)
# Characters that turn the direction of the text around them; a title must not reverse our sentence.
_BIDI = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"))

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of characters, which no mail can carry."""
READ = 4000
"""Characters of a text that are looked at: nothing longer is told, and a megabyte would keep everybody waiting."""


@lru_cache(maxsize=10_000)
def looks_done(title: str) -> bool:
    """Whether a column's title says that its cards are finished, in any of several languages."""
    text = plain(title)
    words = set(re.findall(r"\w+", text))
    if words & {"not", "nicht", "não", "nao", "almost", "definition"} or text.startswith(("未", "미")):
        return False
    # Scripts without spaces between words ("完了済み") are searched, not split.
    return bool(words & DONE_TITLES) or any(
        word in text for word in DONE_TITLES if not word.isascii() and word[0] > "\u2e7f"
    )


def clean(text: str) -> str:
    """One line of text without control characters; a foreign text can neither break a line nor turn it around."""
    text = text[:READ]
    if not text.isprintable():  # nearly every text is, and has nothing to be taken out
        text = _CONTROLS.sub(" ", text.translate(_BIDI))
        text = _HALVES.sub("\ufffd", text)
    return " ".join(text.split())


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where there are words."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,.;:") + "…"


def quoted(markdown: str, limit: int = 240) -> str:
    """Somebody's words as one line, without the marks of Markdown."""
    markdown = markdown[:READ]
    for pattern, to in _MARKDOWN:
        markdown = pattern.sub(to, markdown)
    return shortened(clean(markdown), limit)


def listed(names: Iterable[str], most: int = 4) -> str:
    """“a”, “a and b”, “a, b and c”, “a, b, c and 4 more”."""
    names = list(names)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, thing: str) -> str:
    """“1 item”, “3 items”."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def safe_url(url: str | None) -> str | None:
    """The address if it is an http(s) one that cannot end an attribute or a line; else None."""
    if url and len(url) <= 1000 and re.match(r"https?://[^\s\"'<>\\]+\Z", url, re.IGNORECASE):
        return url
    return None


def day(local: datetime, now: datetime) -> str:
    """“Fri 12 Jun 17:00”; the year where it is not this one."""
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"


@dataclass(frozen=True)
class Everybody:
    """What members are called, the same whoever reads: worked out once."""

    members: Mapping[str, MemberNow]

    @cached_property
    def full(self) -> Mapping[str, str]:
        """Each member's whole name, by key."""
        return {
            key: shortened(clean(member.name or member.username or ""), 60) or "Someone"
            for key, member in self.members.items()
        }

    @cached_property
    def short(self) -> Mapping[str, str]:
        """Each member's first name where nobody shares it, else the whole, by key."""
        people = {member.name: first_name(member.name) for member in self.members.values()}
        firsts = Counter(plain(first) for first in people.values())
        return {key: self._short(name, firsts) for key, name in self.full.items()}

    def _short(self, name: str, firsts: Counter[str]) -> str:
        first = first_name(name)
        return first if len(first) > 1 and firsts[plain(first)] == 1 else name


@dataclass(frozen=True)
class Names:
    """What one reader calls things."""

    person: Person
    world: World
    everybody: Everybody
    now: datetime

    @cached_property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.person.zone) if self.person.zone else UTC

    def full(self, key: str | None) -> str:
        """A member's whole name."""
        return self.everybody.full.get(key or "", "Someone")

    def short(self, key: str | None) -> str:
        """A member's first name where nobody shares it; "you" for the reader."""
        return "you" if key in self.person.members else self.everybody.short.get(key or "", "Someone")

    def column(self, column_id: object) -> str:
        """A column's title."""
        column = self.world.columns.get(str(column_id or ""))
        return shortened(clean(column.title), 60) if column and clean(column.title) else "another column"

    def is_done(self, column_id: object) -> bool:
        """Whether cards in that column are finished: as the source says, else as the title reads."""
        column = self.world.columns.get(str(column_id or ""))
        return bool(column and (column.is_done or looks_done(column.title)))

    def is_closed(self, column_id: object) -> bool:
        """Finished, or put away: from Done to Archive is no reopening."""
        column = self.world.columns.get(str(column_id or ""))
        words = set(re.findall(r"\w+", plain(column.title))) if column else set()
        return self.is_done(column_id) or bool(words & ARCHIVE_TITLES)

    def day(self, instant: datetime) -> str:
        """“Fri 12 Jun 17:00” where the reader lives; the year where it is not this one."""
        return day(instant.astimezone(self.zone), self.now.astimezone(self.zone))


def actor(event: Event) -> str | None:
    """The member key of who did it."""
    return f"{event.source}:{event.actor_id}" if event.actor_id else None
