"""Addresses that get no mail because mail to them came back. Seen by everybody, lifted by a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from digests.ledger import tables
from digests.ledger.rows import insert
from digests.ledger.transactions import reading, writing
from warehouse.home import Home


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address nothing is sent to, why, and since when."""

    address: str
    reason: str
    since_at: datetime


def suppressions(home: Home) -> dict[str, Suppression]:
    """All suppressed addresses, by `plain_address`."""
    with reading(home) as con:
        return suppressions_in(con)


def suppressions_in(con: Connection) -> dict[str, Suppression]:
    """`suppressions` within a transaction."""
    rows = con.execute(select(tables.suppressions).order_by(tables.suppressions.c.address))
    return {row.address: Suppression(row.address, row.reason, row.since_at) for row in rows}


def suppress_in(con: Connection, addresses: Mapping[str, str], now: datetime) -> None:
    """Send nothing more to these addresses (address to reason); the first reason stands."""
    rows = [
        {"address": plain_address(address), "reason": reason, "since_at": now}
        for address, reason in addresses.items()
    ]
    if rows:
        con.execute(insert(con, tables.suppressions).on_conflict_do_nothing(), rows)


def unsuppress(home: Home, address: str) -> bool:
    """Send to the address again; False where it was not suppressed."""
    with writing(home) as con:
        gone = delete(tables.suppressions).where(tables.suppressions.c.address == plain_address(address))
        return bool(con.execute(gone).rowcount)


def plain_address(address: str) -> str:
    """The form in which two spellings of one mailbox are the same."""
    return address.strip().casefold()
