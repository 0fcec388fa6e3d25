"""What readers of a lake are shown: one row beside the catalog names a snapshot, as CURRENT names a published file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import duckdb

from warehouse.lake.engine import ask, tell


@dataclass(frozen=True, slots=True)
class Shown:
    """A snapshot of the lake in which state has taken in the whole log. Instants are by the server's clock."""

    snapshot: int
    revision: int
    published_at: datetime
    checked_at: datetime


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the place for it, where it is not there yet."""
    tell(
        con,
        """
        create table if not exists daybreak_shown (
            only_row boolean primary key default true check (only_row), snapshot_id bigint,
            revision bigint not null default 0, published_at timestamptz, checked_at timestamptz,
            tidied_at timestamptz not null default now()
        );
        insert into daybreak_shown default values on conflict do nothing
        """,
    )


def shown(con: duckdb.DuckDBPyConnection) -> Shown | None:
    """What readers are shown now, None before the first publish."""
    try:
        rows = ask(
            con,
            "select snapshot_id, revision, extract(epoch from published_at)::float8 as published,"
            " extract(epoch from checked_at)::float8 as checked from daybreak_shown where snapshot_id is not null",
        )
    except duckdb.Error as error:
        if '"daybreak_shown" does not exist' in str(error):
            return None
        raise
    if not rows:
        return None
    snapshot, revision, published, checked = cast("tuple[int, int, float, float]", rows[0])
    return Shown(
        snapshot, revision, datetime.fromtimestamp(published, UTC), datetime.fromtimestamp(checked, UTC)
    )


def show(con: duckdb.DuckDBPyConnection, snapshot: int, revision: int) -> None:
    """Show readers this snapshot, unless they are shown a newer one."""
    tell(
        con,
        f"""
        update daybreak_shown
        set snapshot_id = {snapshot:d}, revision = {revision:d}, published_at = now(), checked_at = now()
        where coalesce(snapshot_id, -1) < {snapshot:d}
        """,  # noqa: S608  # numbers
    )


def still_shown(con: duckdb.DuckDBPyConnection) -> None:
    """Say that what readers are shown is as new as the lake."""
    tell(con, "update daybreak_shown set checked_at = now()")


def take_tidying(con: duckdb.DuckDBPyConnection, every: timedelta) -> bool:
    """Whether the lake is to be tidied; who is told so shall do it, nobody else is told until `every` has passed again."""
    seconds = every.total_seconds()
    due = ask(con, f"select now() - tidied_at > interval '{seconds} seconds' from daybreak_shown")  # noqa: S608  # a number
    if due != [(True,)]:
        return False
    tell(con, "update daybreak_shown set tidied_at = now()")
    return True
