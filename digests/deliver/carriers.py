"""The port between the outbox and an inbox: what is carried, what carriers promise, what they say when they cannot."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, Self

from digests.mail import SENDER


class DeliveryDeferred(Exception):
    """Not now: the same mail is tried again later."""


class ServerUnavailable(DeliveryDeferred):
    """Not now, whatever the mail: it says nothing about its recipient."""


class SlowDown(ServerUnavailable):
    """The server asks for patience: fewer connections, and a pause."""


class DeliveryRefused(Exception):
    """Not ever to this address: a person has to look at it. `hard`: there is no such address (5.1.x)."""

    def __init__(self, said: str, *, hard: bool = False) -> None:
        super().__init__(said)
        self.hard = hard


class BadCarrier(Exception):
    """The mail settings cannot be used; the message says what they look like."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A rendered mail, to whom it goes, and its Message-ID."""

    message: bytes = field(repr=False)
    recipient: str
    message_id: str


class Session(Protocol):
    """A way to the inboxes that is kept open for many parcels; used by one thread."""

    def deliver(self, parcel: Parcel) -> None:
        """Deliver it, or raise DeliveryDeferred or DeliveryRefused.

        Delivering the same Message-ID again must be harmless where the carrier can know.
        """
        ...


class Carrier(Protocol):
    """Takes parcels to inboxes."""

    @property
    def sender(self) -> str:
        """The address mails come from."""
        ...

    @property
    def connections(self) -> int:
        """How many sessions may be open at once."""
        ...

    def session(self) -> AbstractContextManager[Session]:
        """A new session; leaving it closes what it opened."""
        ...


@dataclass(frozen=True)
class Memory:
    """Keeps what it is given, for tests."""

    sender: str = SENDER
    sent: dict[str, Parcel] = field(default_factory=dict)
    connections: int = 1

    def session(self) -> AbstractContextManager[Self]:
        """Itself."""
        return nullcontext(self)

    def deliver(self, parcel: Parcel) -> None:
        """Keep it under its Message-ID."""
        self.sent.setdefault(parcel.message_id, parcel)
