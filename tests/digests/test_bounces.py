"""Mails that came back: read from a Maildir and from a real IMAP server, matched however the report names them."""

from __future__ import annotations

import imaplib
import mailbox
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digests import ledger
from digests.bounces import take_in
from digests.deliver import BadCarrier
from digests.deliver.mailboxes import MOST, MailboxUnavailable
from digests.deliver.reports import bounce_of
from digests.ledger import Made, Outcome
from running import environment, free_port, until
from warehouse.home import Home
from warehouse.model import Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
NAME = "<0-4.0123456789abcdef@example.org>"
RETURN_PATH = "bounces+*@example.org"

# As Postfix writes it, the mail's headers alone at the end.
REPORT = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: {called}; boundary="b/1"
Message-ID: <20260310090000.1@mx.example>
{answers}
This is a MIME-encapsulated message.

--b/1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b/1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Tue, 10 Mar 2026 09:00:00 +0000

Final-Recipient: rfc822; ada@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <ada@example.org>: Recipient address
    rejected: User unknown

--b/1
Content-Type: {kind}

{original}
--b/1--
"""
ORIGINAL = f"From: daybreak@example.org\nTo: ada@example.org\nMessage-ID: {NAME}\nSubject: Tue: 2 done\n"


def report(
    *, called="multipart/report; report-type=delivery-status", action="failed", status="5.1.1", to="daybreak@example.org", kind="text/rfc822-headers", original=ORIGINAL, answers=""
) -> bytes:  # fmt: skip
    told = REPORT.format(
        called=called, action=action, status=status, to=to, kind=kind, original=original, answers=answers
    )
    return told.replace("\n", "\r\n").encode()


@dataclass
class Case:
    """A mail to Ada that was sent, and a Maildir for what comes back."""

    home: Home
    place: Path

    def arrive(self, raw: bytes) -> None:
        mailbox.Maildir(self.place).add(raw)

    def read(self) -> str:
        return str(take_in(self.home, str(self.place), NOW, return_path=RETURN_PATH, say=lambda _: None))

    @property
    def digest(self) -> ledger.Digest:
        (digest,) = ledger.digests(self.home)
        return digest


@pytest.fixture
def case(home: Home, tmp_path: Path) -> Case:
    ledger.plan(home, [("ada", NOW)], NOW)
    (due,) = ledger.take_due(home, "w", NOW, limit=1)
    counts = {"events": 4, "shown": 4, "folded": 0, "excluded": {}}
    assert ledger.keep(
        home, "w", [Made(due.digest_id, "ada", Window(0, 4), counts, "ada@example.org", NAME, b"m")], NOW
    )
    (mail,) = ledger.take(home, "w", NOW, limit=1)
    ledger.settle(home, "w", [Outcome(mail.digest_id, "sent")], NOW)
    mailbox.Maildir(tmp_path / "returned", create=True).close()
    return Case(home, tmp_path / "returned")


def test_a_mail_that_came_back_is_told_by_the_next_and_its_dead_address_gets_no_more(case: Case) -> None:
    case.arrive(report())

    assert case.read() == "reports=1 ours=1 suppressed=1"

    assert case.digest.state == "refused"
    assert ledger.cursor(case.home, "ada") is None, "its window is to be told"
    assert ledger.suppressions(case.home)["ada@example.org"].reason == (
        "came back: 5.1.1 550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown"
    )
    assert case.read() == "reports=0 ours=0 suppressed=0", "a report is read once"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("the whole mail", {"kind": "message/rfc822", "original": ORIGINAL + "\nNews.\n"}),
        ("VERP alone", {"to": "bounces+0-4.0123456789abcdef@example.org", "original": "Subject: cut\n"}),
        ("as OpenSMTPD calls it", {"called": "multipart/mixed"}),
        ("an answer", {"answers": f"In-Reply-To: {NAME}\n", "original": "Subject: cut\n"}),
    ],
)
def test_a_report_names_its_mail_in_several_ways(case: Case, how: str, told: dict[str, str]) -> None:
    case.arrive(report(**told))

    assert case.read() == "reports=1 ours=1 suppressed=1"


@pytest.mark.parametrize(
    ("told", "state", "suppressed"),
    [
        ({"status": "5.2.2"}, "refused", False),
        ({"status": "5.7.1"}, "refused", False),
        ({"status": "4.4.7"}, "refused", False),
        ({"status": "5.1.10"}, "refused", True),
        ({"action": "delayed", "status": "4.4.1"}, "sent", False),
        ({"action": "delivered", "status": "2.1.5"}, "sent", False),
        ({"original": "Message-ID: <somebody@else.example>\n"}, "sent", False),
        ({"original": "Subject: nothing\n"}, "sent", False),
    ],
)
def test_only_a_dead_address_is_suppressed_and_only_our_mails_are_meant(
    case: Case, told: dict[str, str], state: str, suppressed: bool
) -> None:
    case.arrive(report(**told))

    case.read()

    assert case.digest.state == state
    assert bool(ledger.suppressions(case.home)) is suppressed


def test_what_is_no_report_is_left_unread(case: Case) -> None:
    case.arrive(b"From: ada@example.org\r\nSubject: thanks!\r\n\r\nLovely mail.\r\n")
    case.arrive(
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
    )
    case.arrive(b"\xff\xfe\x00" * 1000)

    assert case.read() == "reports=0 ours=0 suppressed=0"

    assert not any("S" in message.get_flags() for message in mailbox.Maildir(case.place))


@pytest.mark.parametrize("charset", ["*=x'y'%ff", '="a\0b"', "=no-such"])
def test_a_message_of_no_known_writing_is_read_all_the_same(charset: str) -> None:
    """Anybody may write to the mailbox."""
    kind = f"text/plain; charset{charset}\nContent-Transfer-Encoding: 8bit"
    raw = report(kind=kind, original="Subject: \N{LATIN SMALL LETTER E WITH ACUTE}\n")

    bounce = bounce_of(raw)

    assert bounce
    assert bounce.status == "5.1.1"


def test_what_piles_up_unread_does_not_hide_a_report(case: Case) -> None:
    for number in range(MOST):
        (case.place / "new" / f"1.{number:04}.other").write_bytes(b"Subject: hello\r\n\r\nHello.\r\n")
    (case.place / "new" / "2.0.report").write_bytes(report())

    assert case.read() == "reports=1 ours=1 suppressed=1"


def test_a_report_carries_nothing_into_a_line_of_ours() -> None:
    bounce = bounce_of(report().replace(b"User unknown", b"\x1b[31m\xe2\x80\xae" + b"x" * 5000))

    assert bounce
    assert len(bounce.said) == 200
    assert bounce.said.isprintable()


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("/nowhere/at/all", MailboxUnavailable, "is no Maildir"),
        ("imap://u:secret@127.0.0.1:1/INBOX", MailboxUnavailable, "INBOX on 127.0.0.1 cannot be read"),
        ("imaps:///INBOX", BadCarrier, "names no host"),
        ("imaps://u:secret@host:port/", BadCarrier, "cannot be used"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_named(
    home: Home, place: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        take_in(home, place, NOW, say=lambda _: None)

    assert "secret" not in str(raised.value)


@pytest.fixture
def imap() -> Iterator[str]:
    """A real IMAP server with one user, demouser; its URL."""
    port = free_port()
    command = [sys.executable, "-c", "from pymap.main import main; main()"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--host", "127.0.0.1", "dict", "--demo-data"],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: answers(port), what="the IMAP server")
        yield f"imap://demouser:demopass@127.0.0.1:{port}/INBOX"
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
    except OSError:
        return False
    return True


def test_an_imap_folder_is_read_once_and_other_mail_in_it_left_alone(case: Case, imap: str) -> None:
    port = int(imap.rpartition(":")[2].partition("/")[0])
    with imaplib.IMAP4("127.0.0.1", port) as box:
        box.login("demouser", "demopass")
        box.append("INBOX", "", imaplib.Time2Internaldate(NOW), report())
        box.select("INBOX")
        unread = len(box.uid("search", "UNSEEN")[1][0].split())

    first = take_in(case.home, imap, NOW, say=lambda _: None)
    second = take_in(case.home, imap, NOW, say=lambda _: None)

    assert (str(first), str(second)) == ("reports=1 ours=1 suppressed=1", "reports=0 ours=0 suppressed=0")
    assert case.digest.state == "refused"
    with imaplib.IMAP4("127.0.0.1", port) as box:
        box.login("demouser", "demopass")
        box.select("INBOX")
        assert len(box.uid("search", "UNSEEN")[1][0].split()) == unread - 1
