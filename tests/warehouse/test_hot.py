"""What is new since a whole version: published in a small file, read together with it, never seen half-done."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histories import NO_SHRINKING, some_batch
from running import until
from warehouse.audit import audit
from warehouse.export import export
from warehouse.home import Home
from warehouse.hot import TAIL
from warehouse.importing import import_export
from warehouse.log import Log, Sizes
from warehouse.model import Batch, Window
from warehouse.publish import current
from warehouse.reading import Warehouse
from warehouse.sandbox import query

MakeBatch = Callable[[int, int], Batch]
LARGE = Sizes(whole=0)
"""Every warehouse is large enough not to be copied at each publish."""
ROLLING = Sizes(whole=0, age=timedelta(0), share=0)
"""And the next whole version is made as soon as something is new."""


def head(home: Home) -> int:
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["last_offset"].max() == warehouse.head()
        return warehouse.head()


def opened_by_a_tool(home: Home) -> int:
    """The head that somebody sees who opens HOME/warehouse.duckdb."""
    with duckdb.connect(str(home.warehouse_link), read_only=True) as con:
        ((told,),) = con.execute("select max(event_offset) from events").fetchall()
    return told


@pytest.fixture
def leaning(home: Home, batch: MakeBatch) -> Home:
    """Thirty events, of which the last ten are new since the base; nobody writes."""
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(1, 20))
        log.publish()
        log.append(batch(21, 30))
        log.publish()
        assert current(home).base is not None
        log.close = lambda: None  # as if killed
    del log
    return home


def test_of_a_large_warehouse_only_what_is_new_is_copied(home: Home, batch: MakeBatch) -> None:
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(1, 200))
        log.publish()
        whole = current(home)
        for number in (201, 202):
            log.append(batch(number, number))
            log.publish()
            assert (head(home), current(home).base) == (number, whole.path)
        assert current(home).path.stat().st_size < whole.path.stat().st_size / 2
        with Warehouse.open(home) as warehouse:
            assert [event.event_offset for event in warehouse.events(Window(198, 202))] == [
                199,
                200,
                201,
                202,
            ]


def test_a_long_log_is_read_in_three_parts_without_a_seam(home: Home, batch: MakeBatch) -> None:
    last = 2 * TAIL + 100
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(1, last))
        log.publish()
        log.append(batch(last + 1, last + 10))
        log.publish()
        with Warehouse.open(home) as warehouse:
            told = warehouse.frame(
                "select count(*), count(distinct event_offset), min(event_offset), max(event_offset) from events"
            )
            assert told.row(0) == (last + 10, last + 10, 1, last + 10)
            newest = warehouse.frame("select event_offset from events order by event_offset desc limit 20")
            assert newest["event_offset"].to_list() == [*range(last + 10, last - 10, -1)]


def test_what_was_published_last_time_is_leant_on(home: Home, batch: MakeBatch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 20))
        log.publish()
    whole = current(home).path
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(21, 21))
        log.publish()
        assert (current(home).base, head(home)) == (whole, 21)


def test_much_that_is_new_is_copied_whole(home: Home, batch: MakeBatch) -> None:
    with Log.open(home, sizes=Sizes(whole=0, news=30)) as log:
        log.append(batch(1, 20))
        log.publish()
        log.append(batch(21, 60))
        log.publish()
        assert (current(home).base, head(home), opened_by_a_tool(home)) == (None, 60, 60)


def test_the_next_base_is_made_beside_and_then_readers_lean_on_it(home: Home, batch: MakeBatch) -> None:
    with Log.open(home, sizes=ROLLING) as log:
        log.append(batch(1, 20))
        log.publish()
        bases, number = {current(home).path}, 20
        while len(bases) < 3:
            number += 1
            log.append(batch(number, number))
            log.publish()
            assert head(home) == number
            bases.add(current(home).base)
        until(
            lambda: log.publish() or current(home).base is None, seconds=20, what="a whole version when quiet"
        )
        assert (head(home), opened_by_a_tool(home)) == (number, number)
    assert [finding for finding in audit(home) if not finding.ok] == []


def test_what_is_derived_while_the_next_base_is_made_is_new_since_it(home: Home, batch: MakeBatch) -> None:
    def everybody_sees(number: int) -> bool:
        log.publish()
        return head(home) == opened_by_a_tool(home) == number

    with Log.open(home, sizes=ROLLING) as log:
        log.append(batch(1, 20))
        log.publish()
        for number in (21, 23, 25):
            log.append(batch(number, number))
            log.publish()  # begins the next base
            log.append(batch(number + 1, number + 1))
            log.known("flux", "b1")  # derives
            until(lambda last=number + 1: everybody_sees(last), seconds=20, what="a base of all")
    assert [finding for finding in audit(home) if not finding.ok] == []


def test_a_writer_that_ends_leaves_everything_to_other_tools(home: Home, batch: MakeBatch) -> None:
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(1, 20))
        log.publish()
        log.append(batch(21, 30))
        log.publish()
        assert (head(home), opened_by_a_tool(home)) == (30, 20)
    assert (current(home).base, head(home), opened_by_a_tool(home)) == (None, 30, 30)


def test_it_is_asked_like_any_other_version(home: Home, batch: MakeBatch, tmp_path: Path) -> None:
    with Log.open(home, sizes=LARGE) as log:
        log.append(batch(1, 20))
        log.publish()
        with Warehouse.open(home) as warehouse:
            columns = warehouse.frame(COLUMNS)
        log.append(batch(21, 30))
        log.publish()
        with Warehouse.open(home) as warehouse:
            assert warehouse.frame(COLUMNS).equals(columns)
            assert (
                warehouse.frame("select comment from duckdb_views() where view_name = 'cards'")
                .item()
                .startswith("Cards as")
            )
        assert query(home, "select count(*), max(event_offset) from events").frame.rows() == [(30, 30)]
        assert query(home, "select count(*) from warehouse.cards").frame.item() == 10
        export(home, tmp_path / "export")
        import_export(Home(tmp_path / "copy"), tmp_path / "export")
    with Warehouse.open(home) as one, Warehouse.open(Home(tmp_path / "copy")) as two:
        for table in ("events", "snapshots", "source_cursors", "cards", "members", "board_members"):
            assert one.frame(f"from {table} order by all").equals(two.frame(f"from {table} order by all"))


COLUMNS = """
    select table_name, column_name, data_type from information_schema.columns
    where table_catalog = current_database() and table_schema = 'main' order by 1, ordinal_position
"""


TABLES = "select table_name from duckdb_tables() where not temporary"


def published_is_live(batches: list[Batch], sizes: Sizes) -> None:
    """After each batch, each table as readers have it is as it is in the live database."""
    with tempfile.TemporaryDirectory() as root, Log.open(Home(Path(root)), sizes=sizes) as log:
        for batch in batches:
            log.append(batch)
            log.publish()
            with Warehouse.open(Home(Path(root))) as warehouse:
                for (table,) in log.connection.execute(TABLES).fetchall():
                    kept, shown = (
                        log.connection.execute(f"from {table}").pl(),
                        warehouse.frame(f"from {table}"),
                    )
                    assert shown.schema == kept.schema
                    assert sorted(shown.rows(), key=repr) == sorted(kept.rows(), key=repr), table


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(st.lists(some_batch, min_size=3, max_size=4))
def test_what_readers_see_is_what_the_live_database_holds(batches: list[Batch]) -> None:
    published_is_live(batches, LARGE)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(st.lists(some_batch, min_size=3, max_size=8), st.sampled_from([LARGE, ROLLING]))
def test_what_readers_see_is_what_the_live_database_holds_over_many_bases(
    batches: list[Batch], sizes: Sizes
) -> None:
    published_is_live(batches, sizes)
