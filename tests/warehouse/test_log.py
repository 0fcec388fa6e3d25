"""The log: whole batches, once each, gapless; one writer at a time; clear words when it cannot be."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import duckdb
import pytest

from lakes import ON_BOTH
from warehouse.home import Home
from warehouse.log import Log, WarehouseBroken, WarehouseBusy
from warehouse.model import Appended, Batch, Cursor, Entity, Event, Snapshot, Window
from warehouse.reading import Warehouse

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]


def published(home: Home, *batches: Batch) -> Warehouse:
    with Log.open(home) as log:
        for batch in batches:
            log.append(batch)
        log.publish()
    return Warehouse.open(home)


@ON_BOTH
def test_events_get_gapless_offsets_in_batch_order(home: Home, event: MakeEvent) -> None:
    first, second = Batch((event(7), event(5), event(9))), Batch((event(2), event(1)))
    with published(home, first, second) as warehouse:
        told = [(event.event_offset, event.event_id) for event in warehouse.events(Window(0, 5))]
    assert told == list(enumerate(["e7", "e5", "e9", "e2", "e1"], start=1))


@ON_BOTH
def test_an_event_told_twice_in_a_batch_or_again_later_is_kept_once(home: Home, event: MakeEvent) -> None:
    with Log.open(home) as log:
        assert log.append(Batch((event(1), event(1), event(2)))) == Appended(events=3, new=2, upto=2)
        assert log.append(Batch((event(2), event(3)))) == Appended(events=2, new=1, upto=3)
        other = event(1, source="trello")
        assert log.append(Batch((other,))).new == 1, "another source may use the same event_id"


@ON_BOTH
def test_an_event_comes_back_as_it_went_in(home: Home, event: MakeEvent) -> None:
    told = event(
        1, actor_id="m1", column_from="k1", column_to="k2", inferred=True,
        before={"title": None}, after={"title": "Größe 💡 \u2028 'q' \\", "position": 1.5}, payload={"b": [1, {"a": None}]},
    )  # fmt: skip
    with published(home, Batch((told,))) as warehouse:
        (back,) = warehouse.events(Window(0, 1))
    assert back == Event(**{**{name: getattr(told, name) for name in Event.__slots__}, "event_offset": 1})


def test_half_a_surrogate_pair_does_not_stop_the_log(home: Home, event: MakeEvent) -> None:
    with published(home, Batch((event(1, after={"title": "cut \ud83d off"}),))) as warehouse:
        assert warehouse.cards()["title"].to_list() == ["cut ? off"]


@ON_BOTH
def test_the_cursor_moves_with_its_batch_and_not_without_it(home: Home, event: MakeEvent) -> None:
    nameless = Cursor("flux", "b1", None)
    with Log.open(home) as log:
        assert log.cursor("flux", "b1") is None
        log.append(Batch((event(1),), cursor=Cursor("flux", "b1", "one")))
        with pytest.raises(WarehouseBroken, match="batch of 2 events could not be written"):
            log.append(Batch((event(2), event(3)), cursor=nameless))
        with pytest.raises(WarehouseBroken, match="batch of 1 events could not be written"):
            log.append(Batch((event(2, occurred_at=None),), cursor=Cursor("flux", "b1", "two")))
        assert log.cursor("flux", "b1") == "one"
        assert log.append(Batch((event(4),))).upto == 2


@ON_BOTH
def test_the_same_batch_again_changes_nothing_and_publishes_nothing(
    home: Home, batch: MakeBatch, event: MakeEvent
) -> None:
    shown = Snapshot("flux", "b1", event(1).occurred_at, (Entity("card", "c1", {"title": "Seen"}),))
    again = Batch(batch(1, 20).events, shown, Cursor("flux", "b1", "20"))
    with published(home, again) as first, published(home, again) as second:
        assert first.version == second.version
        assert second.head() == 20


def test_two_runs_give_the_same_tables_to_the_byte(tmp_path, batch: MakeBatch) -> None:
    homes = [Home(tmp_path / "one"), Home(tmp_path / "two")]
    tables = []
    for home, cuts in zip(homes, ([(1, 30)], [(1, 7), (8, 30)]), strict=True):
        with published(home, *(batch(*cut) for cut in cuts)) as warehouse:
            tables.append(
                [warehouse.frame("from events order by event_offset"), warehouse.cards(), warehouse.members()]
            )
    assert all(one.equals(two) for one, two in zip(*tables, strict=True))


def test_a_second_writer_is_refused_and_told_by_whom(home: Home, child: Callable[..., object]) -> None:
    with Log.open(home) as log:
        log.append(Batch())
        log.publish()  # the copy must not cost us the lock on the file
        with pytest.raises(WarehouseBusy, match=r"process \d+ is writing the warehouse(.|\n)*Try again"):
            Log.open(home, wait=timedelta(0))
        told, _ = child("once", "0").communicate(timeout=30)
        assert "is writing the warehouse" in told
        assert "Could not set lock" in what_duckdb_says(home)


def what_duckdb_says(home: Home) -> str:
    """What DuckDB itself says to another process that opens the live file past our locks."""
    script = f"import duckdb; duckdb.connect({str(home.warehouse_dir / 'live.duckdb')!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return done.stderr


def test_a_waiting_writer_gets_its_turn_and_gives_it_back(home: Home, child: Callable[..., object]) -> None:
    holder = child("hold")
    try:
        assert holder.stdout.readline() == "open\n"
        for turn in range(3):
            with Log.open(home, wait=timedelta(seconds=20)) as log:
                assert log.append(Batch((), cursor=Cursor("flux", "b1", str(turn)))).upto == 0
        told, _ = child("once", "20").communicate(timeout=30)
        assert told == "written 20\n"
        assert holder.poll() is None, holder.stderr.read()
    finally:
        holder.kill()
        holder.communicate()


def test_a_file_that_newer_code_has_written_is_refused(home: Home) -> None:
    Log.open(home).close()
    with duckdb.connect(str(home.warehouse_dir / "live.duckdb")) as con:
        con.execute("insert into schema_migrations values (9999, 'from_the_future')")
    with pytest.raises(WarehouseBroken, match=r"newer Daybreak \(schema 9999.*\n.*Upgrade"):
        Log.open(home)
    with pytest.raises(WarehouseBroken):
        Log.open(home, wait=timedelta(0))  # and the lock was given back


def test_a_damaged_file_is_named_with_the_next_step(home: Home) -> None:
    home.warehouse_dir.mkdir()
    (home.warehouse_dir / "live.duckdb").write_bytes(b"this is no database" * 1000)
    with pytest.raises(WarehouseBroken, match=r"live\.duckdb cannot be opened(.|\n)*daybreak restore"):
        Log.open(home)


def test_a_home_that_cannot_be_written_is_named_with_the_next_step(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WarehouseBroken, match=r"cannot write in .*/file/home (.|\n)*--home"):
        Log.open(Home(tmp_path / "file" / "home"))


def test_a_full_disk_costs_the_batch_and_nothing_else(home: Home, event: MakeEvent) -> None:
    with Log.open(home) as log:
        log.append(Batch((event(1),)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with Log.open(home) as log, pytest.raises(WarehouseBroken, match="is the disk full"):
            log.append(
                Batch(tuple(event(number, payload={"x": str(number) * 5_000}) for number in range(2, 2_000)))
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with published(home, Batch((event(2),))) as warehouse:
        assert [told.event_id for told in warehouse.events(Window(0, warehouse.head()))] == ["e1", "e2"]
