"""The mail itself, and the carriers: a folder and a real mail server, each put to the same cases."""

from __future__ import annotations

import mailbox
import socket
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from digests.deliver import (
    BadCarrier,
    Carrier,
    DeliveryDeferred,
    DeliveryRefused,
    Maildir,
    Memory,
    Parcel,
    Smtp,
    carrier,
)
from digests.mail import compose, message_id
from warehouse.home import Home
from warehouse.model import Window


class Server:
    """A mail server that answers as it is told to."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.hang_up = False

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name aiosmtpd calls
        self.taken.append(envelope)
        if self.hang_up:
            server.transport.close()
        return self.answers.get("DATA", "250 taken")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    handler = Server()
    # The controller connects to its own port to see that it is up, so the port must be known before.
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def mail(story) -> EmailMessage:
    story.say("chen", "c1", "@ben — schön, 完了? " + "long " * 300)
    return compose(story.read())


def deliver(carrier: Carrier, parcel: Parcel) -> None:
    with carrier.session() as session:
        session.deliver(parcel)


def parcel(message: EmailMessage, to: str = "ben@example.org") -> Parcel:
    return Parcel(message.as_bytes(), to, str(message["Message-ID"]))


def test_a_mail_says_who_wrote_it_and_that_no_answer_is_wanted(story) -> None:
    message = message_from_bytes(mail(story).as_bytes(), policy=policy.default)

    assert message["To"] == "Ben Berg <ben@example.org>"
    assert message["Subject"] == "Tue: Chen Wei mentioned you on “Pay with card” · Web shop"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert "<digest.daybreak.localhost>" in message["List-Id"]
    assert message["Date"] == "Tue, 10 Mar 2026 08:00:00 +0100"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "完了" in message.get_body(("plain",)).get_content()


def test_a_mail_is_the_same_bytes_for_the_same_window(story) -> None:
    catch_up = story.read()

    assert compose(catch_up).as_bytes() == compose(catch_up).as_bytes()
    assert max(map(len, compose(catch_up).as_bytes().splitlines())) <= 998


def test_a_message_id_is_a_function_of_person_and_window() -> None:
    names = {
        message_id(who, Window(*window)) for who in ("ben", "ana") for window in ((0, 5), (0, 6), (1, 6))
    }

    assert len(names) == 6
    assert message_id("ben", Window(0, 5)) == message_id("ben", Window(0, 5))
    assert all(name.isascii() for name in {message_id("田中", Window(0, 1))})


def test_a_name_cannot_add_a_header(story) -> None:
    story.person = replace(story.person, name="Ben\r\nBcc: everybody@example.org")
    story.cards["c1"] = replace(story.cards["c1"], title="Hi\r\nBcc: all@example.org")

    message = message_from_bytes(mail(story).as_bytes(), policy=policy.default)

    assert message["Bcc"] is None
    assert len(message["To"].addresses) == 1


def test_the_folder_keeps_the_same_mail_once_even_after_it_was_read(story, tmp_path: Path) -> None:
    outbox, letter = Maildir(tmp_path / "outbox"), parcel(mail(story))
    outbox.deliver(letter)
    (new,) = (tmp_path / "outbox" / "new").iterdir()
    new.rename(tmp_path / "outbox" / "cur" / f"{new.name}:2,S")

    outbox.deliver(letter)

    assert list((tmp_path / "outbox" / "new").iterdir()) == []
    (kept,) = mailbox.Maildir(tmp_path / "outbox")
    assert kept["Message-ID"] == letter.message_id


def test_a_half_written_mail_of_a_crash_is_not_in_the_way(story, tmp_path: Path) -> None:
    outbox, letter = Maildir(tmp_path / "outbox"), parcel(mail(story))
    outbox.deliver(letter)
    (new,) = (tmp_path / "outbox" / "new").iterdir()
    new.rename(tmp_path / "outbox" / "tmp" / new.name)

    outbox.deliver(letter)

    assert len(mailbox.Maildir(tmp_path / "outbox")) == 1


def test_a_folder_that_cannot_be_written_puts_the_mail_off(story, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")

    with pytest.raises(DeliveryDeferred, match="outbox cannot be written"):
        Maildir(tmp_path / "outbox").deliver(parcel(mail(story)))


def test_the_server_gets_what_was_composed(story, server: tuple[Server, str]) -> None:
    handler, url = server
    message = mail(story)

    deliver(Smtp.at(f"{url}?from=digest@team.example"), parcel(message))

    (taken,) = handler.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("digest@team.example", ["ben@example.org"])
    got = message_from_bytes(taken.content, policy=policy.default)
    for part in ("plain", "html"):
        sent = message.get_body((part,)).get_content()
        assert got.get_body((part,)).get_content().splitlines() == sent.splitlines()


@pytest.mark.parametrize(
    ("where", "answer", "error"),
    [
        ("ben@example.org", "550 5.1.1 no such user", DeliveryRefused),
        ("ben@example.org", "451 4.7.1 greylisted", DeliveryDeferred),
        ("DATA", "554 5.7.1 spam", DeliveryRefused),
        ("DATA", "452 4.3.1 disk full", DeliveryDeferred),
    ],
)
def test_what_the_server_says_decides_between_later_and_never(story, server, where, answer, error) -> None:
    handler, url = server
    handler.answers[where] = answer

    with pytest.raises(error, match=answer):
        deliver(Smtp.at(url), parcel(mail(story)))


def test_a_server_that_hangs_up_in_the_middle_puts_the_mail_off(story, server: tuple[Server, str]) -> None:
    handler, url = server
    handler.hang_up = True

    with pytest.raises(
        DeliveryDeferred, match=r"127\.0\.0\.1:\d+ was lost over the mail for ben@example.org"
    ):
        deliver(Smtp.at(url), parcel(mail(story)))


def test_no_server_puts_the_mail_off(story) -> None:
    with pytest.raises(DeliveryDeferred, match="Connection refused"):
        deliver(Smtp.at(f"smtp://127.0.0.1:{free_port()}"), parcel(mail(story)))


def test_a_wrong_password_names_the_user_and_never_the_password(story) -> None:
    controller = Controller(
        Server(), hostname="127.0.0.1", port=free_port(), auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )  # fmt: skip
    controller.start()
    try:
        with pytest.raises(DeliveryDeferred, match="does not let ben in") as raised:
            deliver(Smtp.at(f"smtp://ben:secret@127.0.0.1:{controller.port}"), parcel(mail(story)))
    finally:
        controller.stop()
    assert "secret" not in str(raised.value)


def test_a_server_without_tls_is_not_given_the_password(story, server: tuple[Server, str]) -> None:
    handler, url = server

    with pytest.raises(DeliveryDeferred, match="STARTTLS"):
        deliver(Smtp.at(url.replace("smtp://", "smtp+starttls://ben:secret@")), parcel(mail(story)))

    assert handler.taken == []


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "sender"),
    [
        ("smtp://mail.example", "mail.example", 25, "", "daybreak@daybreak.localhost"),
        (
            "smtps://me%40team.example:p%3Aw@mail.example",
            "mail.example",
            465,
            "me@team.example",
            "me@team.example",
        ),
        (
            "smtp+starttls://u:p@mail.example:2525?from=d@team.example",
            "mail.example",
            2525,
            "u",
            "d@team.example",
        ),
    ],
)
def test_a_url_says_where_and_how(url: str, host: str, port: int, user: str, sender: str) -> None:
    smtp = Smtp.at(url)

    assert (smtp.host, smtp.port, smtp.user, smtp.sender) == (host, port, user, sender)
    assert "p:w" not in repr(smtp)


@pytest.mark.parametrize(
    "url", ["http://mail", "smtp://", "smtp://h:port", "mail.example:25", "smtp://u:pw@h?from=no address"]
)
def test_a_url_that_cannot_be_used_says_what_one_looks_like(url: str) -> None:
    with pytest.raises(BadCarrier, match=r"Write smtp://|Give one plain address") as raised:
        Smtp.at(url)
    assert "pw" not in str(raised.value)


def test_without_a_url_mail_goes_to_the_folder_in_the_home(home: Home) -> None:
    assert carrier(home) == Maildir(home.outbox)
    assert carrier(home, None, "d@team.example").sender == "d@team.example"
    assert carrier(home, "smtp://mail.example", "d@team.example").sender == "d@team.example"
    assert Memory().sender
