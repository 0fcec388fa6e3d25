"""A mail server, by URL: sessions that are kept open for many mails, and what the server's answers mean."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from digests.deliver.carriers import (
    BadCarrier,
    DeliveryDeferred,
    DeliveryRefused,
    Parcel,
    ServerUnavailable,
    SlowDown,
)
from digests.mail import SENDER
from digests.naming import clean

TIMEOUT = 20.0
"""Seconds to wait for an answer before the digest is put off."""
PATIENCE = 120.0
"""Seconds to wait until a server has taken a whole mail: who leaves earlier sends twice (RFC 5321, 4.5.3.2)."""
CONNECTIONS = 4
MOST_A_CONNECTION = 100
"""Mails a connection carries; many servers hang up after as many."""
_SLOW_DOWN, _TOO_LARGE = 421, 552
_FORM = "smtp://, smtps:// or smtp+starttls://user:password@host:port?from=address&connections=4"


@dataclass(frozen=True)
class Smtp:
    """A mail server and how it is spoken to. A `*` in `return_path` becomes the mail's own name (VERP)."""

    host: str
    port: int
    scheme: str
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = SENDER
    connections: int = CONNECTIONS
    return_path: str = ""
    sign: Callable[[bytes], bytes] | None = None
    timeout: float = TIMEOUT
    patience: float = PATIENCE

    @classmethod
    def at(cls, url: str, sender: str | None = None) -> Smtp:
        """smtp://, smtps:// or smtp+starttls://user:password@host:port?from=ADDRESS. Raises BadCarrier."""
        try:
            parts = urlsplit(url)
            port = parts.port or {"smtps": 465, "smtp+starttls": 587, "smtp": 25}[parts.scheme]
            connections = int(_option(parts, "connections") or CONNECTIONS)
        except (ValueError, KeyError) as error:
            raise BadCarrier(
                f"The SMTP URL {_without_password(url)} cannot be used. Write {_FORM}."
            ) from error
        if not parts.hostname or connections < 1:
            what = "names no host" if not parts.hostname else f"asks for {connections} connections"
            raise BadCarrier(f"The SMTP URL {_without_password(url)} {what}. Write {_FORM}.")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        address = checked_address(sender or _sender(parts))
        return cls(parts.hostname, port, parts.scheme, user, password, address, connections)

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.host}:{self.port}"

    @contextlib.contextmanager
    def session(self) -> Iterator[SmtpSession]:
        """A session that connects with its first mail."""
        session = SmtpSession(self)
        try:
            yield session
        finally:
            session.close()

    def envelope_sender(self, parcel: Parcel) -> str:
        """Where a report comes if the mail cannot be delivered later on."""
        local = parcel.message_id.strip("<>").rpartition("@")[0]
        return self.return_path.replace("*", local) or self.sender


class SmtpSession:
    """One connection to the server, opened when needed, kept for the next mail, given up when in doubt."""

    def __init__(self, server: Smtp) -> None:
        self._server = server
        self._open: smtplib.SMTP | None = None
        self._carried = 0

    def deliver(self, parcel: Parcel) -> None:
        """Hand it to the server. A lost connection may mean it was taken: the retry carries the same Message-ID."""
        message = self._server.sign(parcel.message) if self._server.sign else parcel.message
        try:
            connection = self._begin(parcel, len(message))
            self._expect(connection.rcpt(parcel.recipient), f"does not take mail for {parcel.recipient}")
            self._hand_over(connection, parcel, message)
        except (smtplib.SMTPException, OSError) as error:
            self.close(politely=False)
            raise DeliveryDeferred(
                f"{self._server.name} was lost over the mail for {parcel.recipient} ({_reason(error)})."
            ) from error

    def close(self, *, politely: bool = True) -> None:
        """End the connection, if there is one."""
        connection, self._open = self._open, None
        if connection:
            # The mail is taken or not by now; how the server says goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if politely:
                    connection.quit()
            connection.close()

    def _begin(self, parcel: Parcel, size: int) -> smtplib.SMTP:
        """Start a mail; on a kept connection that has ended meanwhile, once more on a fresh one."""
        if self._carried >= MOST_A_CONNECTION:
            self.close()
        kept = self._open is not None
        connection = self._open or self._connect()
        options = [f"size={size}"] if connection.has_extn("size") else []
        try:
            answer = connection.mail(self._server.envelope_sender(parcel), options)
        except (smtplib.SMTPServerDisconnected, OSError):
            if not kept:
                raise
            self.close(politely=False)
            return self._begin(parcel, size)
        code, text = answer
        if 400 <= code < 500 and code != _SLOW_DOWN:
            self._reset()
            raise SlowDown(f"{self._server.name} does not take mail now: {code} {_words(text)}")
        if code >= 500 and code != _TOO_LARGE:
            self._reset()
            raise ServerUnavailable(
                f"{self._server.name} does not take mail from {self._server.sender}: {code} {_words(text)}. "
                f"Check DAYBREAK_MAIL_FROM and the SMTP URL."
            )
        self._expect(answer, f"did not take the mail for {parcel.recipient}")
        return connection

    def _hand_over(self, connection: smtplib.SMTP, parcel: Parcel, message: bytes) -> None:
        what = f"did not take the mail for {parcel.recipient}"
        assert connection.sock is not None
        connection.sock.settimeout(self._server.patience)
        try:
            self._expect(connection.data(message), what)
        except smtplib.SMTPDataError as error:
            self._expect((error.smtp_code, error.smtp_error), what)
        connection.sock.settimeout(self._server.timeout)
        self._carried += 1

    def _expect(self, answer: tuple[int, bytes | str], what: str) -> None:
        """Go on where the server said yes; else say what its answer means."""
        code, text = answer
        if 200 <= code < 300:
            return
        said = f"{self._server.name} {what}: {code} {_words(text)}"
        if code == _SLOW_DOWN:
            self.close(politely=False)
            raise SlowDown(said)
        self._reset()
        if code >= 500:
            raise DeliveryRefused(said, hard=_words(text).startswith("5.1."))
        raise DeliveryDeferred(said)

    def _reset(self) -> None:
        try:
            assert self._open is not None
            self._open.rset()
        except (smtplib.SMTPException, OSError):
            self.close(politely=False)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        try:
            connection = self._greeted()
        except smtplib.SMTPAuthenticationError as error:
            said = f"{server.name} does not let {server.user or 'us'} in: {_words(error.smtp_error)}"
            raise ServerUnavailable(f"{said}. Check user and password in the SMTP URL.") from error
        except smtplib.SMTPConnectError as error:
            kind = SlowDown if error.smtp_code == _SLOW_DOWN else ServerUnavailable
            raise kind(f"{server.name} is not taking connections: {_words(error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServerUnavailable(f"{server.name} cannot be used now ({_reason(error)}).") from error
        self._open, self._carried = connection, 0
        return connection

    def _greeted(self) -> smtplib.SMTP:
        server = self._server
        # To load the authorities that are trusted takes longer than ten mails.
        secure = None if server.scheme == "smtp" else ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=secure)
            if server.scheme == "smtps"
            else smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        )
        try:
            assert connection.sock is not None
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.ehlo_or_helo_if_needed()
            if server.scheme == "smtp+starttls":
                connection.starttls(context=secure)
                connection.ehlo()
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def checked_address(address: str) -> str:
    """The address, if it is one that can stand in a header. Raises BadCarrier."""
    if re.fullmatch(r"[!-;=?A-~]+@[!-;=?A-~]+", address) and address.count("@") == 1:
        return address
    raise BadCarrier(f"Mail cannot come from {address!r}. Give one plain address, like daybreak@example.org.")


def _sender(parts: SplitResult) -> str:
    user = unquote(parts.username or "")
    return _option(parts, "from") or (user if "@" in user else SENDER)


def _option(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[0]


def _reason(error: Exception) -> str:
    return _words(str(error) or type(error).__name__)


def _words(text: bytes | str) -> str:
    return clean(text.decode(errors="replace") if isinstance(text, bytes) else text)[:200]


def _without_password(url: str) -> str:
    return re.sub(r"://[^/@]*@", "://…@", url)
