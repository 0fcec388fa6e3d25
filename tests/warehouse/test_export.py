"""An export is the whole log, in a folder others can read; an import of it is the same warehouse again."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse import state
from warehouse.audit import audit
from warehouse.export import KEPT, ExportBroken, ExportRefused, export, manifest_of
from warehouse.home import Home
from warehouse.importing import import_export
from warehouse.log import Log
from warehouse.model import ACTIONS, Batch, Cursor, Entity, Event, Snapshot
from warehouse.reading import NothingPublished, Warehouse

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]
Child = Callable[..., subprocess.Popen[str]]
ABOUT_THE_FILE = {"schema_migrations", "progress", "derived", "resaid"}
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def tables(home: Home) -> list[str]:
    with Warehouse.open(home) as warehouse:
        return warehouse.frame("select table_name from duckdb_tables() order by 1")["table_name"].to_list()


def same(one: Home, two: Home) -> None:
    """Every table holds the same, and the books of both are in order."""
    with Warehouse.open(one) as left, Warehouse.open(two) as right:
        for table in tables(one):
            assert left.frame(f"from {table} order by all").equals(
                right.frame(f"from {table} order by all")
            ), table
    assert [finding for home in (one, two) for finding in audit(home) if not finding.ok] == []


def fill(home: Home, *batches: Batch) -> None:
    with Log.open(home) as log:
        for batch in batches:
            log.append(batch)
        log.publish()


@pytest.fixture
def months(event: MakeEvent) -> Batch:
    """Events of three months, out of order."""
    days = (40, 1, 75, 2, 41, 3)
    return Batch(
        tuple(
            event(number, occurred_at=START + timedelta(days=day), card_id=f"c{number}")
            for number, day in enumerate(days)
        ),
        Snapshot("flux", "b1", START, (Entity("card", "c9", {"title": "Seen"}),)),
        Cursor("flux", "b1", "6"),
    )


words = st.text(max_size=8) | st.sampled_from(["", "Größe 💡", "'", '"\\', "\x00", "\ud83d"])
instants = st.datetimes(datetime(2025, 11, 1), datetime(2026, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
fields = st.dictionaries(
    st.sampled_from(["title", "description", "due_at", "archived"]), words | st.none(), max_size=3
)
events = st.builds(
    Event,
    source=st.sampled_from(["flux", "trello"]),
    event_id=st.integers(0, 60).map(str),
    board_id=st.sampled_from(["b1", "b2"]),
    action=st.sampled_from(sorted(ACTIONS)),
    entity_type=st.sampled_from(["board", "column", "card", "member", "comment", "checklist_item"]),
    entity_id=st.none() | st.sampled_from(["x1", "x2"]),
    occurred_at=instants,
    observed_at=instants,
    card_id=st.none() | st.sampled_from(["x1", "x2"]),
    actor_id=st.none() | st.sampled_from(["m1", "m2"]),
    column_from=st.none(),
    column_to=st.none() | st.sampled_from(["k1", "k2"]),
    before=fields,
    after=fields,
    payload=fields,
    inferred=st.booleans(),
)
entities = st.builds(
    Entity, st.sampled_from(["card", "column", "member"]), st.sampled_from(["x1", "m1", "k1"]), fields
)
snapshots = st.builds(
    Snapshot,
    st.sampled_from(["flux", "trello"]), st.sampled_from(["b1", "b2"]), instants, st.lists(entities, max_size=3).map(tuple),
)  # fmt: skip
cursors = st.builds(
    Cursor, st.sampled_from(["flux", "trello"]), st.sampled_from(["b1", "b2"]), words.filter(str.isascii)
)
batches = st.builds(
    Batch, st.lists(events, max_size=12).map(tuple), st.none() | snapshots, st.none() | cursors
)


def there_and_back(folder: Path, first: list[Batch], later: list[Batch]) -> None:
    """Two exports into one folder, the second of what came later; an import of it; the same."""
    shutil.rmtree(folder, ignore_errors=True)
    home, copy = Home(folder / "home"), Home(folder / "copy")
    for part in (first, later):
        fill(home, *part)
        export(home, folder / "export")
    import_export(copy, folder / "export", at_once=5)  # so that a small log takes several stretches
    same(home, copy)


def generated(examples: int):
    """A test that is given batches to fill a log with, and some more."""

    def wrap(test):
        some = given(first=st.lists(batches, min_size=1, max_size=3), later=st.lists(batches, max_size=2))(
            test
        )
        fixtures = [HealthCheck.function_scoped_fixture]  # the folder is emptied first
        return settings(max_examples=examples, deadline=None, suppress_health_check=fixtures)(some)

    return wrap


def test_what_the_log_holds_comes_back_the_same(tmp_path: Path, months: Batch, event: MakeEvent) -> None:
    odd = event(
        90,
        after={"title": "Größe 💡 ' \\ \x00"},
        payload={"cut": "\ud83d", "deep": [{"a": None}]},
        inferred=True,
    )
    there_and_back(tmp_path, [months, Batch((odd,))], [Batch((event(91, source="trello", board_id="b2"),))])


@pytest.mark.slow
@pytest.mark.timeout(900)
@generated(examples=100)
def test_whatever_the_log_holds_comes_back_the_same(tmp_path: Path, first, later) -> None:
    there_and_back(tmp_path, first, later)


def test_every_table_is_exported_or_derived_or_about_the_file(home: Home, months: Batch) -> None:
    fill(home, months)
    assert set(tables(home)) == {"events", *KEPT, *state.TABLES, *ABOUT_THE_FILE}


def test_any_tool_reads_the_log_by_month(home: Home, months: Batch, tmp_path: Path) -> None:
    fill(home, months)
    export(home, tmp_path / "export")
    told = duckdb.execute(
        "select year_month, list(event_offset order by event_offset) from read_parquet($files, hive_partitioning = true)"
        " group by all order by all",
        {"files": str(tmp_path / "export/events/*/*.parquet")},
    ).fetchall()
    assert told == [("2026-03", [2, 4, 6]), ("2026-04", [1, 5]), ("2026-05", [3])]


def test_the_next_export_writes_only_the_months_with_news(
    home: Home, months: Batch, event: MakeEvent, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    fill(home, months)
    export(home, folder)
    before = {part.path: part for part in manifest_of(folder).of("events")}
    fill(home, Batch((event(20, occurred_at=START), event(21, occurred_at=START + timedelta(days=120)))))
    told = export(home, folder)
    after = {part.path: part for part in manifest_of(folder).of("events")}
    assert (told.events, told.new, told.months) == (8, 2, 2)
    assert sorted(set(before) - set(after)) == ["events/year_month=2026-03/000000000002-000000000006.parquet"]
    assert len(after) == len(list((folder / "events").rglob("*.parquet"))) == 4
    again = export(home, folder)
    assert (again.new, again.months, again.version) == (0, 0, told.version)
    import_export(Home(tmp_path / "copy"), folder)
    same(home, Home(tmp_path / "copy"))


def test_files_that_went_missing_from_an_export_are_written_again(
    home: Home, months: Batch, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    fill(home, months)
    export(home, folder)
    (folder / manifest_of(folder).of("events")[0].path).unlink()
    fill(home, Batch((), cursor=Cursor("flux", "b1", "7")))
    assert export(home, folder).months == 3
    import_export(Home(tmp_path / "copy"), folder)


def test_an_empty_log_is_an_export_too(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NothingPublished):
        export(home, tmp_path / "export")
    assert not (tmp_path / "export").exists()
    fill(home)
    export(home, tmp_path / "export")
    assert import_export(Home(tmp_path / "copy"), tmp_path / "export").events == 0


def test_an_export_that_was_never_finished_is_told_apart_and_finished_by_the_next(
    home: Home, months: Batch, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "export", Home(tmp_path / "copy")
    fill(home, months)
    export(home, folder)
    (folder / "unfinished").touch()
    (folder / "manifest.json").unlink()  # as it is before the last step
    with pytest.raises(ExportBroken, match=r"was never finished(.|\n)*daybreak export parquet"):
        import_export(copy, folder)
    export(home, folder)
    import_export(copy, folder)
    same(home, copy)


def test_a_folder_with_other_things_in_it_is_left_alone(home: Home, months: Batch, tmp_path: Path) -> None:
    fill(home, months)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "events.parquet").write_text("mine")
    with pytest.raises(ExportRefused, match=r"photos holds something else(.|\n)*new folder"):
        export(home, tmp_path / "photos")
    with pytest.raises(ExportRefused, match="cannot write in"):
        export(home, tmp_path / "photos" / "events.parquet")
    with pytest.raises(ExportBroken, match="holds no Daybreak export"):
        import_export(Home(tmp_path / "copy"), tmp_path / "photos")
    assert [file.name for file in (tmp_path / "photos").iterdir()] == ["events.parquet"]


def test_the_export_of_another_log_is_not_written_over(home: Home, batch: MakeBatch, tmp_path: Path) -> None:
    other, folder = Home(tmp_path / "other"), tmp_path / "export"
    fill(home, batch(1, 20))
    fill(other, batch(1, 18), batch(20, 20), batch(19, 19))
    export(home, folder)
    with pytest.raises(ExportRefused, match="another log"):
        export(other, folder)
    assert import_export(Home(tmp_path / "copy"), folder).events == 20


def test_only_an_empty_home_takes_an_import(home: Home, months: Batch, tmp_path: Path) -> None:
    folder, copy = tmp_path / "export", Home(tmp_path / "copy")
    fill(home, months)
    export(home, folder)
    with pytest.raises(ExportRefused, match=r"already holds a warehouse(.|\n)*--home"):
        import_export(home, folder)
    with Log.open(copy) as log:
        log.append(Batch((), cursor=Cursor("flux", "b1", "1")))
    with pytest.raises(ExportRefused, match="already holds a warehouse"):
        import_export(copy, folder)
    Log.open(Home(tmp_path / "opened")).close()
    import_export(Home(tmp_path / "opened"), folder)


def damage(folder: Path, how: str) -> None:
    part = folder / manifest_of(folder).of("events")[1].path
    content = bytearray(part.read_bytes())
    match how:
        case "missing":
            part.unlink()
        case "cut":
            part.write_bytes(content[:-40])
        case "flipped":
            content[len(content) // 2] ^= 1
            part.write_bytes(content)
        case "forged":  # every file is as told, but together they are no log
            told = json.loads((folder / "manifest.json").read_text())
            told["parts"] = [each for each in told["parts"] if "2026-04" not in each["path"]]
            (folder / "manifest.json").write_text(json.dumps(told))


@pytest.mark.parametrize("how", ["missing", "cut", "flipped", "forged"])
def test_a_damaged_export_is_refused_and_the_home_stays_empty(
    home: Home, months: Batch, tmp_path: Path, how: str
) -> None:
    folder, copy = tmp_path / "export", Home(tmp_path / "copy")
    fill(home, months)
    export(home, folder)
    shutil.copytree(folder, tmp_path / "sound")
    damage(folder, how)
    with pytest.raises(ExportBroken, match=r"(.|\n)*nothing was imported"):
        import_export(copy, folder)
    import_export(copy, tmp_path / "sound")
    same(home, copy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format_version": 99}, "newer Daybreak .format 99"),
        ({"schema": 9999}, "newer Daybreak .schema 9999"),
        ({"format": "something"}, "not the manifest of a Daybreak export"),
        ({"parts": [{"path": "/etc/passwd"}]}, "cannot be read"),
        ({"parts": [{"table": "events", "path": "../x", "rows": 1, "size": 1, "sha256": ""}]}, "not in the export's folder"),
        ({"last_offset": None}, "cannot be read"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_followed_is_refused(
    home: Home, months: Batch, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    folder = tmp_path / "export"
    fill(home, months)
    export(home, folder)
    told = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(told | change))
    with pytest.raises((ExportBroken, ExportRefused), match=says):
        import_export(Home(tmp_path / "copy"), folder)


def test_a_full_disk_costs_the_export_under_way_and_nothing_else(
    home: Home, months: Batch, event: MakeEvent, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "export", Home(tmp_path / "copy")
    fill(home, months)
    export(home, folder)
    noise = random.Random(1).randbytes
    fill(home, Batch(tuple(event(n, payload={"x": noise(20_000).hex()}) for n in range(100, 150))))
    with limited(400_000), pytest.raises(ExportBroken, match=r"could not be finished(.|\n)*room on the disk"):
        export(home, folder)
    assert import_export(Home(tmp_path / "before"), folder).events == 6
    export(home, folder)
    with limited(400_000), pytest.raises(ExportBroken, match=r"Nothing of it is kept(.|\n)*disk full"):
        import_export(copy, folder)
    import_export(copy, folder)
    same(home, copy)


@contextlib.contextmanager
def limited(most: int):
    """No file may grow beyond `most` bytes, as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def killed_soon(process: subprocess.Popen[str], dice: random.Random) -> None:
    process.stdout.readline()  # it is at work
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(dice.random() * 0.15)
    process.kill()
    process.communicate()


def export_killed(home: Home, batch: MakeBatch, child: Child, folder: Path, times: int) -> None:
    """Fill a home and export it, again and again, killed each time; each export is whole or known not to be."""
    dice = random.Random(5)
    for number in range(times):
        fill(home, batch(1 + 100 * number, 100 + 100 * number))
        killed_soon(child("export", str(folder / "export")), dice)
        with contextlib.suppress(ExportBroken):  # it was never finished
            assert import_export(Home(folder / f"copy{number}"), folder / "export").events % 100 == 0
    assert export(home, folder / "export").events == 100 * times
    import_export(Home(folder / "copy"), folder / "export")
    same(home, Home(folder / "copy"))


def import_killed(home: Home, batch: MakeBatch, child: Child, folder: Path, times: int) -> None:
    """Import into an empty home, killed each time; afterwards it holds all or nothing."""
    dice = random.Random(6)
    fill(home, batch(1, 2_000))
    export(home, folder / "export")
    for number in range(times):
        copy = Home(folder / f"copy{number}")
        killed_soon(child("import", str(folder / "export"), at=copy), dice)
        with Log.open(copy) as log:
            kept = log.append(Batch()).upto
            assert kept in (0, 2_000)
            log.publish()
        if not kept:
            import_export(copy, folder / "export")
    same(home, copy)


def test_killed_at_any_moment_an_export_is_whole_or_known_not_to_be(
    home: Home, batch: MakeBatch, child: Child, tmp_path: Path
) -> None:
    export_killed(home, batch, child, tmp_path, 1)


def test_killed_at_any_moment_an_import_leaves_all_or_nothing(
    home: Home, batch: MakeBatch, child: Child, tmp_path: Path
) -> None:
    import_killed(home, batch, child, tmp_path, 1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_thirty_moments_exports_and_imports_are_whole(
    home: Home, batch: MakeBatch, child: Child, tmp_path: Path
) -> None:
    export_killed(home, batch, child, tmp_path / "one", 15)
    import_killed(Home(tmp_path / "other"), batch, child, tmp_path / "two", 15)


def test_a_folder_whose_name_looks_like_a_pattern_is_read_and_no_other(
    home: Home, batch: MakeBatch, tmp_path: Path
) -> None:
    other, copy = Home(tmp_path / "other"), Home(tmp_path / "copy")
    fill(home, batch(1, 20))
    fill(other, batch(1, 18), batch(20, 20), batch(19, 19))
    export(home, tmp_path / "log [a]")
    export(other, tmp_path / "log a")  # what the name above would match
    import_export(copy, tmp_path / "log [a]")
    same(home, copy)
