"""A catch-up as a mail: text first, HTML with the same content, headers that say a machine wrote it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from digests import render
from digests.model import NOWHERE, CatchUp, Links
from digests.naming import clean
from digests.news import zone_of
from warehouse.model import Window

DOMAIN = "daybreak.localhost"
SENDER = f"daybreak@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is the same on every mail: whom it comes from, and how to know where it leads."""

    sender: str = SENDER
    links: Callable[[CatchUp], Links] = lambda _: NOWHERE

    @property
    def domain(self) -> str:
        """The sender's domain: the Message-ID and the List-Id are names in it."""
        return self.sender.rpartition("@")[2]


def message_id(person_id: str, window: Window, domain: str = DOMAIN) -> str:
    """The mail's name: a function of person and window, so that a retry is the same mail."""
    digest = hashlib.sha256(f"{person_id}\n{window.after}\n{window.upto}".encode()).hexdigest()
    return f"<{window.after}-{window.upto}.{digest[:24]}@{domain}>"


def compose(catch_up: CatchUp, letterhead: Letterhead = Letterhead()) -> EmailMessage:
    """The digest as a mail; the same value gives the same bytes."""
    person = catch_up.person
    name = message_id(person.person_id, catch_up.window, letterhead.domain)
    mail = EmailMessage(policy=policy.SMTP)
    mail["Message-ID"] = name
    mail["Date"] = format_datetime(catch_up.to_at.astimezone(zone_of(catch_up)))
    mail["From"] = Address("Daybreak", addr_spec=letterhead.sender)
    mail["To"] = (
        Address(clean(person.name), addr_spec=person.email) if person.email else f"{letterhead.domain}:;"
    )
    mail["Subject"] = render.subject(catch_up)
    links = letterhead.links(catch_up)
    _say_it_is_a_list(mail, links, letterhead.domain)
    text, html = render.both(catch_up, links)
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_daybreak_{hashlib.sha256(name.encode()).hexdigest()[:32]}")
    return mail


def _say_it_is_a_list(mail: EmailMessage, links: Links, domain: str) -> None:
    """What machines look for: whose list it is, that nobody waits for an answer, and the way out of it."""
    mail["List-Id"] = f"What changed on your boards <digest.{domain}>"
    mail["Feedback-ID"] = f"digest:daybreak:{domain}"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    # One click is a promise that machines hold us to: only over https, where a POST can reach us from anywhere.
    if links.one_click.startswith("https://"):
        ways = [links.one_click, *([links.mailto] if links.mailto else [])]
        mail["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways)
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
