"""How fast the outbox empties: `python tests/benchmarks/deliver_speed.py [MAILS]` prints one JSON line a figure.

Mails of 40 kB go from a SQLite outbox over SMTP on the loopback to a server in a process of its own, each noted as sent. Beside it,
in the same run, on the same server: the same with a connection a mail; and smtplib by itself, one connection and no books.
"""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from threading import Event

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from digests import ledger
from digests.deliver import Parcel, Smtp
from digests.ledger import Made
from digests.send import Sending
from full_outbox import NOW, Outbox
from running import free_port, until
from warehouse.home import Home

SERVER = """
import asyncio, sys

class Sink(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer, self.in_mail = transport, bytearray(), False
        transport.write(b"220 sink\\r\\n")

    def data_received(self, data):
        self.buffer += data
        while True:
            end = b"\\r\\n.\\r\\n" if self.in_mail else b"\\r\\n"
            place = self.buffer.find(end)
            if place < 0:
                return
            verb = bytes(self.buffer[:4]).upper()
            del self.buffer[:place + len(end)]
            self.answer(verb)

    def answer(self, verb):
        if self.in_mail:
            self.in_mail = False
            loop.call_later(float(sys.argv[2]), self.transport.write, b"250 taken\\r\\n")
        elif verb == b"DATA":
            self.in_mail = True
            self.transport.write(b"354 go on\\r\\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\\r\\n")
            self.transport.close()
        else:
            self.transport.write(b"250 OK\\r\\n")

loop = asyncio.new_event_loop()
loop.run_until_complete(loop.create_server(Sink, "127.0.0.1", int(sys.argv[1])))
loop.run_forever()
"""


class Long(Outbox):
    """Mails as long as a busy day's: 10 kB of text, 30 kB of HTML."""

    def made(self, digest_id: int, who: str) -> Made:
        mail = EmailMessage()
        mail["Message-ID"], mail["To"], mail["From"] = (
            f"<0-4.{who}@d.example>",
            f"{who}@example.org",
            "d@d.example",
        )
        mail["Subject"] = "Tue: 2 waiting on you"
        mail.set_content("Ana Lima moved “Pay with card” to Review.\n" * 230, cte="quoted-printable")
        mail.add_alternative("<tr><td>Ana Lima moved <b>Pay with card</b></td></tr>\n" * 560, subtype="html")
        made = super().made(digest_id, who)
        return replace(made, message=mail.as_bytes().replace(b"\n", b"\r\n"))


@contextmanager
def server(seconds: float) -> Iterator[int]:
    """A mail server that takes everything, each mail after so many seconds, in its own process; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(port), str(seconds)])
    try:
        until(lambda: greets(port), what="the mail server")
        yield port
    finally:
        process.terminate()
        process.wait()


def greets(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port).quit()
    except OSError:
        return False
    return True


def measure(figure: str, mails: int, work: Callable[[], object], **more: object) -> float:
    """Mails a second; prints the figure, with the seconds of CPU a mail costs this process."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = {
        "mails": mails,
        "mails_a_second": round(mails / seconds),
        "cpu_ms_a_mail": round(cpu / mails * 1000, 2),
    }
    print(json.dumps({"figure": figure, **told, **more}), flush=True)
    return mails / seconds


class OneEach(Smtp):
    """A new connection for each mail."""

    @contextmanager
    def session(self) -> Iterator[OneEach]:
        yield self

    def deliver(self, parcel: Parcel) -> None:
        with super().session() as session:
            session.deliver(parcel)


def empty(home: Home, carrier: Smtp) -> None:
    Sending(home, carrier, "w", lambda: NOW, lambda _: None, Event(), time.sleep).all()
    assert {digest.state for digest in ledger.digests(home)} == {"sent"}


def one_connection_and_no_books(port: int, mails: int) -> None:
    message = Long(Home(Path())).made(1, "p1").message
    assert message
    with smtplib.SMTP("127.0.0.1", port) as session:
        for _ in range(mails):
            session.sendmail("d@d.example", ["p1@example.org"], message)


def main(mails: int) -> None:
    """Send as many mails in each way, to a server that answers at once and to one that takes its time."""
    for seconds in (0.0, 0.01):
        takes = f", {seconds * 1000:.0f} ms a mail" if seconds else ""
        with server(seconds) as port:
            measure(
                f"smtplib, one connection, nothing noted{takes}",
                mails,
                partial(one_connection_and_no_books, port, mails),
            )
            base = from_an_outbox(
                f"a connection a mail{takes}", mails, OneEach("127.0.0.1", port, "smtp", connections=1)
            )
            for connections in (1, 4, 8):
                carrier = Smtp("127.0.0.1", port, "smtp", connections=connections)
                from_an_outbox(f"{connections} kept connections{takes}", mails, carrier, base=base)


def from_an_outbox(figure: str, mails: int, carrier: Smtp, *, base: float | None = None) -> float:
    with tempfile.TemporaryDirectory() as root:
        home = Long(Home(Path(root)), mails).fill().home
        rate = measure(f"Daybreak, {figure}", mails, partial(empty, home, carrier))
    if base:
        print(json.dumps({"figure": f"{figure}, times a connection a mail", "ratio": round(rate / base, 2)}))
    return rate


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
