"""A catch-up as JSON, text and HTML, and the subject of its mail. Pure: the same value gives the same bytes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import jinja2
from jinja2.ext import Extension

from digests import layout, news
from digests.layout import Block, Entry, Layout, laid_out, tighter
from digests.model import NOWHERE, CatchUp, Line, Links
from digests.naming import counted, safe_url, shortened

MOST = 80_000
"""Bytes of HTML: Gmail clips a mail at 102 kB."""
WIDTH = 76
STYLES = {
    "sans": "font-family:-apple-system,BlinkMacSystemFont,&#39;Segoe UI&#39;,Roboto,Helvetica,Arial,sans-serif;",
    "ink": "color:#1c2430;",
    "soft": "color:#566070;",
    "paper": "background-color:#ffffff;",
}
"""What nearly every element of a mail says of itself, as mail programs want it: in place, escaped."""
WEB, PAGE, FEWER = "See this mail in the browser", "Open Daybreak", "Fewer of these mails, or none"


def subject(catch_up: CatchUp) -> str:
    """What the mail's subject says, on one line."""
    return news.subject(catch_up)


def both(catch_up: CatchUp, links: Links = NOWHERE) -> tuple[str, str]:
    """A mail's text and its HTML, of one layout: every title and link is in both.

    The HTML has at most MOST bytes; what is cut leads to the mail's own page, or the dashboard.
    """
    safe = Links(*(safe_url(getattr(links, name.name)) or "" for name in fields(links)))
    shown, page = _fitting(catch_up, safe)
    return "\n".join(_text(shown, safe)).strip() + "\n", page


def text(catch_up: CatchUp, links: Links = NOWHERE) -> str:
    """The text alone."""
    return both(catch_up, links)[0]


def html(catch_up: CatchUp, links: Links = NOWHERE) -> str:
    """The HTML alone."""
    return both(catch_up, links)[1]


def page(template: str, **values: object) -> str:
    """Another page of ours, as HTML."""
    return _template(template).render(**values)


def _fitting(catch_up: CatchUp, links: Links) -> tuple[Layout, str]:
    limits: layout.Limits = layout.LIMITS
    while True:
        shown = laid_out(catch_up, limits)
        page = _template("digest.html.j2").render(digest=shown, links=links)
        smaller = tighter(limits)
        if len(page.encode()) <= MOST or smaller is None:
            return shown, page
        limits = smaller


class _Styles(Extension):
    """Puts STYLES into a template when it is built: a mail has two hundred of them, and each would be escaped anew."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's
        for style, css in STYLES.items():
            source = source.replace(f"{{{{ {style} }}}}", css)
        return source


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digests"),
        autoescape=True,
        extensions=[_Styles],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"web": WEB, "page": PAGE, "fewer": FEWER, "shortened": shortened}
    return environment.get_template(name)


def _text(shown: Layout, links: Links) -> Iterator[str]:
    yield from textwrap.wrap(shown.headline, WIDTH)
    yield from textwrap.wrap(shown.when, WIDTH)
    if shown.tiles:
        yield " · ".join(f"{number} {name}" for number, name in shown.tiles)
    for block in shown.blocks:
        yield from ("", "", f"{block.name.upper()} ({block.count})")
        yield from _block(block, links.web or links.page)
    if shown.totals:
        yield from ("", "", "BY BOARD")
        yield from (f"  {total.board}: {_total(total)}" for total in shown.totals)
    yield from ("", "", "-- ")
    yield from (line for sentence in shown.footer for line in textwrap.wrap(sentence, WIDTH))
    ways = {WEB: links.web, PAGE: links.page, FEWER: links.fewer}
    yield from (line for name, url in ways.items() if url for line in ("", f"{name}:", url))


def _block(block: Block, rest: str) -> Iterator[str]:
    for entry in block.entries:
        yield ""
        yield from _entry(entry)
    if block.left_out:
        yield ""
        yield from _wrapped(f"… {block.left_out}", "  ")
        if rest:
            yield f"  {rest}"


def _entry(entry: Entry) -> Iterator[str]:
    for number, title in enumerate(entry.titles):
        last = number == len(entry.titles) - 1
        more = f" and {entry.more} more" if last and entry.more else ""
        board = f"  [{entry.board}]" if last and entry.board else ""
        yield from _wrapped(f"{'✓ ' if entry.done else ''}{title.text}{more}{board}", "  ")
        if title.url:
            yield f"    {title.url}"
    if not entry.titles:
        yield from _wrapped(entry.board, "  ")
    for said in entry.statements:
        yield from _wrapped(f"{said.lead}: “{said.quote}”" if said.quote else said.lead, "    ")
    if entry.unsaid:
        yield f"    … and {entry.unsaid} more on this card"
    yield f"    ({entry.reason} · {entry.statements[-1].when})"


def _wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _total(total: layout.Total) -> str:
    parts = [counted(total.cards, "card")]
    parts += [f"{total.done} done"] if total.done else []
    parts += [f"{total.new} new"] if total.new else []
    parts += [counted(total.words, "comment")] if total.words else []
    return ", ".join(parts)


def as_json(catch_up: CatchUp) -> str:
    """The catch-up as a JSON document (the shape of `values`)."""
    return json.dumps(values(catch_up), ensure_ascii=False, indent=2)


def values(catch_up: CatchUp) -> dict[str, Any]:
    """The catch-up as JSON values; the lists under `accounted` partition the window's offsets."""
    accounted = catch_up.accounted
    return {
        "person": catch_up.person.person_id,
        "zone": catch_up.zone,
        "window": {"after": catch_up.window.after, "upto": catch_up.window.upto},
        "from_at": catch_up.from_at.isoformat(),
        "to_at": catch_up.to_at.isoformat(),
        "counts": counts(catch_up),
        "sections": [
            {"name": section.name, "lines": [_line(line) for line in section.lines]}
            for section in catch_up.sections
        ],
        "accounted": {
            "shown": list(accounted.shown),
            "folded": list(accounted.folded),
            "excluded": {reason: list(offsets) for reason, offsets in accounted.excluded.items()},
        },
    }


def counts(catch_up: CatchUp) -> dict[str, Any]:
    """How many events the window holds and where they went."""
    accounted = catch_up.accounted
    return {
        "events": accounted.events,
        "shown": len(accounted.shown),
        "folded": len(accounted.folded),
        "excluded": {reason: len(offsets) for reason, offsets in accounted.excluded.items()},
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "card_id": line.card_id,
        "card": line.card,
        "board": line.board,
        "kind": line.kind,
        "text": line.text,
        "reason": line.reason,
        "actors": list(line.actors),
        "at": line.at.isoformat(),
        "url": line.url,
        "events": list(line.events),
        "late": line.late,
    }
