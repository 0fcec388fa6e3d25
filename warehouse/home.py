"""Where Daybreak keeps its files. Names in here are a contract: others script against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from warehouse.lake.address import Lake


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything one Daybreak knows; all but the warehouse, where that is a lake."""

    root: Path
    ledger_url: str = field(default="", repr=False)
    """A PostgreSQL that holds the ledger instead of `ledger.sqlite`, so that several workers share it; has a password."""
    lake: Lake | None = field(default=None, repr=False)
    """Where the warehouse is, if it is not this home's own file but shared with other machines."""

    @property
    def warehouse_dir(self) -> Path:
        """The live database (the ingester's alone), published files and CURRENT."""
        return self.root / "warehouse"

    @property
    def warehouse(self) -> str:
        """What messages call the warehouse: its folder, or the lake."""
        return self.lake.name if self.lake else str(self.warehouse_dir)

    @property
    def warehouse_link(self) -> Path:
        """Always opens the newest published warehouse, in any DuckDB tool."""
        return self.root / "warehouse.duckdb"

    @property
    def outbox(self) -> Path:
        """Maildir where digests go when no SMTP server is set."""
        return self.root / "outbox"

    @property
    def ledger(self) -> Path:
        """SQLite: people, what each has been told, digests; unless `ledger_url` names another place."""
        return self.root / "ledger.sqlite"

    @property
    def people_file(self) -> Path:
        return self.root / "people.toml"

    @property
    def board_key(self) -> Path:
        """The embedded board's key, mode 0600."""
        return self.root / "board.key"

    @property
    def links_key(self) -> Path:
        """What the links in mails are signed with, mode 0600; machines that share a ledger need the same one."""
        return self.root / "links.key"

    @property
    def board_url(self) -> Path:
        """Where the embedded board of this home listens."""
        return self.root / "board.url"
