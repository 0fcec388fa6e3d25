"""What is answered over HTTP, as values: a status and a page that loads nothing, runs nothing and tells nobody where it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from digests import render
from digests.web import tokens
from digests.web.choices import Done, Undo
from warehouse.home import Home

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A page and its status."""

    page: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Button:
    """One thing that may be done, by a POST to the address it is shown at."""

    label: str
    do: str
    value: str = ""
    about: str = ""


def asks(title: str, words: Iterable[str], buttons: Iterable[Button], status: int = 200) -> Answer:
    """A short page: what it is about, and what may be done."""
    page = render.page("notice.html.j2", title=title, words=list(words), buttons=list(buttons))
    return Answer(page, status)


def said(home: Home, person_id: str, done: Done) -> Answer:
    """What was done, with the button that takes it back."""
    return asks(done.said, [], undo_button(home, person_id, done.undo))


def undo_button(home: Home, person_id: str, undo: Undo | None) -> list[Button]:
    """What takes back what was done, signed, so that nobody else's choices can be written."""
    return [Button("Undo", "undo", tokens.signed(home, "undo", person_id, *undo))] if undo else []


def taken_back(home: Home, person_id: str, form: Mapping[str, str]) -> list[Any] | None:
    """What an undo button of this person's says."""
    told = tokens.told(home, "undo", form.get("value", ""))
    return told[1:] if told and len(told) == 4 and told[0] == person_id else None
