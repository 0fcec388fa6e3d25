"""What a mail that came back says of itself: delivery reports by RFC 3464, whoever wrote them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage, Message

from digests.naming import clean

HARD = "5.1."
"""Statuses that say there is no such address (RFC 3463); other failures say that it takes no mail just now."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that could not be delivered. `names` are Message-IDs, or the part before the @ of one, that it may have."""

    names: tuple[str, ...]
    status: str
    said: str

    @property
    def hard(self) -> bool:
        """Whether no mail will ever reach that address."""
        return self.status.startswith(HARD)


def bounce_of(raw: bytes, return_path: str = "") -> Bounce | None:
    """The failure a message reports; None where it reports none, as when a mail is only late.

    A `*` in `return_path` stands for the name of the mail, as in the address the report was sent to.
    """
    message = message_from_bytes(raw, policy=policy.compat32)
    # Not every server calls its report one (OpenSMTPD: multipart/mixed); what counts is that it holds the fields.
    failed = [block for block in _blocks(message) if _field(block, "Action").lower() == "failed"]
    if not failed:
        return None
    status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", _field(failed[0], "Status"))
    said = _field(failed[0], "Diagnostic-Code").partition(";")[2] or _field(failed[0], "Diagnostic-Code")
    names = dict.fromkeys(
        [*_of_the_original(message), *_of_the_address(message, return_path), *_answered(message)]
    )
    return Bounce(tuple(names), status[0] if status else "", clean(said)[:200])


def _blocks(message: Message) -> Iterator[Message]:
    """The fields of each recipient (and of the report as a whole)."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            yield from (block for block in part.get_payload() if isinstance(block, Message))


def _of_the_original(message: Message) -> Iterator[str]:
    """What the report brings of the mail that came back, whole or its headers alone."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            yield from (
                _field(each, "Message-ID") for each in part.get_payload() if isinstance(each, Message)
            )
        elif kind == "text/rfc822-headers":
            told = part.get_payload(decode=True)
            text = told.decode(errors="replace") if isinstance(told, bytes) else ""
            yield _field(message_from_string(text), "Message-ID")


def _of_the_address(message: Message, return_path: str) -> Iterator[str]:
    before, star, after = return_path.partition("*")
    if star:
        named = re.compile(f"{re.escape(before)}(.+?){re.escape(after)}", re.IGNORECASE)
        for header in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
            yield from (
                found[1] for value in message.get_all(header, []) if (found := named.search(str(value)))
            )


def _answered(message: Message) -> Iterator[str]:
    """Some servers answer, as people do."""
    for header in ("In-Reply-To", "References"):
        yield from re.findall(r"<[^<>\s]+>", _field(message, header))


def _field(message: Message | EmailMessage, name: str) -> str:
    return clean(str(message.get(name, "")))
