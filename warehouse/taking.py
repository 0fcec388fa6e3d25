"""What a batch brings, taken into the tables of the log: events once each, snapshots where they say something new."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

from warehouse.model import Event, Snapshot
from warehouse.rows import event_rows, snapshot_rows


def add_events(con: duckdb.DuckDBPyConnection, events: Sequence[Event], head: int) -> int:
    """Insert the events the log has not, each once, with the offsets after `head`; how many."""
    told: dict[tuple[str, str], Event] = {}
    for event in events:
        told.setdefault((event.source, event.event_id), event)
    for key in _known(con, told):
        del told[key]
    if told:
        con.register("told", event_rows(list(told.values()), head))
        con.execute("insert into events from told")
        con.unregister("told")
    return len(told)


def _known(con: duckdb.DuckDBPyConnection, told: Mapping[tuple[str, str], Event]) -> list[tuple[str, str]]:
    """Which of these (source, event_id) the log has."""
    if not told:
        return []
    sources, ids = zip(*told, strict=True)
    con.register("asked", pa.table({"source": sources, "event_id": ids}))
    found = con.execute(
        f"""
        select source, event_id from asked
        semi join (select source, event_id from events {_told_then(told.values())}) using (source, event_id)
        """  # noqa: S608  # our own words
    ).fetchall()
    con.unregister("asked")
    return found


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


def _told_then(events: Collection[Event]) -> str:
    """Where the log must be searched for events told before: an event's own instant never changes, so only around it.

    What a source tells without an instant, and what is inferred, may come with another one the next time.
    """
    if any(event.inferred or event.occurred_at == event.observed_at for event in events):
        return ""
    instants = [event.occurred_at for event in events]
    return f"where occurred_at between '{min(instants)}' and '{max(instants)}'"
