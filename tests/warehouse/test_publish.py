"""Publishing: readers always have one whole version, whatever happens to the writer."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import duckdb
import pytest

from lakes import ON_BOTH
from warehouse import audit, publish, state
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Entity, Event, Snapshot, Window
from warehouse.reading import NothingPublished, Warehouse, WarehouseBroken, current, current_version
from warehouse.whole import Copy

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]
BATCHES = "20"
Child = Callable[..., subprocess.Popen[str]]


@ON_BOTH
def test_nothing_is_published_before_the_first_publish(home: Home) -> None:
    with pytest.raises(NothingPublished, match="daybreak ingest"):
        Warehouse.open(home)
    assert current_version(home) is None


def test_a_view_stays_as_it_was_opened_and_the_next_one_is_new(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 3))
        log.publish()
        with Warehouse.open(home) as before:
            for number in range(4, 12):
                log.append(batch(number, number))
                log.publish()
            assert before.head() == 3
            assert [told.event_id for told in before.events(Window(1, 3))] == ["e2", "e3"]
        with Warehouse.open(home) as after:
            assert (after.head(), after.version) == (11, current_version(home))
            assert after.published_at >= before.published_at


def test_a_window_can_be_read_of_some_boards_only(home: Home, event: MakeEvent) -> None:
    with Log.open(home) as log:
        log.append(Batch((event(1), event(2, board_id="b2"), event(3))))
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert [told.event_offset for told in warehouse.events(Window(0, 3), board_ids=["b1"])] == [1, 3]
        assert warehouse.events(Window(0, 3), board_ids=[]) == []


def test_the_offset_before_an_instant_opens_the_window_on_all_that_came_after(
    home: Home, event: MakeEvent
) -> None:
    with Log.open(home) as log:
        log.append(Batch((event(5), event(9), event(2), event(7))))
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert [warehouse.offset_before(event(n).occurred_at) for n in (1, 5, 8, 9)] == [0, 1, 1, 4]


@ON_BOTH
def test_what_only_a_snapshot_changed_is_published_too(home: Home, event: MakeEvent) -> None:
    with Log.open(home) as log:
        log.publish()
        log.append(
            Batch(
                (), Snapshot("flux", "b1", event(1).occurred_at, (Entity("card", "c1", {"title": "Seen"}),))
            )
        )
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["title"].to_list() == ["Seen"]


def test_a_publish_with_nothing_new_says_that_what_is_there_is_current(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 1))
        log.publish()
        first = current(home)
        os.utime(home.warehouse_dir / "CURRENT", (1, 1))
        log.publish()
    now = current(home)
    assert (now.version, now.published_at) == (first.version, first.published_at)
    assert now.checked_at > first.published_at


def test_any_duckdb_tool_opens_the_link_even_for_writing(home: Home, batch: MakeBatch) -> None:
    script = f"import duckdb; con = duckdb.connect({str(home.warehouse_link)!r}); con.execute('create table mine as select 1'); "
    with Log.open(home) as log:
        log.append(batch(1, 5))
        log.publish()
        with subprocess.Popen(
            [sys.executable, "-c", script + "print('open', flush=True); input()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as tool:  # fmt: skip
            assert tool.stdout.readline() == "open\n"
            with Warehouse.open(home) as warehouse:  # a tool that writes does not shut our readers out
                assert warehouse.head() == 5
            log.append(batch(6, 6))
            log.publish()
            tool.kill()  # leaves a half-written log of its own beside the link
        log.append(batch(7, 7))
        log.publish()
    with duckdb.connect(str(home.warehouse_link)) as con:
        assert con.execute("select max(event_offset), count(*) from events").fetchall() == [(7, 7)]


def test_only_the_last_versions_stay_on_disk(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        for number in range(1, 8):
            log.append(batch(number, number))
            log.publish()
    for folder in ("published", "open"):
        names = sorted(file.name for file in (home.warehouse_dir / folder).iterdir())
        assert len(names) == publish.KEPT
        assert names[-1] == current(home).path.name


def test_what_is_just_being_made_stays(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        making = publish.new_file(home, 1)
        making.touch()
        for number in range(1, 6):
            log.append(batch(number, number))
            log.publish()
            making.touch()
        publish.sweep(home, [making])
        assert making.exists()
        publish.sweep(home)
        assert not making.exists()


def test_without_cp_a_version_is_copied_by_the_database_itself(
    home: Home, batch: MakeBatch, monkeypatch
) -> None:
    monkeypatch.setenv("PATH", "")
    connect = f"import duckdb; duckdb.connect({str(home.warehouse_dir / 'live.duckdb')!r})"
    with Log.open(home) as log:
        log.append(batch(1, 30))
        log.publish()
        other = subprocess.run([sys.executable, "-c", connect], capture_output=True, text=True, check=False)
        assert "Could not set lock" in other.stderr, "copying must not cost the lock"
    assert all(finding.ok for finding in audit.audit(home))


def test_a_pointer_nobody_can_read_is_mended_by_the_next_publish(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 1))
        log.publish()
        (home.warehouse_dir / "CURRENT").write_text('{"version": ')
        assert current_version(home) is None
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert warehouse.head() == 1


def test_a_damaged_version_is_named_with_the_next_step(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 1))
        log.publish()
    path = current(home).path
    path.chmod(0o644)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(WarehouseBroken, match=f"{path.name} cannot be opened(.|\n)*daybreak restore"):
        Warehouse.open(home)


def test_what_is_appended_while_a_version_is_copied_waits_for_the_next(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 12))
        state.derive(log.connection)
        draft = Copy(log.connection, home, 1, 12)
        log.append(batch(13, 400))
        base = draft.run()
        publish.point(home, base.revision, base.path)
        draft.close()
        with Warehouse.open(home) as warehouse:
            assert warehouse.head() == warehouse.cards()["last_offset"].max() == 12
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert warehouse.head() == warehouse.cards()["last_offset"].max() == 400
    assert all(finding.ok for finding in audit.audit(home))


def test_one_appends_while_another_publishes_and_a_third_asks_what_is_known(
    home: Home, event: MakeEvent
) -> None:
    def append(log: Log) -> None:
        for number in range(40):
            at = event(number).occurred_at
            shown = Snapshot("flux", "b1", at, (Entity("card", f"c{number % 7}", {"url": f"u{number}"}),))
            told = event(number, "card.updated", card_id=f"c{number % 5}", after={"title": f"T{number}"})
            log.append(Batch((told,), shown))

    with Log.open(home) as log, ThreadPoolExecutor(2) as others:
        appending = others.submit(append, log)
        while not appending.done():
            asking = others.submit(log.known, "flux", "b1")
            log.publish()
            assert {entity.entity_type for entity in asking.result().entities} <= {"card", "member"}
            with Warehouse.open(home) as warehouse:
                assert warehouse.head() == (warehouse.cards()["last_offset"].max() or 0)
        appending.result()
        log.publish()
    with Warehouse.open(home) as warehouse:
        assert warehouse.head() == 40
    assert [finding for finding in audit.audit(home) if not finding.ok] == []


def finish(process: subprocess.Popen[str]) -> str:
    """What the process said, which must have ended well."""
    told, error = process.communicate(timeout=100)
    assert process.returncode == 0, error
    return told


def test_readers_see_no_error_while_a_writer_publishes(home: Home, child: Child) -> None:
    readers = [child("read", "12", "4") for _ in range(2)]  # eight, in two processes
    try:
        finish(child("fill", "30"))
        assert [finish(reader) for reader in readers] == ["12 12 12 12\n"] * 2
    finally:  # without a version to read they would never end
        for reader in readers:
            reader.kill()


def kill_at_random(home: Home, child: Child, times: int) -> None:
    """Run the writer again and again, killed after some batches and a moment more; then to its end."""
    dice = random.Random(2)
    for _ in range(times):
        writer = child("fill", BATCHES)
        for _ in range(dice.randrange(3)):
            writer.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(dice.random() * 0.1)
        writer.kill()
        writer.communicate()
        if current(home) is not None:
            with Warehouse.open(home) as warehouse:
                assert warehouse.head() % 20 == 0, "a batch is kept whole or not at all"
        with Log.open(home, wait=timedelta(seconds=5)) as log:
            cursor = log.cursor("flux", "b1")
            assert log.append(Batch()).upto == (0 if cursor is None else 20 * (int(cursor) + 1))
    finish(child("fill", BATCHES))


def same_as_undisturbed(home: Home, calm: Home, child: Child) -> None:
    finish(child("fill", BATCHES, at=calm))
    assert [finding for each in (home, calm) for finding in audit.audit(each) if not finding.ok] == []
    with Warehouse.open(home) as one, Warehouse.open(calm) as two:
        for table in ("events", "snapshots", "source_cursors", "boards", "cards", "members", "board_members"):
            assert one.frame(f"from {table} order by all").equals(two.frame(f"from {table} order by all")), (
                table
            )


@ON_BOTH
def test_killed_at_any_moment_the_log_is_whole_and_goes_on(home: Home, child: Child, tmp_path) -> None:
    kill_at_random(home, child, 5)
    same_as_undisturbed(home, Home(tmp_path / "calm"), child)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_sixty_moments_the_log_is_whole_and_goes_on(home: Home, child: Child, tmp_path) -> None:
    kill_at_random(home, child, 60)
    same_as_undisturbed(home, Home(tmp_path / "calm"), child)
