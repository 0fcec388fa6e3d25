"""A file of every earlier schema opens with its rows; a killed step is taken again; a newer file is refused."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from running import until
from warehouse.audit import audit
from warehouse.home import Home
from warehouse.log import Log, WarehouseBroken
from warehouse.migrations import SCHEMA, migrate
from warehouse.model import Batch, Cursor, Entity, Event, Snapshot
from warehouse.publish import current
from warehouse.reading import Warehouse

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]
Child = Callable[..., subprocess.Popen[str]]
STEPS = sorted(SCHEMA.glob("*.sql"))
NEWEST = len(STEPS)


def live(home: Home) -> Path:
    return home.warehouse_dir / "live.duckdb"


def tables(con: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    sql = "select table_name from duckdb_tables() where database_name = $database"
    return {table for (table,) in con.execute(sql, {"database": database}).fetchall()}


def as_it_was(home: Home, folder: Path, schema: int) -> Home:
    """The same warehouse as code that knew only the first `schema` steps would have kept it."""
    steps = folder / "steps"
    steps.mkdir()
    for step in STEPS[:schema]:
        shutil.copy(step, steps)
    old = Home(folder / "old")
    old.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(live(old))) as con:
        con.execute("set TimeZone = 'UTC'")
        migrate(con, live(old), steps)
        con.execute(f"attach '{live(home)}' as today (read_only)")
        for table in (tables(con, "live") & tables(con, "today")) - {"schema_migrations", "progress"}:
            con.execute(f"delete from {table}")
            known = con.execute(
                f"select string_agg(name, ', ') from pragma_table_info('{table}')"
            ).fetchall()[0][0]
            con.execute(f"insert into {table} select {known} from today.{table}")
        if "revisions" in tables(con, "live"):
            con.execute("update revisions set revision = (select revision from today.progress)")
        else:
            behind = "" if "derived" in tables(con, "live") else ", head as derived"
            con.execute("delete from progress")
            con.execute(f"insert into progress select revision, head{behind} from today.progress")
    return old


@pytest.fixture
def filled(home: Home, batch: MakeBatch, event: MakeEvent) -> Home:
    """A home with events, a snapshot and a cursor."""
    shown = Snapshot("flux", "b1", event(1).occurred_at, (Entity("card", "c99", {"title": "Seen"}),))
    with Log.open(home) as log:
        log.append(Batch(batch(1, 30).events, shown, Cursor("flux", "b1", "30")))
        log.publish()
    return home


def test_the_steps_are_numbered_without_a_gap() -> None:
    assert [int(step.name[:4]) for step in STEPS] == list(range(1, NEWEST + 1))


@pytest.mark.parametrize("schema", range(1, NEWEST))
def test_a_file_of_an_earlier_schema_keeps_every_row(
    filled: Home, event: MakeEvent, tmp_path: Path, schema: int
) -> None:
    old = as_it_was(filled, tmp_path, schema)
    with Log.open(old) as log:
        assert log.append(Batch((event(30, "card.moved"), event(31)))).upto == 31, (
            "what was told before is known"
        )
        assert log.cursor("flux", "b1") == "30"
        log.publish()
    with Log.open(filled) as log:
        log.append(Batch((event(31),)))
        log.publish()
    assert [finding for finding in audit(old) if not finding.ok] == []
    with Warehouse.open(old) as one, Warehouse.open(filled) as two:
        for table in ("events", "snapshots", "source_cursors", "boards", "cards", "members", "board_members"):
            assert one.frame(f"from {table} order by all").equals(two.frame(f"from {table} order by all")), (
                table
            )


def test_readers_get_the_new_schema_though_nothing_else_is_new(filled: Home, tmp_path: Path) -> None:
    old = as_it_was(filled, tmp_path, 1)
    shutil.copytree(
        filled.warehouse_dir, old.warehouse_dir, dirs_exist_ok=True, ignore=lambda *_: ["live.duckdb"]
    )
    version = current(old).version
    with Log.open(old) as log:
        log.publish()
    assert current(old).version != version
    with Warehouse.open(old) as warehouse:
        assert warehouse.frame("select max(number) from schema_migrations").item() == NEWEST


@pytest.mark.parametrize("schema", range(1, NEWEST))
def test_a_home_of_an_earlier_schema_passes_audit_before_anybody_writes(
    filled: Home, tmp_path: Path, schema: int
) -> None:
    old = as_it_was(filled, tmp_path, schema)
    (old.warehouse_dir / "published").mkdir()
    shutil.copy(live(old), old.warehouse_dir / "published" / current(filled).path.name)
    shutil.copy(filled.warehouse_dir / "CURRENT", old.warehouse_dir)
    assert [finding for finding in audit(old) if not finding.ok] == []


def test_a_step_that_is_killed_leaves_nothing_and_is_taken_again(
    filled: Home, child: Child, tmp_path: Path
) -> None:
    old = as_it_was(filled, tmp_path, 1)
    steps = tmp_path / "steps"
    os.mkfifo(
        steps / "0002_slow.sql"
    )  # whoever migrates waits here for the words of the step, within its transaction
    migrating = child("migrate", str(steps), at=old)
    words = None

    def reading() -> bool:
        nonlocal words
        try:
            words = os.open(steps / "0002_slow.sql", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            assert migrating.poll() is None, migrating.communicate()
            return False
        return True

    until(reading, what="the step's start")
    os.write(
        words, b"drop table snapshots; delete from events; select count(*) from range(1_000_000_000_000)"
    )
    os.close(words)
    migrating.kill()
    migrating.communicate()
    with Log.open(old) as log:
        assert log.append(Batch()).upto == 30
        log.publish()
    assert [finding for finding in audit(old) if not finding.ok] == []


@pytest.mark.slow
def test_killed_at_ten_moments_a_migration_ends_all_the_same(
    filled: Home, child: Child, tmp_path: Path
) -> None:
    old, dice = as_it_was(filled, tmp_path, 1), random.Random(4)
    for number in range(10):
        home = Home(shutil.copytree(old.root, tmp_path / f"copy-{number}"))
        migrating = child("migrate", str(SCHEMA), at=home)
        assert migrating.stdout.readline() == "at work\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            migrating.wait(dice.random() * 0.06)
        migrating.kill()
        migrating.communicate()
        with Log.open(home) as log:
            assert log.append(Batch()).upto == 30
            log.publish()
        assert [finding for finding in audit(home) if not finding.ok] == []


def test_a_step_that_fails_says_so_and_leaves_the_file_as_it_was(filled: Home, tmp_path: Path) -> None:
    old = as_it_was(filled, tmp_path, 1)
    (tmp_path / "steps" / "0002_wrong.sql").write_text("drop table snapshots; select nothing from nowhere")
    with (
        duckdb.connect(str(live(old))) as con,
        pytest.raises(WarehouseBroken, match=r"from schema 1 to 2: (.|\n)*It is as it was"),
    ):
        migrate(con, live(old), tmp_path / "steps")
    with Log.open(old) as log:
        assert log.append(Batch()).upto == 30


def test_a_file_that_newer_code_has_published_is_refused_by_readers(filled: Home) -> None:
    path = current(filled).path
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute("insert into schema_migrations values (9999, 'from_the_future')")
    with pytest.raises(WarehouseBroken, match=r"newer Daybreak \(schema 9999(.|\n)*Upgrade"):
        Warehouse.open(filled)
    (finding,) = audit(filled)
    assert (finding.ok, "newer Daybreak" in finding.text) == (False, True)
