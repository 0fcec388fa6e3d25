"""From the outbox to an inbox: carriers behind one port, and the pool that keeps several sessions busy."""

from __future__ import annotations

from digests.deliver.carriers import (
    BadCarrier,
    Carrier,
    DeliveryDeferred,
    DeliveryRefused,
    Memory,
    Parcel,
    ServerUnavailable,
    Session,
    SlowDown,
)
from digests.deliver.maildir import Maildir
from digests.deliver.smtp import Smtp, checked_address
from digests.mail import SENDER
from warehouse.home import Home

__all__ = [
    "BadCarrier", "Carrier", "DeliveryDeferred", "DeliveryRefused", "Maildir", "Memory", "Parcel", "ServerUnavailable",
    "Session", "SlowDown", "Smtp", "carrier",
]  # fmt: skip


def carrier(home: Home, smtp_url: str | None = None, sender: str | None = None) -> Carrier:
    """SMTP where a URL is given, else the Maildir in the home. Raises BadCarrier."""
    if smtp_url:
        return Smtp.at(smtp_url, sender)
    return Maildir(home.outbox, checked_address(sender) if sender else SENDER)
