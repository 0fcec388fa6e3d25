"""What a batch brings, taken into the tables of the log: events once each, snapshots where they say something new."""

from __future__ import annotations

import duckdb
import polars as pl

from warehouse.model import Event, Snapshot
from warehouse.rows import event_rows, snapshot_rows


def add_events(con: duckdb.DuckDBPyConnection, events: tuple[Event, ...], head: int) -> int:
    """Insert the events the log has not, with the offsets after `head`; how many."""
    if not events:
        return 0
    told = event_rows(events).with_row_index("told_at")
    con.register("told", told)
    added = one_int(
        con,
        f"""
        insert into events
        select $head + row_number() over (order by told_at), told.* exclude (told_at)
        from told
        anti join (select source, event_id from events {_told_then(told)}) using (source, event_id)
        order by told_at
        """,  # noqa: S608  # our own words
        head=head,
    )
    con.unregister("told")
    return added


def take_snapshot(con: duckdb.DuckDBPyConnection, snapshot: Snapshot | None) -> int:
    """Replace what the board's last snapshot said; how many things it says differently (kept in `resaid`)."""
    if snapshot is None or _has_newer(con, snapshot):
        return 0
    board = {"source": snapshot.source, "board_id": snapshot.board_id}
    resaid = _say_again(con, snapshot, _SAID_DIFFERENTLY)
    con.execute("delete from snapshot_times where source = $source and board_id = $board_id", board)
    con.execute(
        "insert into snapshot_times values ($source, $board_id, $at)", board | {"at": snapshot.taken_at}
    )
    return resaid


def take_people(con: duckdb.DuckDBPyConnection, people: tuple[Snapshot, ...]) -> int:
    """Add people whom no snapshot of their board has shown; how many (kept in `resaid`)."""
    return sum(_say_again(con, met, _NEVER_SHOWN) for met in people)


_SAID_DIFFERENTLY = """
    select source, entity_type, entity_id from shown
    anti join snapshots using (source, board_id, entity_type, entity_id, fields)
    union all
    -- People and the board itself stay known when a later snapshot leaves them out.
    select source, entity_type, entity_id from snapshots
    anti join shown using (source, board_id, entity_type, entity_id)
    where source = $source and board_id = $board_id and entity_type not in ('member', 'board')
"""

_NEVER_SHOWN = """
    select source, entity_type, entity_id from shown
    anti join (from snapshots where source = $source and board_id = $board_id and fields <> '{}')
        using (source, board_id, entity_type, entity_id)
    where fields <> '{}'
"""


def _say_again(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, which: str) -> int:
    """Keep anew what the snapshot says of some things (`which` selects them); how many."""
    board = {"source": snapshot.source, "board_id": snapshot.board_id}
    con.register("shown", snapshot_rows(snapshot))
    con.execute(f"create or replace temp table differing as {which}", board)
    con.execute(
        """
        delete from snapshots where source = $source and board_id = $board_id
        and (entity_type, entity_id) in (select (entity_type, entity_id) from differing)
        """,
        board,
    )
    con.execute(
        "insert into snapshots from shown where (entity_type, entity_id) in (select (entity_type, entity_id) from differing)"
        " order by entity_type, entity_id"
    )
    con.unregister("shown")
    con.execute("insert into resaid from differing")
    return one_int(con, "select count(*) from differing")


def _has_newer(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> bool:
    return bool(
        one_int(
            con,
            "select count(*) from snapshot_times where source = $source and board_id = $board_id and taken_at > $at",
            source=snapshot.source,
            board_id=snapshot.board_id,
            at=snapshot.taken_at,
        )
    )


def one_int(con: duckdb.DuckDBPyConnection, sql: str, **params: object) -> int:
    """The one number a query answers."""
    row = con.execute(sql, params).fetchone()
    assert row is not None
    return int(row[0])


def _told_then(told: pl.DataFrame) -> str:
    """Where the log must be searched for events told before: an event's own instant never changes, so only around it.

    What a source tells without an instant, and what is inferred, may come with another one the next time.
    """
    if told.select((pl.col("inferred") | (pl.col("occurred_at") == pl.col("observed_at"))).any()).item():
        return ""
    first, last = told.select(first=pl.col("occurred_at").min(), last=pl.col("occurred_at").max()).row(0)
    return f"where occurred_at between '{first}' and '{last}'"
