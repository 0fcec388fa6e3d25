"""A damaged or missing warehouse made whole again from the half that is left: the live file, or what is published."""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import duckdb

from warehouse import state
from warehouse.disk import sync
from warehouse.home import Home
from warehouse.hot import merge
from warehouse.log import Log, Sizes
from warehouse.migrations import WarehouseBroken
from warehouse.publish import base_of, current
from warehouse.reading import connect
from warehouse.taking import one_int
from warehouse.turns import Turns


@dataclass(frozen=True, slots=True)
class Restored:
    """What was made whole again: `live` from a published version, `published` from the live file, or `state` alone.

    `aside` is where the damaged file went.
    """

    what: str
    source: Path | str
    events: int
    aside: Path | None = None

    def __str__(self) -> str:
        moved = f" aside={self.aside}" if self.aside else ""
        return f"restored={self.what} from={self.source} events={self.events}{moved}"


def restore(home: Home, *, wait: timedelta = timedelta(seconds=10)) -> Restored:
    """Read everything there is, bring back what cannot be read from what can, and derive current state anew.

    What was acknowledged after the version that is brought back is read from the sources again: cursors go back too.
    Of a lake only the last is done: its catalog and its files are kept by their servers' backups.
    WarehouseBroken when nothing can be read, WarehouseBusy when somebody writes.
    """
    if home.lake is not None:
        return _derive_again(home, wait)
    turns = Turns(home.warehouse_dir)
    if not home.warehouse_dir.is_dir():
        raise _nothing_left(home)
    try:
        turns.take(wait)
    except OSError as error:
        raise _not_writable(home, error) from error
    try:
        live, published = home.warehouse_dir / "live.duckdb", current(home)
        kept = _readable(live)
        shown = _readable(published.path) if published else None
        if kept is not None and kept >= (shown or 0):
            if published and shown is None:
                published.path.unlink(missing_ok=True)  # so that a publish does not take it for good
            done = Restored("state" if shown is not None else "published", live, kept)
        else:
            done = _from_published(home, live)
    except OSError as error:
        raise _not_writable(home, error) from error
    finally:
        turns.release()
    # What is published is not to be leant on: whatever was wrong there would stay.
    with Log.open(home, wait=wait, sizes=Sizes(whole=sys.maxsize)) as log:
        _forget_state(log, published.revision if published else 0)
        log.publish()
    return done


def _derive_again(home: Home, wait: timedelta) -> Restored:
    """On a lake only what follows from the log can be made again; the log itself is its servers' to keep."""
    with Log.open(home, wait=wait) as log:
        _forget_state(log, 0)
        log.publish()
        return Restored(
            "state",
            home.lake.catalog if home.lake else "",
            one_int(log.connection, "select head from progress"),
        )


def _forget_state(log: Log, told: int) -> None:
    """Let the next publish derive all of it from the log, as a revision that readers were not `told` yet."""
    with log.transaction() as con:
        for table in state.TABLES:
            con.execute(f"delete from {table}")  # noqa: S608  # our own names
        con.execute("delete from resaid")
        con.execute("insert into resaid select distinct source, entity_type, entity_id from snapshots")
        con.execute("update derived set upto = 0")
        con.execute("update progress set revision = greatest(revision, $told) + 1", {"told": told})


def _from_published(home: Home, live: Path) -> Restored:
    for version in _versions(home):
        events = _readable(version)
        if events is not None:
            aside = _move_aside(live)
            draft = live.with_suffix(".draft")
            _copy(version, draft)
            sync(draft)
            draft.replace(live)
            sync(live.parent)
            return Restored("live", version, events, aside)
    raise _nothing_left(home)


def _copy(version: Path, draft: Path) -> None:
    base = base_of(version)
    shutil.copyfile(base or version, draft)
    draft.chmod(0o644)
    if base:
        with duckdb.connect(str(draft)) as con:
            merge(con, version)


def _versions(home: Home) -> list[Path]:
    """Published files, the newest first; the copies that other tools may have written to come last."""
    return [
        file
        for folder in ("published", "open")
        for file in sorted((home.warehouse_dir / folder).glob("*.duckdb"), reverse=True)
    ]


def _readable(path: Path) -> int | None:
    """How many events the file holds; None where a row cannot be read or the log has a gap or an event twice."""
    if not path.exists():
        return None
    try:
        with connect(path, base_of(path)) as con:
            for (table,) in con.execute("select name from (show tables)").fetchall():
                con.execute(f"select sum(hash({table})) from {table}").fetchall()  # noqa: S608  # read from the file itself
            told = con.execute(
                "select count(*), coalesce(max(event_offset), 0), count(distinct event_offset), count(distinct (source, event_id)) from events"
            ).fetchone()
    except duckdb.Error:
        return None
    return int(told[0]) if told and len(set(told)) == 1 else None


def _move_aside(live: Path) -> Path | None:
    """Keep the damaged file, and what it had not taken in yet, under another name."""
    aside = next(
        path for number in count(1) if not (path := live.with_name(f"live.damaged-{number}.duckdb")).exists()
    )
    for end in ("", ".wal"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{live}{end}").replace(Path(f"{aside}{end}"))
    return aside if aside.exists() else None


def _nothing_left(home: Home) -> WarehouseBroken:
    return WarehouseBroken(
        f"there is nothing in {home.warehouse_dir} to restore from.\n"
        f"Move that folder away; then `daybreak import DIR` brings back an export, or ingest your boards again."
    )


def _not_writable(home: Home, error: OSError) -> WarehouseBroken:
    return WarehouseBroken(
        f"cannot write in {home.warehouse_dir} ({error}).\nMake it writable, or name another home with --home or DAYBREAK_HOME."
    )
