"""Whom a text names with an @. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from digests.model import MemberNow

EVERYBODY = frozenset("all board channel everyone team".split())
_AT = re.compile(r"(?<![\w@.])@(?=\w)")


def plain(text: str) -> str:
    """Text as it is compared: one normal form, no case."""
    return unicodedata.normalize("NFKC", text).casefold()


def first_name(name: str) -> str:
    """The part of a name people call each other by."""
    return name.split()[0] if name.split() else name


def handles(members: Iterable[MemberNow]) -> Mapping[str, frozenset[str]]:
    """What may follow an @, to the keys it means: user names, full names, first names nobody shares."""
    known = list(members)
    firsts = Counter(plain(first_name(member.name)) for member in known if member.name)
    found: dict[str, set[str]] = {}
    for member in known:
        names = {plain(member.username or ""), plain(member.name)}
        if firsts[plain(first_name(member.name))] == 1:
            names.add(plain(first_name(member.name)))
        for name in names - {""}:
            found.setdefault(name, set()).add(member.key)
    return {name: frozenset(keys) for name, keys in found.items()}


def mentioned(text: str, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The member keys a text names; `*` for everybody on the board, `card` for all who are on the card.

    The longest name wins: "@ana-maria" is not "@ana". An address ("x@ana.org") names nobody.
    """
    text = plain(text)
    found: set[str] = set()
    for at in _AT.finditer(text):
        rest = text[at.end() :]
        word = re.match(r"[\w.\-]*", rest)
        name = max((name for name in known if _begins(rest, name)), key=len, default=None)
        if name is not None:
            found |= known[name]
        elif word and word.group().rstrip(".-") in EVERYBODY:
            found.add("*")
        elif word and word.group().rstrip(".-") == "card":
            found.add("card")
    return frozenset(found)


def _begins(text: str, name: str) -> bool:
    if not text.startswith(name):
        return False
    after = text[len(name) :]
    # A name in a script without spaces may be followed by a particle or a title ("@田中さん").
    spaced = name[-1].isascii() or unicodedata.category(name[-1]) != "Lo"
    return not re.match(r"\w|[.\-]\w" if spaced else r"[a-z0-9_]", after)
