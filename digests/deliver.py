"""From a rendered digest to an inbox: the message, and the carriers that take it there."""

from __future__ import annotations

import contextlib
import hashlib
import mailbox
import os
import re
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from digests import render
from digests.model import CatchUp
from digests.naming import clean
from digests.news import zone_of
from warehouse.home import Home
from warehouse.model import Window

DOMAIN = "daybreak.localhost"
SENDER = f"daybreak@{DOMAIN}"
TIMEOUT = 20.0
"""Seconds to wait for a mail server before the digest is put off."""


class DeliveryDeferred(Exception):
    """Not now: the same mail is tried again later."""


class DeliveryRefused(Exception):
    """Not ever to this address: a person has to look at it."""


class BadCarrier(Exception):
    """The SMTP URL cannot be used; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A rendered mail, to whom it goes, and its Message-ID."""

    message: bytes
    recipient: str
    message_id: str


class Carrier(Protocol):
    """Takes a parcel to an inbox, or raises DeliveryDeferred or DeliveryRefused."""

    @property
    def sender(self) -> str:
        """The address mails come from."""
        ...

    def deliver(self, parcel: Parcel) -> None:
        """Deliver it; delivering the same Message-ID again must be harmless where the carrier can know."""
        ...


def message_id(person_id: str, window: Window) -> str:
    """The mail's name: a function of person and window, so that a retry is the same mail."""
    digest = hashlib.sha256(f"{person_id}\n{window.after}\n{window.upto}".encode()).hexdigest()
    return f"<{window.after}-{window.upto}.{digest[:24]}@{DOMAIN}>"


def compose(catch_up: CatchUp, *, sender: str = SENDER, page_url: str = "") -> EmailMessage:
    """The digest as a mail: text first, HTML with the same content, headers that say a machine wrote it."""
    person = catch_up.person
    name = message_id(person.person_id, catch_up.window)
    mail = EmailMessage(policy=policy.SMTP)
    mail["Message-ID"] = name
    mail["Date"] = format_datetime(catch_up.to_at.astimezone(zone_of(catch_up)))
    mail["From"] = Address("Daybreak", addr_spec=sender)
    mail["To"] = Address(clean(person.name), addr_spec=person.email) if person.email else f"{DOMAIN}:;"
    mail["Subject"] = render.subject(catch_up)
    mail["List-Id"] = f"What changed on your boards <digest.{DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(render.text(catch_up, page_url), cte="quoted-printable")
    mail.add_alternative(render.html(catch_up, page_url), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_daybreak_{hashlib.sha256(name.encode()).hexdigest()[:32]}")
    return mail


def carrier(home: Home, smtp_url: str | None = None, sender: str | None = None) -> Carrier:
    """SMTP where a URL is given, else the Maildir in the home. Raises BadCarrier."""
    if smtp_url:
        return Smtp.at(smtp_url, sender)
    return Maildir(home.outbox, _checked(sender) if sender else SENDER)


@dataclass(frozen=True)
class Memory:
    """Keeps what it is given, for tests."""

    sender: str = SENDER
    sent: dict[str, Parcel] = field(default_factory=dict)

    def deliver(self, parcel: Parcel) -> None:
        """Keep it under its Message-ID."""
        self.sent.setdefault(parcel.message_id, parcel)


@dataclass(frozen=True)
class Maildir:
    """A folder any mail program reads. The file is named for the Message-ID: the same mail is there once."""

    path: Path
    sender: str = SENDER

    def deliver(self, parcel: Parcel) -> None:
        """Write it aside, then move it in whole."""
        name = re.sub(r"[^A-Za-z0-9.-]", "_", parcel.message_id.strip("<>"))
        try:
            mailbox.Maildir(self.path, create=True).close()
            if any(next(self.path.joinpath(folder).glob(f"{name}*"), None) for folder in ("new", "cur")):
                return
            aside = self.path / "tmp" / name
            with aside.open("wb") as file:
                file.write(parcel.message.replace(b"\r\n", b"\n"))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path / "new" / name)
        except OSError as error:
            raise DeliveryDeferred(
                f"{self.path} cannot be written ({error.strerror}). Make the folder writable; it is tried again."
            ) from error


@dataclass(frozen=True)
class Smtp:
    """A mail server, by URL."""

    host: str
    port: int
    scheme: str
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = SENDER

    @classmethod
    def at(cls, url: str, sender: str | None = None) -> Smtp:
        """smtp://, smtps:// or smtp+starttls://user:password@host:port?from=ADDRESS. Raises BadCarrier."""
        form = "smtp://, smtps:// or smtp+starttls://user:password@host:port?from=address"
        try:
            parts = urlsplit(url)
            port = parts.port or {"smtps": 465, "smtp+starttls": 587, "smtp": 25}[parts.scheme]
        except (ValueError, KeyError) as error:
            raise BadCarrier(
                f"The SMTP URL {_without_password(url)} cannot be used. Write {form}."
            ) from error
        if not parts.hostname:
            raise BadCarrier(f"The SMTP URL {_without_password(url)} names no host. Write {form}.")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, parts.scheme, user, password, _checked(sender or _sender(parts)))

    def deliver(self, parcel: Parcel) -> None:
        """Hand it to the server. A lost connection may mean it was taken: the retry carries the same Message-ID."""
        server = f"{self.host}:{self.port}"
        try:
            with self._session() as session:
                session.send_message(
                    message_from_bytes(parcel.message, policy=policy.SMTP),
                    self.sender,
                    [parcel.recipient],
                )
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _verdict(code, f"{server} does not take mail for {parcel.recipient}", text) from error
        except smtplib.SMTPAuthenticationError as error:
            said = f"{server} does not let {self.user or 'us'} in: {_words(error.smtp_error)}"
            raise DeliveryDeferred(f"{said}. Check user and password in the SMTP URL.") from error
        except smtplib.SMTPConnectError as error:
            raise DeliveryDeferred(
                f"{server} is not taking connections: {_words(error.smtp_error)}"
            ) from error
        except smtplib.SMTPResponseException as error:
            raise _verdict(
                error.smtp_code, f"{server} did not take the mail for {parcel.recipient}", error.smtp_error
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryDeferred(
                f"{server} cannot be used now ({_words(str(error) or type(error).__name__)})."
            ) from error

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        secure = ssl.create_default_context()
        session = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=secure)
            if self.scheme == "smtps"
            else smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        )
        try:
            if self.scheme == "smtp+starttls":
                session.starttls(context=secure)
            if self.user:
                session.login(self.user, self.password)
            yield session
        finally:
            # The mail is taken or not by now; how the server says goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                session.quit()


def _sender(parts: SplitResult) -> str:
    given = parse_qs(parts.query).get("from")
    user = unquote(parts.username or "")
    return given[0] if given else user if "@" in user else SENDER


def _checked(sender: str) -> str:
    """The address, if it is one that can stand in a header."""
    if re.fullmatch(r"[!-;=?A-~]+@[!-;=?A-~]+", sender) and sender.count("@") == 1:
        return sender
    raise BadCarrier(f"Mail cannot come from {sender!r}. Give one plain address, like daybreak@example.org.")


def _verdict(code: int, what: str, text: bytes | str) -> DeliveryDeferred | DeliveryRefused:
    said = f"{what}: {code} {_words(text)}"
    return DeliveryRefused(said) if 500 <= code < 600 else DeliveryDeferred(said)


def _words(text: bytes | str) -> str:
    return clean(text.decode(errors="replace") if isinstance(text, bytes) else text)[:200]


def _without_password(url: str) -> str:
    return re.sub(r"://[^/@]*@", "://…@", url)
