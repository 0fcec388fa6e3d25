"""A lake: the same warehouse on PostgreSQL and Parquet, written and read by many at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest

from lakes import lake_home, new_database, settings_of
from running import daybreak
from warehouse import state
from warehouse.audit import audit, check
from warehouse.export import KEPT, export
from warehouse.home import Home
from warehouse.importing import import_export
from warehouse.lake import engine, extensions
from warehouse.lake.address import BadAddress, Lake, lake_of
from warehouse.lake.live import LiveLake, without_compression
from warehouse.log import Log, WarehouseBroken
from warehouse.migrations import SCHEMA, migrate
from warehouse.model import Appended, Batch, Entity, Event, Snapshot, Window
from warehouse.reading import NothingPublished, Warehouse, current_version
from warehouse.restore import restore
from warehouse.sandbox import QueryFailed, query

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]
Child = Callable[..., subprocess.Popen[str]]
TABLES = ("events", *KEPT, *state.TABLES)


def fill(home: Home, *batches: Batch) -> None:
    with Log.open(home) as log:
        for batch in batches:
            log.append(batch)
            log.publish()


def same(one: Home, two: Home) -> None:
    """Every table holds the same, and the books of both are in order."""
    with Warehouse.open(one) as left, Warehouse.open(two) as right:
        for table in TABLES:
            query = f"from {table} order by all"
            assert left.frame(query).equals(right.frame(query)), table
    assert wrong(one) == wrong(two) == []


def wrong(home: Home) -> list[str]:
    return [str(finding) for finding in audit(home) if not finding.ok]


def finish(process: subprocess.Popen[str]) -> str:
    told, error = process.communicate(timeout=100)
    assert process.returncode == 0, error
    return told


def catalog(home: Home) -> psycopg.Connection[tuple[object, ...]]:
    assert home.lake
    return psycopg.connect(home.lake.catalog, autocommit=True)


def test_a_lake_is_begun_written_and_read(postgres: str, tmp_path: Path, batch: MakeBatch) -> None:
    with lake_home(tmp_path / "home", new_database(postgres)) as home:
        with pytest.raises(NothingPublished, match="the lake at"):
            Warehouse.open(home)
        with Log.open(home) as log:
            assert log.append(batch(1, 30)) == Appended(events=30, new=30, upto=30)
            assert log.append(batch(1, 40)) == Appended(events=40, new=10, upto=40)
            log.publish()
            with Warehouse.open(home) as before:
                log.append(batch(41, 50))
                log.publish()
                assert (before.head(), len(before.events(Window(0, 50)))) == (40, 40)
            with Warehouse.open(home) as after:
                assert after.head() == 50 == after.cards()["last_offset"].max()
                assert after.version == current_version(home) != before.version
        assert wrong(home) == []


@pytest.mark.slow
def test_the_same_log_gives_the_same_tables_on_a_file_and_on_a_lake(
    shared: Home, home: Home, child: Child
) -> None:
    for process in [child("fill", "8", at=each) for each in (shared, home)]:
        finish(process)
    same(shared, home)


def test_two_writers_of_one_process_or_many_give_gapless_offsets(shared: Home, batch: MakeBatch) -> None:
    with Log.open(shared) as one, Log.open(shared) as two:
        told = [log.append(batch(10 * turn + 1, 10 * turn + 15)) for turn in range(3) for log in (one, two)]
        one.publish()
    assert [appended.upto for appended in told] == [15, 15, 25, 25, 35, 35]
    assert wrong(shared) == []


@pytest.mark.slow
def test_what_is_appended_but_not_yet_published_is_shown_to_nobody(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 10))
    with Log.open(shared) as log:
        log.append(batch(11, 20))
        with Warehouse.open(shared) as warehouse:
            assert warehouse.head() == 10 == warehouse.cards()["last_offset"].max()


def test_a_writer_that_dies_in_a_transaction_holds_nobody_up(
    shared: Home, child: Child, batch: MakeBatch
) -> None:
    stalled = child("stall", at=shared)
    assert stalled.stdout.readline() == "at work\n"
    stalled.kill()
    stalled.communicate()
    fill(shared, batch(1, 10))
    with Warehouse.open(shared) as warehouse:
        assert warehouse.head() == 10


class _OutOfTurn(LiveLake):
    """Writes without waiting for its turn, as one whose lock got lost."""

    def turn(self) -> nullcontext[None]:
        return nullcontext()


def test_of_two_who_write_at_once_without_the_lock_only_one_commits(shared: Home, batch: MakeBatch) -> None:
    assert shared.lake
    live = _OutOfTurn(shared.lake)
    live.take(None)
    hasty = Log(live)

    def append_beside_another() -> None:
        with hasty.transaction() as con:
            con.execute("update progress set head = head + 1")
            fill(shared, batch(1, 10))

    with pytest.raises(duckdb.Error, match="conflict"):
        append_beside_another()
    hasty.close()
    assert wrong(shared) == []


@pytest.mark.slow
def test_a_publish_tidies_when_it_is_time_and_no_reader_notices(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 20), batch(21, 40))
    with Warehouse.open(shared) as before, Log.open(shared) as log:
        told = before.events(Window(0, 40))
        with catalog(shared) as con:  # so that the next publish finds it is time
            con.execute("update daybreak_shown set tidied_at = now() - interval '1 hour'")
        log.append(batch(41, 45))
        log.publish()
        assert before.events(Window(0, 40)) == told
        log.append(batch(46, 50))
        log.publish()
    with Warehouse.open(shared) as after, duckdb.connect() as files:
        assert after.events(Window(0, 40)) == told
        assert files.execute(
            f"select count(*) from read_parquet('{shared.lake.data}main/events/*.parquet')"
        ).fetchone() == (45,)
    assert wrong(shared) == []


def test_texts_that_a_database_chokes_on_are_kept(shared: Home, event: MakeEvent) -> None:
    odd = "a\0b' \\x41 \u2028 💡 $1 \""
    told = event(1, event_id=odd, actor_id=odd, after={"title": odd, "labels": [odd], "member_ids": [odd]})
    shown = Snapshot("flux", "b1", told.occurred_at, (Entity("column", odd, {"title": odd}),))
    fill(shared, Batch((told,), shown))
    fit = odd.replace("\0", "\ufffd")
    with Warehouse.open(shared) as warehouse:
        assert warehouse.cards().select("title", "labels", "assignee_ids").rows() == [(fit, [fit], [fit])]
        assert warehouse.columns()["title"].to_list() == [fit]
        assert [kept.event_id for kept in warehouse.events(Window(0, 1))] == [fit]
    assert wrong(shared) == []


@pytest.mark.slow
def test_a_lake_of_an_earlier_schema_is_brought_up_with_what_it_holds(postgres: str, tmp_path: Path) -> None:
    earlier = tmp_path / "schema"
    earlier.mkdir()
    for step in sorted(SCHEMA.glob("*.sql"))[:3]:
        shutil.copy(step, earlier)
    with lake_home(tmp_path / "home", new_database(postgres)) as home:
        with engine.engine(home.lake).lake_cursor("lake", f"data_path '{home.lake.data}'") as con:
            migrate(con, "lake", earlier, dialect=without_compression)
            con.execute(
                "insert into events select i, 'flux', 'e' || i, 'b1', 'c' || i % 3, 'm1', 'card.updated', 'card', 'c' || i % 3,"
                " now(), now(), false, null, null, '{}', '{\"title\": \"T\"}', '{}' from range(1, 21) numbers (i)"
            )
            con.execute("update progress set revision = 1, head = 20")
        Log.open(home).close()
        with Log.open(home) as log:
            log.publish()
        with Warehouse.open(home) as warehouse:
            assert warehouse.cards()["first_offset"].to_list() == [3, 1, 2]
        assert wrong(home) == []


@pytest.mark.slow
def test_a_catalog_that_was_away_is_found_again(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 10))
    with catalog(shared) as con:
        con.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    with Warehouse.open(shared) as warehouse:
        assert warehouse.head() == 10
    fill(shared, batch(11, 20))
    assert wrong(shared) == []


@pytest.mark.slow
def test_an_export_moves_a_warehouse_from_file_to_lake_and_back(
    shared: Home, home: Home, child: Child, tmp_path: Path
) -> None:
    finish(child("fill", "5", at=home))
    export(home, tmp_path / "there")
    import_export(shared, tmp_path / "there")
    same(home, shared)
    export(shared, tmp_path / "back")
    again = Home(tmp_path / "again")
    import_export(again, tmp_path / "back")
    same(shared, again)


@pytest.mark.slow
def test_audit_finds_damage_and_restore_derives_state_again(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 20))
    with Log.open(shared) as log:
        with log.transaction() as con:
            con.execute("update cards set title = 'Other' where card_id = 'c1'")
            con.execute("update progress set revision = revision + 1")
        log.publish()
    assert ["cards" in finding for finding in wrong(shared)] == [True]
    assert restore(shared).events == 20
    assert wrong(shared) == []


@pytest.mark.slow
def test_anybodys_sql_is_asked_of_a_copy_that_knows_no_catalog(shared: Home, batch: MakeBatch) -> None:
    with pytest.raises(NothingPublished):
        query(shared, "from events")
    for upto in (10, 20):
        fill(shared, batch(upto - 9, upto))
        told = query(
            shared, "select count(*), max(event_offset), (select max(last_offset) from cards) from events"
        )
        assert told.frame.row(0) == (upto, upto, upto)
    everything = (
        "select concat_ws(' ', (select string_agg(d::varchar, ' ') from duckdb_databases() d),"
        " (select string_agg(s::varchar, ' ') from duckdb_settings() s), (select count(*) from duckdb_secrets()))"
    )
    assert not [
        word
        for word in ("postgres", "host=", shared.lake.data)
        if word in query(shared, everything).frame.item()
    ]
    with pytest.raises(QueryFailed):
        query(shared, "from postgres_query('catalog', 'select 1')")
    with pytest.raises(QueryFailed):
        query(shared, f"from '{shared.lake.data}main/cards/*.parquet'")
    assert len([*(shared.warehouse_dir / "copies").glob("*.duckdb")]) == 2


# ── what is said when it cannot be ────────────────────────────────────────────────────────────────────────────────


def refused(home: Home) -> Iterator[str]:
    """What a writer and a reader are told, on their first line the trouble, then what to do."""
    for door in (Log.open, Warehouse.open):
        with pytest.raises(WarehouseBroken) as told:
            door(home)
        yield str(told.value)


def elsewhere(home: Home, **parts: str) -> Home:
    """The same home with another lake."""
    assert home.lake
    return replace(home, lake=replace(home.lake, **parts))


@pytest.mark.slow
def test_a_password_that_is_wrong_is_said_and_never_shown(postgres: str, tmp_path: Path) -> None:
    address = new_database(postgres)
    with psycopg.connect(address, autocommit=True) as con:
        con.execute("create role careful login password 'right'")
        (file,) = con.execute("show hba_file").fetchone()
        hba = Path(file)
        kept = hba.read_text()
        hba.write_text(f"host all careful 127.0.0.1/32 scram-sha-256\n{kept}")
        con.execute("select pg_reload_conf()")
        try:
            told = f"ducklake:postgres:{address.replace('postgres@', 'careful:hunter2@')}"
            said = daybreak("audit", home=tmp_path / "home", env={"DAYBREAK_WAREHOUSE": told})
        finally:
            hba.write_text(kept)
    assert said.returncode == 1
    assert "password authentication failed" in said.stdout
    assert "are address, user and password in DAYBREAK_WAREHOUSE right?" in said.stdout
    assert "hunter2" not in said.stdout + said.stderr


def test_a_catalog_that_is_not_there_is_named(shared: Home) -> None:
    for catalog_address, reason in (
        (shared.lake.catalog + " port=1", "Connection refused"),
        (shared.lake.catalog + " dbname=nowhere", 'database "nowhere" does not exist'),
    ):
        for told in refused(elsewhere(shared, catalog=catalog_address)):
            assert reason in told
            assert "Is the server up" in told
        checked = check(elsewhere(shared, catalog=catalog_address), datetime.now(UTC))
        assert [reason in finding.text for finding in checked if not finding.ok] == [True]


@pytest.mark.slow
def test_data_that_is_not_mounted_is_named(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 2_000))
    Path(shared.lake.data).rename(shared.root / "moved")
    with pytest.raises(WarehouseBroken, match=r"is not there.\nMount it"):
        Log.open(shared)
    with Warehouse.open(shared) as warehouse, pytest.raises(WarehouseBroken, match="its data to be reached"):
        warehouse.events(Window(0, 10))


@pytest.mark.slow
def test_a_place_for_data_that_is_missing_or_another_is_named(
    postgres: str, shared: Home, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(WarehouseBroken, match="is not where this lake was begun"):
        Log.open(elsewhere(shared, data=f"{other}/"))
    none_yet = Home(
        tmp_path, lake=lake_of({"DAYBREAK_WAREHOUSE": f"ducklake:postgres:{new_database(postgres)}"})
    )
    with pytest.raises(WarehouseBroken, match="Set DAYBREAK_LAKE_DATA"):
        Log.open(none_yet)
    engine.forget(none_yet.lake)


@pytest.mark.slow
def test_a_lake_of_newer_code_is_refused(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 1))
    with Log.open(shared) as log:
        with log.transaction() as con:
            con.execute("insert into schema_migrations values (9999, 'from_the_future')")
            con.execute("update progress set revision = revision + 1")
        log.publish()
    for told in refused(shared):
        assert "newer Daybreak (schema 9999" in told
        assert "Upgrade" in told


def test_a_missing_extension_is_named_with_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(extensions, "find_spec", lambda _: None)
    with duckdb.connect() as con, pytest.raises(WarehouseBroken) as told:
        extensions.load(con, ("postgres_scanner", "ducklake"))
    version = duckdb.__version__
    assert (
        f"pip install duckdb-extension-postgres-scanner=={version} duckdb-extension-ducklake=={version}"
        in str(told.value)
    )


@pytest.mark.parametrize(
    "setting", ["postgres:dbname=x password=hunter2", "ducklake:postgres:", "ducklake:mysql:db=x"]
)
def test_a_setting_that_names_no_lake_is_a_wrong_call(tmp_path: Path, setting: str) -> None:
    with pytest.raises(
        BadAddress, match=r"DAYBREAK_WAREHOUSE does not begin with(.|\n)*write `ducklake:postgres:"
    ) as told:
        lake_of({"DAYBREAK_WAREHOUSE": setting})
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("address", "catalog_address", "password"),
    [
        ("host=db dbname=d user=u password=p", "host=db dbname=d user=u connect_timeout=10", "p"),
        (r"dbname=d password='it\'s a \\ p' host='a b'", "dbname=d host='a b' connect_timeout=10", r"it's a \ p"),
        ("postgresql://u:p%40ss@h:5433/d?sslmode=require", "host=h port=5433 user=u dbname=d sslmode=require connect_timeout=10", "p@ss"),
        ("dbname=d connect_timeout=3", "dbname=d connect_timeout=3", ""),
    ],
)  # fmt: skip
def test_an_address_is_told_apart_from_its_password(
    address: str, catalog_address: str, password: str
) -> None:
    lake = lake_of(
        {"DAYBREAK_WAREHOUSE": f"ducklake:postgres:{address}", "DAYBREAK_LAKE_DATA": "s3://bucket/lake"}
    )
    assert lake == Lake(catalog_address, password, "s3://bucket/lake/")
    assert repr(lake).count("p@ss") == 0


@pytest.mark.slow
def test_the_command_line_asks_the_lake(shared: Home, batch: MakeBatch) -> None:
    fill(shared, batch(1, 10))
    looked_at = {finding.subject: finding for finding in check(shared, datetime.now(UTC))}
    assert all(finding.ok for finding in looked_at.values())
    assert f"in {shared.lake.data}" in looked_at["lake"].text
    said = daybreak("audit", home=shared.root, env=settings_of(shared))
    assert said.returncode == 0, said.stdout
    assert "10 events, offsets 1 to 10" in said.stdout


# ── many at once ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_three_writers_and_four_readers_lose_double_and_see_halves_of_nothing(
    shared: Home, child: Child
) -> None:
    readers = [child("read", "8", "1", at=shared) for _ in range(4)]
    try:
        writers = [child("share", str(who), "9", at=shared) for who in (1, 2, 3)]
        assert [finish(writer) for writer in writers] == ["done\n"] * 3
        assert [finish(reader) for reader in readers] == ["8\n"] * 4
    finally:
        for reader in readers:
            reader.kill()
    with Warehouse.open(shared) as warehouse:
        assert warehouse.head() == 20 * (3 + 3 * 6)
    assert wrong(shared) == []
