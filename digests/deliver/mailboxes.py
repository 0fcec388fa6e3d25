"""Where mails that came back arrive: a Maildir, or a folder on an IMAP server. What is no report is left alone."""

from __future__ import annotations

import imaplib
import mailbox
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from digests.deliver.carriers import BadCarrier

MOST = 500
"""Messages looked at in one go, the newest: others that pile up unread must not hide the reports that come after them."""
TIMEOUT = 20.0
_FORM = (
    "the path of a Maildir, or imaps://user:password@host/FOLDER (imap:// and imap+starttls:// work as well)"
)

_MAY_BE_A_REPORT = (
    'UNSEEN OR HEADER "Content-Type" "multipart/report" HEADER "Content-Type" "multipart/mixed"'
)

Judge = Callable[[bytes], bool]
"""Is given a message; True where it was a report and has been taken in."""


class MailboxUnavailable(Exception):
    """The mailbox cannot be read now; it is looked at again later."""


def look_through(place: str, judge: Judge) -> int:
    """Show each unread message to `judge` and mark those it has taken in as read; how many. Raises MailboxUnavailable."""
    scheme = urlsplit(place).scheme
    if scheme in ("imap", "imaps", "imap+starttls"):
        return sum(1 for _ in _through_imap(_parts(place), judge))
    return sum(1 for _ in _through_maildir(Path(place.removeprefix("maildir:")).expanduser(), judge))


def _through_maildir(path: Path, judge: Judge) -> Iterator[str]:
    if not (path / "new").is_dir():
        raise MailboxUnavailable(f"{path} is no Maildir. DAYBREAK_BOUNCES is {_FORM}.")
    box = mailbox.Maildir(path, create=False)
    try:
        unread = [key for key in sorted(box.keys()) if "S" not in box.get_message(key).get_flags()]
        for key in unread[-MOST:]:
            if judge(box.get_bytes(key)):
                message = box.get_message(key)
                message.set_subdir("cur")
                message.add_flag("S")
                box[key] = message
                yield key
    except OSError as error:
        raise MailboxUnavailable(
            f"{path} cannot be read ({error.strerror}). Check DAYBREAK_BOUNCES."
        ) from error
    finally:
        box.close()


def _parts(place: str) -> SplitResult:
    try:
        parts = urlsplit(place)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        raise BadCarrier(f"DAYBREAK_BOUNCES cannot be used. Write {_FORM}.") from error
    if not parts.hostname:
        raise BadCarrier(f"DAYBREAK_BOUNCES names no host. Write {_FORM}.")
    return parts


def _through_imap(parts: SplitResult, judge: Judge) -> Iterator[str]:
    folder = unquote(parts.path.strip("/")) or "INBOX"
    where = f"{folder} on {parts.hostname}"
    try:
        with _signed_in(parts) as server:
            _ok(server.select(f'"{folder}"'), where)
            found = _ok(server.uid("search", _MAY_BE_A_REPORT), where)
            for uid in (found[0] or b"").decode().split()[-MOST:]:
                told = _ok(server.uid("fetch", uid, "(BODY.PEEK[])"), where)
                if judge(next((bytes(part[1]) for part in told if isinstance(part, tuple)), b"")):
                    _ok(server.uid("store", uid, "+FLAGS.SILENT", r"(\Seen)"), where)
                    yield uid
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxUnavailable(f"{where} cannot be read ({error}). Check DAYBREAK_BOUNCES.") from error


def _signed_in(parts: SplitResult) -> imaplib.IMAP4:
    assert parts.hostname
    secure = ssl.create_default_context()
    if parts.scheme == "imaps":
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            parts.hostname, parts.port or 993, ssl_context=secure, timeout=TIMEOUT
        )
    else:
        server = imaplib.IMAP4(parts.hostname, parts.port or 143, timeout=TIMEOUT)
    if parts.scheme == "imap+starttls":
        server.starttls(secure)
    server.login(unquote(parts.username or ""), unquote(parts.password or ""))
    return server


def _ok(answer: tuple[str, list[Any]], where: str) -> list[Any]:
    status, told = answer
    if status != "OK":
        raise MailboxUnavailable(f"{where} cannot be read ({told!r}). Check DAYBREAK_BOUNCES.")
    return told
