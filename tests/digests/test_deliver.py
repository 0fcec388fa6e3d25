"""The mail itself, and the carriers: a folder and a real mail server, each put to the same cases."""

from __future__ import annotations

import base64
import mailbox
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from digests.deliver import (
    BadCarrier,
    Carrier,
    DeliveryDeferred,
    DeliveryRefused,
    Maildir,
    Memory,
    Parcel,
    ServerUnavailable,
    Smtp,
    carrier,
)
from digests.mail import Letterhead, compose, message_id
from digests.model import Links
from mail_server import ANYBODY, DROP, MailServer, serving
from running import free_port
from warehouse.home import Home
from warehouse.model import Window


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serving() as running:
        yield running


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


def test_the_server_gets_what_was_composed(story, server: MailServer) -> None:
    message = mail(story)

    deliver(Smtp.at(f"{server.url}?from=digest@team.example"), parcel(message))

    (taken,) = server.taken
    assert (taken.mail_from, taken.recipient) == ("digest@team.example", "ben@example.org")
    got = message_from_bytes(taken.content, policy=policy.default)
    for part in ("plain", "html"):
        sent = message.get_body((part,)).get_content()
        assert got.get_body((part,)).get_content().splitlines() == sent.splitlines()


@pytest.mark.parametrize(
    ("stage", "answer", "error"),
    [
        ("rcpt", "550 5.1.1 no such user", DeliveryRefused),
        ("rcpt", "451 4.7.1 greylisted", DeliveryDeferred),
        ("end", "554 5.7.1 spam", DeliveryRefused),
        ("end", "452 4.3.1 disk full", DeliveryDeferred),
    ],
)
def test_what_the_server_says_decides_between_later_and_never(
    story, server: MailServer, stage: str, answer: str, error: type[Exception]
) -> None:
    server.faults[stage, ANYBODY] = answer

    with pytest.raises(error, match=answer):
        deliver(Smtp.at(server.url), parcel(mail(story)))


def test_a_server_that_hangs_up_in_the_middle_puts_the_mail_off(story, server: MailServer) -> None:
    server.faults["taken", ANYBODY] = DROP

    with pytest.raises(
        DeliveryDeferred, match=r"127\.0\.0\.1:\d+ was lost over the mail for ben@example.org"
    ):
        deliver(Smtp.at(server.url), parcel(mail(story)))


def test_no_server_puts_the_mail_off(story) -> None:
    with pytest.raises(DeliveryDeferred, match="Connection refused"):
        deliver(Smtp.at(f"smtp://127.0.0.1:{free_port()}"), parcel(mail(story)))


def test_a_wrong_password_names_the_user_and_never_the_password(story) -> None:
    def not_you(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with (
        serving(auth_require_tls=False, authenticator=not_you) as server,
        pytest.raises(ServerUnavailable, match="does not let ben in") as raised,
    ):
        deliver(Smtp.at(server.url.replace("smtp://", "smtp://ben:secret@")), parcel(mail(story)))
    assert "secret" not in str(raised.value)


def test_a_server_without_tls_is_not_given_the_password(story, server: MailServer) -> None:
    with pytest.raises(DeliveryDeferred, match="STARTTLS"):
        deliver(Smtp.at(server.url.replace("smtp://", "smtp+starttls://ben:secret@")), parcel(mail(story)))

    assert server.taken == []


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
    smtp = {"DAYBREAK_SMTP_URL": "smtp://mail.example", "DAYBREAK_MAIL_FROM": "d@team.example"}

    assert carrier(home) == Maildir(home.outbox)
    assert carrier(home, {"DAYBREAK_MAIL_FROM": "d@team.example"}).sender == "d@team.example"
    assert carrier(home, smtp).sender == "d@team.example"
    assert Memory().sender


def openssl(*arguments: str, folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a key with")
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key and the certificate of 127.0.0.1 that belongs to it."""
    folder = tmp_path_factory.mktemp("tls")
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", folder=folder,
    )  # fmt: skip
    return folder


def context(tls: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
    return context


def test_over_starttls_the_password_goes_to_a_server_that_is_trusted_only(
    story, tls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def let_in(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        asked.append(data.password)
        return AuthResult(success=True)

    settings = {
        "tls_context": context(tls),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": let_in,
    }
    with serving(**settings) as server:
        carrier = Smtp.at(server.url.replace("smtp://", "smtp+starttls://ben:secret@"))
        with pytest.raises(ServerUnavailable, match="certificate verify failed"):
            deliver(carrier, parcel(mail(story)))
        assert asked == []

        monkeypatch.setenv("SSL_CERT_FILE", str(tls / "cert.pem"))
        deliver(carrier, parcel(mail(story)))

    assert asked == [b"secret"]
    assert server.recipients == ["ben@example.org"]


def test_over_tls_from_the_first_byte(story, tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls / "cert.pem"))
    with serving(ssl_context=context(tls)) as server:
        deliver(Smtp.at(server.url.replace("smtp://", "smtps://")), parcel(mail(story)))

    assert server.recipients == ["ben@example.org"]


def test_a_return_path_names_each_mail_so_that_its_report_does(home: Home, story) -> None:
    with serving() as server:
        settings = {"DAYBREAK_SMTP_URL": server.url, "DAYBREAK_RETURN_PATH": "bounces+*@example.org"}
        letter = parcel(mail(story))
        deliver(carrier(home, settings), letter)

    name = letter.message_id.strip("<>").partition("@")[0]
    assert [taken.mail_from for taken in server.taken] == [f"bounces+{name}@example.org"]


def test_a_mail_is_signed_for_its_domain_and_the_signature_covers_it(home: Home, story, tls: Path) -> None:
    openssl("rsa", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "public.der", folder=tls)
    public = base64.b64encode((tls / "public.der").read_bytes())
    dns = {b"news._domainkey.team.example.": b"v=DKIM1; k=rsa; p=" + public}
    with serving() as server:
        settings = {
            "DAYBREAK_SMTP_URL": server.url, "DAYBREAK_MAIL_FROM": "d@team.example",
            "DAYBREAK_DKIM_KEY": str(tls / "key.pem"), "DAYBREAK_DKIM_SELECTOR": "news",
        }  # fmt: skip
        deliver(carrier(home, settings), parcel(mail(story)))

    (taken,) = server.taken
    assert dkim.verify(taken.content, dnsfunc=lambda name, timeout=5: dns[name])
    changed = taken.content.replace(b"Subject: ", b"Subject: Re: ")
    assert not dkim.verify(changed, dnsfunc=lambda name, timeout=5: dns[name])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"DAYBREAK_DKIM_KEY": "/no/key.pem", "DAYBREAK_DKIM_SELECTOR": "news"},
            "/no/key.pem cannot be read",
        ),
        ({"DAYBREAK_DKIM_KEY": __file__}, "without DAYBREAK_DKIM_SELECTOR"),
        ({"DAYBREAK_DKIM_KEY": __file__, "DAYBREAK_DKIM_SELECTOR": "news"}, "is no private RSA key"),
        ({"DAYBREAK_RETURN_PATH": "not an address"}, "Give one plain address"),
    ],
)
def test_mail_settings_that_cannot_be_used_say_so_before_anything_is_sent(
    home: Home, settings, words: str
) -> None:
    with pytest.raises(BadCarrier, match=words):
        carrier(home, {"DAYBREAK_SMTP_URL": "smtp://127.0.0.1:1", **settings})


def test_one_click_is_promised_only_over_https(story) -> None:
    catch_up = story.read()

    def way_out(address: str):
        return compose(catch_up, Letterhead(links=lambda _: Links(one_click=address)))

    assert way_out("https://d.example/u/1")["List-Unsubscribe"] == "<https://d.example/u/1>"
    assert way_out("https://d.example/u/1")["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert way_out("http://127.0.0.1:8500/u/1")["List-Unsubscribe-Post"] is None
    assert compose(catch_up)["List-Unsubscribe"] is None
    assert compose(catch_up, Letterhead("d@team.example"))["Feedback-ID"] == "digest:daybreak:team.example"
    assert compose(catch_up, Letterhead("d@team.example"))["Message-ID"].endswith("@team.example>")
