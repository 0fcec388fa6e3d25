"""Whether the warehouse is what it says: the log whole, state equal to a replay, readers on what was written."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from warehouse import state
from warehouse.damage import RESTORE, is_damage
from warehouse.home import Home
from warehouse.lake.health import check as check_lake
from warehouse.model import Finding
from warehouse.publish import PublishedFile
from warehouse.reading import NothingPublished, WarehouseBroken, current, open_published
from warehouse.turns import Turns, WarehouseBusy

QUIET = timedelta(minutes=15)
"""After this long without a word from the writer, doctor asks whether it runs."""

AHEAD = timedelta(minutes=1)
"""What was published this far in the future is no rounding: the clock was set back."""


def audit(home: Home) -> list[Finding]:
    """Prove the warehouse's laws on the live file where it is free, else on what is published; changes nothing."""
    try:
        published, con = open_published(home)
    except (NothingPublished, WarehouseBroken) as error:
        what, _, next_step = str(error).partition("\n")
        return [Finding(isinstance(error, NothingPublished), "published", what, next_step)]
    try:
        if home.lake is not None:
            with con:
                return [Finding(True, "published", f"version {published.version} is checked"), *_laws(con)]
        with con, _live(home) as live:
            if isinstance(live, Finding):
                checked = Finding(True, "published", f"version {published.version} is checked")
                return [live, checked, *_laws(con)]
            return [_same(con, live, published.version), *_laws(live)]
    except duckdb.Error as error:
        return [Finding(False, "warehouse", f"cannot be read: {error}", RESTORE)]


def check(home: Home, now: datetime) -> list[Finding]:
    """What `doctor` asks of the warehouse: can it be written, is something published, how old is it."""
    try:
        published = current(home)
        lake = [] if home.lake is None or published is None else [check_lake(home.lake)]
    except WarehouseBroken as error:
        what, _, next_step = str(error).partition("\n")
        return [_writable(home), Finding(False, "published", what, next_step)]
    if published is None:
        return [
            _writable(home),
            Finding(True, "published", "nothing yet", "Run `daybreak up` or ingest a board."),
        ]
    silent = now - published.checked_at
    there = not isinstance(published, PublishedFile) or published.is_there
    age = f"changed {_ago(now - published.published_at)}, last looked after {_ago(silent)}"
    return [
        _writable(home),
        Finding(
            there,
            "published",
            f"version {published.version}",
            "" if there else RESTORE,
        ),
        *lake,
        Finding(True, "size", _sizes(home)),
        Finding(True, "age", age, FOLLOW if silent > QUIET else SET_BACK if silent < -AHEAD else ""),
    ]


@contextmanager
def _live(home: Home) -> Iterator[duckdb.DuckDBPyConnection | Finding]:
    """The live file read-only while nobody writes it, else why not: an ingester is not to be disturbed."""
    turns, path = Turns(home.warehouse_dir), home.warehouse_dir / "live.duckdb"
    in_use = Finding(True, "live", "the live file is in use")
    try:
        turns.take(timedelta(0))
    except (WarehouseBusy, OSError):
        yield in_use
        return
    try:
        try:
            con = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            damaged = Finding(False, "live", f"{path} cannot be opened: {error}", RESTORE)
            yield damaged if not path.exists() or is_damage(error) else in_use
            return
        with con:
            con.execute("set TimeZone = 'UTC'")
            yield con
    finally:
        turns.release()


def _laws(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    return [_gapless(con), _once(con), *_replayed(con)]


def _gapless(con: duckdb.DuckDBPyConnection) -> Finding:
    count, first, last, distinct = _row(
        con, "select count(*), min(event_offset), max(event_offset), count(distinct event_offset) from events"
    )
    whole = count == 0 or (first == 1 and last == count == distinct)
    return Finding(whole, "offsets", f"{count} events, offsets {first} to {last}", "" if whole else RESTORE)


def _once(con: duckdb.DuckDBPyConnection) -> Finding:
    (twice,) = _row(
        con, "select count(*) from (select 1 from events group by source, event_id having count(*) > 1)"
    )
    return Finding(twice == 0, "events", f"{twice} told more than once", "" if twice == 0 else RESTORE)


def _taken_in(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether state has heard all of the log; what is appended is taken in by the publish that follows."""
    tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    if "progress" not in tables:
        return True  # written by code that derived at once
    upto = "upto from derived" if "derived" in tables else "derived from progress"
    sql = f"select count(*) from progress where (select {upto}) < head or exists (from resaid)"  # noqa: S608  # our own words
    (behind,) = _row(con, sql)
    return behind == 0


def _replayed(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """State as kept against state derived anew from the whole log."""
    if not _taken_in(con):
        return [
            Finding(True, "state", "what was appended last is not taken in yet", "The next writer does it.")
        ]
    findings = []
    for table, replayed in state.replay(con).items():
        kept = con.execute(f"from {table}").pl()
        differ = len(kept.join(replayed, on=kept.columns, how="anti", nulls_equal=True)) + len(
            replayed.join(kept, on=kept.columns, how="anti", nulls_equal=True)
        )
        well = differ == 0 and len(kept) == len(replayed)
        text = f"{len(kept)} rows, {differ} differ from a replay of the log"
        findings.append(Finding(well, table, text, "" if well else RESTORE))
    return findings


def _same(published: duckdb.DuckDBPyConnection, live: duckdb.DuckDBPyConnection, version: str) -> Finding:
    behind = [
        table for table in ("events", *state.TABLES) if _digest(published, table) != _digest(live, table)
    ]
    if not behind:
        return Finding(True, "published", f"version {version} equals the live file")
    text = f"version {version} differs from the live file in {', '.join(behind)}"
    return Finding(
        False, "published", text, "The next `daybreak ingest` or `daybreak up` publishes what is new."
    )


def _digest(con: duckdb.DuckDBPyConnection, table: str) -> tuple[int, ...]:
    return _row(con, f"select count(*), coalesce(sum(hash({table})), 0) from {table}")  # noqa: S608  # our own names


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row


def _writable(home: Home) -> Finding:
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home.root):
            return Finding(True, "home", f"{home.root} is writable")
    except OSError as error:
        return Finding(
            False,
            "home",
            f"cannot write in {home.root} ({error})",
            "Name another with --home or DAYBREAK_HOME.",
        )


def _sizes(home: Home) -> str:
    """What lies in the home, in MB: what grows is seen in time."""
    places = {
        "live": [*home.warehouse_dir.glob("live*")],
        "published": [
            file
            for folder in ("published", "open", "copies")
            for file in home.warehouse_dir.glob(f"{folder}/*")
        ],
        "outbox": [*home.outbox.rglob("*")],
        "unreadable": [*(home.root / "unreadable").glob("*")],
        "ledger": [*home.root.glob("ledger.sqlite*")],
    }
    return ", ".join(f"{place} {_megabytes(files)}" for place, files in places.items())


def _megabytes(files: list[Path]) -> str:
    size = 0
    for file in files:
        with contextlib.suppress(OSError):  # a version may be swept meanwhile
            size += file.stat().st_size if file.is_file() else 0
    return f"{size / 1_000_000:.1f} MB"


def _ago(span: timedelta) -> str:
    return f"{timedelta(seconds=max(0, round(span.total_seconds())))} ago"


SET_BACK = "The clock was set back since: nothing is lost, and the age is right again when it has caught up."
FOLLOW = "If it should follow a board: is `daybreak up` or `ingest flux --follow` running?"
