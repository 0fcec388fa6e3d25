"""From the outbox to an inbox: carriers behind one port, and the pool that keeps several sessions busy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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
from digests.deliver.sign import Signer
from digests.deliver.smtp import Smtp, checked_address
from digests.mail import SENDER
from warehouse.home import Home

__all__ = [
    "BadCarrier", "Carrier", "DeliveryDeferred", "DeliveryRefused", "Maildir", "Memory", "Parcel", "ServerUnavailable",
    "Session", "SlowDown", "Smtp", "carrier",
]  # fmt: skip


def carrier(home: Home, settings: Mapping[str, str] | None = None) -> Carrier:
    """SMTP where DAYBREAK_SMTP_URL names a server, else the Maildir in the home. Raises BadCarrier."""
    told = settings or {}
    sender = told.get("DAYBREAK_MAIL_FROM") or None
    if not told.get("DAYBREAK_SMTP_URL"):
        return Maildir(home.outbox, checked_address(sender) if sender else SENDER)
    server = Smtp.at(told["DAYBREAK_SMTP_URL"], sender)
    return_path = told.get("DAYBREAK_RETURN_PATH", "")
    if return_path:
        checked_address(return_path)
    return replace(server, return_path=return_path, sign=_signer(told, server.sender))


def _signer(told: Mapping[str, str], sender: str) -> Signer | None:
    if not told.get("DAYBREAK_DKIM_KEY"):
        return None
    domain = told.get("DAYBREAK_DKIM_DOMAIN") or sender.rpartition("@")[2]
    return Signer.of(told["DAYBREAK_DKIM_KEY"], told.get("DAYBREAK_DKIM_SELECTOR", ""), domain)
