"""The Delivery page: one row a person, those with something in the way first, and the addresses that get no mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from digests import ledger, status
from digests.model import Person
from digests.status import Standing
from pages import _data, _parts

WAITING = ("due", "rendered", "sending", "deferred")


def standings() -> list[Standing]:
    """How it stands with everybody's mail; something in the way first, then by name."""
    found = status.standings(_data.home(), _data.people(), _data.now())
    return sorted(found, key=lambda one: (not one.why_not, one.person.name.casefold()))


def show_summary(found: Sequence[Standing]) -> None:
    """How many are well, and what lies in the outbox."""
    well = sum(not one.why_not for one in found)
    waiting = ledger.digests(_data.home(), states=WAITING)
    outbox = f"{len(waiting)} {'mail waits' if len(waiting) == 1 else 'mails wait'} in the outbox"
    coming = [one.next_at for one in found if one.next_at]
    zone, now = _data.browser_zone(), _data.now()
    then = f" · the next digest is due {_parts.moment(min(coming), zone, near=now)}" if coming else ""
    st.html(
        f"<p class='age'>{well} of {len(found)} get their mail · {outbox}{then} ({escape(str(zone))})</p>"
    )


def table(found: Sequence[Standing], now: datetime) -> str:
    """A row a person, each in their own time."""
    rows = "".join(_row(one, now) for one in found)
    heads = "".join(f"<th scope='col'>{head}</th>" for head in ("Person", "Next", "Last sent", "Why not"))
    return f"<table class='delivery'><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(one: Standing, now: datetime) -> str:
    address = escape(one.person.email or "")
    return (
        f"<tr><th scope='row'>{escape(one.person.name)}<span>{address}</span></th>"
        f"<td>{_when(one.next_at, one.person, now)}</td><td>{_when(one.sent_at, one.person, now)}</td>"
        f"<td>{escape(one.why_not)}</td></tr>"
    )


def _when(instant: datetime | None, person: Person, now: datetime) -> str:
    if instant is None:
        return "never"
    zone = person.zone or "UTC"
    return f"{_parts.moment(instant, ZoneInfo(zone), near=now)} <span>{escape(zone)}</span>"


def show_suppressed() -> None:
    """Addresses that get no more mail, why, and how to lift that."""
    stopped = ledger.suppressions(_data.home()).values()
    if not stopped:
        return
    st.html("<h2 class='section'>Suppressed addresses</h2>")
    zone, now = _data.browser_zone(), _data.now()
    items = "".join(
        f"<li><span class='card'>{escape(one.address)}</span><span class='about'>"
        f"since {_parts.moment(one.since_at, zone, near=now)}: {escape(one.reason)}</span>"
        f"<code>daybreak digest unsuppress {escape(one.address)}</code></li>"
        for one in stopped
    )
    st.html(f"<ul class='lines'>{items}</ul>")
    _parts.note(
        "Nothing is sent to these. When the address is right again, lift it with the command; nothing is lost."
    )
