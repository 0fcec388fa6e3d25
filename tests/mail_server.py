"""A real mail server in the test's own process, on a real socket, that does wrong what it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from running import free_port

ANYBODY = "*"
STAGES = ("connect", "mail", "rcpt", "data", "body", "end", "taken")
HANG, SLOW, DROP = "hang", "slow", "drop"
SLOWLY = 0.8
"""Seconds after which a slow server answers after all."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail the server said yes to, or (stage `taken`) kept without getting to say so."""

    recipient: str
    message_id: str
    content: bytes
    mail_from: str


@dataclass
class MailServer:
    """What it took, and how it answers: `faults` by stage and recipient, an answer's text, `hang`, `slow` or `drop`.

    Stages: connect, mail, rcpt, data (the command), body (in the middle), end (after the dot), taken (kept, then lost).
    """

    port: int = 0
    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    most_mails: int = 10**6  # a connection carries, before it hears 421
    most_connections: int = 10**6  # at once, before the next is greeted with 421
    taken: list[Taken] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    open: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return sorted(one.recipient for one in self.taken)

    def fault(self, stage: str, recipient: str = ANYBODY) -> str | None:
        self.asked[stage] += 1
        return self.faults.get((stage, recipient)) or self.faults.get((stage, ANYBODY))

    async def handle_MAIL(  # noqa: N802 - the name aiosmtpd calls
        self, server: _Smtp, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if server.mails >= self.most_mails:
            return "421 4.7.0 enough for one connection"
        envelope.mail_from = address
        return await server.told(self.fault("mail")) or "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: _Smtp, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await server.told(self.fault("rcpt", address))
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: _Smtp, _: Session, envelope: Envelope) -> str:  # noqa: N802 - the name aiosmtpd calls
        (recipient,) = envelope.rcpt_tos
        answer = await server.told(self.fault("end", recipient))
        if answer is None:
            content = bytes(envelope.content or b"")
            name = str(message_from_bytes(content)["Message-ID"])
            self.taken.append(Taken(recipient, name, content, str(envelope.mail_from)))
            server.mails += 1
            await server.told(self.fault("taken", recipient))
        return answer or "250 taken"


class _Smtp(SMTP):
    """One connection."""

    mails = 0
    refusal: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        handler: MailServer = self.event_handler
        handler.open += 1
        self.refusal = handler.fault("connect")
        if handler.open > handler.most_connections:
            self.refusal = "421 4.7.0 too many connections"
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        handler: MailServer = self.event_handler
        handler.open -= 1
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if answer := await self.told(self.refusal):
            await self.push(answer)
            self.transport.close()
            return
        await super()._handle_client()

    async def told(self, fault: str | None) -> str | None:
        """The answer to give; does not return to give one where the fault is to hang or drop."""
        if fault == HANG:
            await asyncio.sleep(3600)
        if fault == SLOW:
            await asyncio.sleep(SLOWLY)
            return None
        if fault == DROP:
            self.transport.abort()
            await asyncio.sleep(3600)  # until the lost connection cancels us
        return fault

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name aiosmtpd calls
        handler: MailServer = self.event_handler
        (recipient,) = self.envelope.rcpt_tos
        if answer := await self.told(handler.fault("data", recipient)):
            await self.push(answer)
            return
        if fault := handler.fault("body", recipient):
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            await self.told(fault)
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Smtp(self.handler, hostname="mail.example", loop=self.loop, **self.SMTP_kwargs)


@contextmanager
def serving(**settings: Any) -> Iterator[MailServer]:
    """A mail server on a free port, with settings of MailServer or of aiosmtpd's SMTP."""
    own = {name: settings.pop(name) for name in list(settings) if name in MailServer.__dataclass_fields__}
    # The controller connects to its own port to see that it is up, so the port must be known before.
    handler = MailServer(free_port(), **own)
    faults, handler.faults = handler.faults, {}
    controller = _Controller(handler, hostname="127.0.0.1", port=handler.port, **settings)
    controller.start()
    handler.faults = faults
    handler.asked.clear()
    try:
        yield handler
    finally:
        controller.stop()
