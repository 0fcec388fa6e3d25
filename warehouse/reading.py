"""Reading what is published: an immutable view of one version, never the live file."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from warehouse import publish
from warehouse.damage import RESTORE, is_damage
from warehouse.home import Home
from warehouse.hot import attach
from warehouse.lake import reading as lake_reading
from warehouse.lake.engine import in_words
from warehouse.migrations import WarehouseBroken, require_known
from warehouse.model import Event, Published, Window
from warehouse.publish import NothingPublished, PublishedFile, nothing_published
from warehouse.rows import events_of

__all__ = ["NothingPublished", "Published", "Warehouse", "WarehouseBroken", "current", "current_version"]

ATTEMPTS = 5
"""A version may be swept between reading the pointer and opening the file; the next pointer names one that is there."""


def current(home: Home) -> Published | None:
    """The version that readers are shown, None when nothing is published. Cheap."""
    return publish.current(home) if home.lake is None else lake_reading.current(home.lake)


def current_version(home: Home) -> str | None:
    """The version `Warehouse.open` would open, None when nothing is published. Cheap."""
    published = current(home)
    return None if published is None else published.version


class Warehouse:
    """One published version, read-only. Use as a context manager; a thread needs its own."""

    def __init__(self, home: Home, published: Published, con: duckdb.DuckDBPyConnection) -> None:
        self.published = published
        self._home = home
        self._con = con

    @classmethod
    def open(cls, home: Home) -> Warehouse:
        """Open the newest version; NothingPublished when there is none."""
        published, con = open_published(home)
        return cls(home, published, con)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._con.close()

    @property
    def version(self) -> str:
        """Changes with every publish."""
        return self.published.version

    @property
    def published_at(self) -> datetime:
        return self.published.published_at

    def head(self) -> int:
        """The last event_offset, 0 while the log is empty."""
        return self._number("select coalesce(max(event_offset), 0) from events")

    def offset_before(self, since: datetime) -> int:
        """The offset whose window `after` it holds everything that happened after `since`; the head if nothing did."""
        first = self._number(
            "select coalesce(min(event_offset), 0) from events where occurred_at > $since", since=since
        )
        return first - 1 if first else self.head()

    def events(self, window: Window, *, board_ids: Sequence[str] | None = None) -> list[Event]:
        """The window's events in log order; of these boards only, where given."""
        return events_of(
            self.frame(
                """
                from events
                where event_offset > $after and event_offset <= $upto
                and ($board_ids is null or list_contains($board_ids::varchar[], board_id))
                order by event_offset
                """,
                {
                    "after": window.after,
                    "upto": window.upto,
                    "board_ids": None if board_ids is None else list(board_ids),
                },
            )
        )

    def events_since(self, starts: Mapping[str, int]) -> list[Event]:
        """What happened on each of these boards after the offset given for it, in log order; without payloads.

        All boards in one reading: as many as there are, the log is gone through once.
        """
        return events_of(
            self.frame(
                """
                select events.* exclude (payload), null as payload
                from events join (select unnest($board_ids) as board_id, unnest($starts) as start) using (board_id)
                where event_offset > $earliest and event_offset > start
                order by event_offset
                """,
                {
                    "board_ids": list(starts),
                    "starts": list(starts.values()),
                    "earliest": min(starts.values()),
                },
            )
        )

    def offsets(self, window: Window, *, board_ids: Collection[str]) -> dict[str, array[int]]:
        """The window's offsets on each of these boards, in order; boards on which nothing happened are missing."""
        frame = self.frame(
            "select board_id, event_offset from events where event_offset > $after and event_offset <= $upto "
            "and list_contains($board_ids::varchar[], board_id) order by event_offset",
            {"after": window.after, "upto": window.upto, "board_ids": list(board_ids)},
        )
        return {
            str(board_id): array("q", some["event_offset"].to_list())
            for (board_id,), some in frame.group_by("board_id", maintain_order=True)
        }

    def begins(self) -> dict[str, int]:
        """The offset of each board's first event."""
        frame = self.frame("select board_id, min(event_offset) from events group by board_id")
        return dict(frame.iter_rows())

    def frame(self, sql: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of any query; instants are UTC. WarehouseBroken where the file is damaged or the lake out of reach."""
        with self._readable():
            return self._con.execute(sql, dict(params or {})).pl()

    def boards(self) -> pl.DataFrame:
        return self.frame("from boards order by source, board_id")

    def columns(self) -> pl.DataFrame:
        return self.frame("from columns order by source, board_id, position, column_id")

    def cards(self) -> pl.DataFrame:
        return self.frame("from cards order by source, board_id, column_id, position, card_id")

    def members(self) -> pl.DataFrame:
        return self.frame("from members order by source, member_id")

    def board_members(self) -> pl.DataFrame:
        return self.frame("from board_members order by source, board_id, member_id")

    def comments(self) -> pl.DataFrame:
        return self.frame("from comments order by source, board_id, created_at, comment_id")

    def checklist_items(self) -> pl.DataFrame:
        return self.frame(
            "from checklist_items order by source, board_id, card_id, checklist, position, item_id"
        )

    def _number(self, sql: str, **params: object) -> int:
        with self._readable():
            row = self._con.execute(sql, params).fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            if self._home.lake is not None and isinstance(error, duckdb.OperationalError):
                raise in_words(self._home.lake, error) from error
            if isinstance(self.published, PublishedFile) and is_damage(error):
                raise WarehouseBroken(f"{self.published.path} cannot be read: {error}\n{RESTORE}") from error
            raise


def open_published(home: Home) -> tuple[Published, duckdb.DuckDBPyConnection]:
    """The newest version and a read-only connection to it, in UTC."""
    if home.lake is None:
        return _open_file(home)
    opened = lake_reading.open_current(home.lake)
    if opened is None:
        raise nothing_published(home)
    return opened


def connect(path: Path, base: Path | None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a published file, and to the base it leans on where it is not whole."""
    con = duckdb.connect(str(path), read_only=True)
    try:
        if base:
            attach(con, base)
    except BaseException:
        con.close()
        raise
    return con


def _open_file(home: Home) -> tuple[PublishedFile, duckdb.DuckDBPyConnection]:
    for attempt in range(ATTEMPTS):
        published = publish.current(home)
        if published is None:
            break
        try:
            con = connect(published.path, published.base)
        except duckdb.Error as error:
            if not published.is_there and attempt < ATTEMPTS - 1:
                continue
            raise WarehouseBroken(f"{published.path} cannot be opened: {error}\n{RESTORE}") from error
        try:
            require_known(con, published.path)
            con.execute("set global TimeZone = 'UTC'")  # cursors start from the global settings
        except BaseException:
            con.close()
            raise
        return published, con
    raise nothing_published(home)
