"""What can go wrong around the files: each time a clear word, and nothing lost that was acknowledged.

The table in the README names these tests; the last ones here hold the table to them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from running import daybreak
from warehouse.audit import audit, check
from warehouse.export import export
from warehouse.home import Home
from warehouse.importing import import_export
from warehouse.log import Log, Sizes, WarehouseBroken
from warehouse.model import Batch, Cursor, Event
from warehouse.publish import current
from warehouse.reading import NothingPublished, Warehouse
from warehouse.restore import restore
from warehouse.sandbox import query

MakeEvent = Callable[..., Event]
MakeBatch = Callable[[int, int], Batch]
Child = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAMAGES = [
    "deleted",
    "empty",
    "cut in half",
    "its header",
    "a block in the middle",
    "several blocks",
]


def live(home: Home) -> Path:
    return home.warehouse_dir / "live.duckdb"


def fill(home: Home, *batches: Batch) -> None:
    with Log.open(home) as log:
        for batch in batches:
            log.append(batch)
        log.publish()


def well(home: Home) -> bool:
    return all(finding.ok for finding in audit(home))


def wrong(home: Home) -> list[str]:
    return [f"{finding.text} {finding.next_step}" for finding in audit(home) if not finding.ok]


def kept(home: Home) -> list[str]:
    with Warehouse.open(home) as warehouse:
        return warehouse.frame("select event_id from events order by event_offset")["event_id"].to_list()


def read_all(home: Home) -> None:
    with Warehouse.open(home) as warehouse:
        for table in ("events", "cards", "members", "source_cursors"):
            warehouse.frame(f"from {table}")


def damage(path: Path, how: str) -> None:
    """Do to a file what a failing disk does."""
    content = bytearray(path.read_bytes())
    size = len(content)
    places = {
        "its first block": [40],
        "its header": [4_200, 8_300],
        "a block in the middle": [size // 2],
        "several blocks": [size * part // 16 for part in range(2, 16)],  # some hit blocks that nobody uses
    }
    for place in places.get(how, []):
        content[place : place + 64] = bytes(byte ^ 0xFF for byte in content[place : place + 64])
    path.chmod(0o644)
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(content[: size // 2] if how == "cut in half" else content)


@pytest.fixture(scope="module")
def well_filled(tmp_path_factory) -> Path:
    """A home with enough in it that damage hits something; made once."""
    home = Home(tmp_path_factory.mktemp("well") / "home")
    told = tuple(
        Event(
            "flux",
            f"e{n}",
            "b1",
            "card.created",
            "card",
            f"c{n}",
            START + timedelta(minutes=n),
            START,
            card_id=f"c{n}",
            after={"title": f"Card {n}"},
            payload={"x": os.urandom(400).hex()},
        )
        for n in range(1, 2_001)
    )
    fill(home, Batch(told, cursor=Cursor("flux", "b1", "2000")))
    return home.root


@pytest.fixture
def filled(well_filled: Path, home: Home) -> Home:
    """One of its own for each test."""
    shutil.copytree(well_filled, home.root, dirs_exist_ok=True, symlinks=True)
    return home


# ── the files ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_live_file_is_told_and_comes_back_from_what_is_published(
    filled: Home, event: MakeEvent, how: str
) -> None:
    before = kept(filled)
    damage(live(filled), how)
    with contextlib.suppress(WarehouseBroken), Log.open(filled) as log:
        log.append(Batch((event(2_001),), cursor=Cursor("flux", "b1", "2001")))
        log.publish()
    assert "daybreak restore" in wrong(filled)[0]
    assert kept(filled) == before, "readers are not disturbed"
    done = restore(filled)
    assert (done.what, done.events) == ("live", 2_000)
    assert (done.aside is None) == (how == "deleted")
    with Log.open(filled) as log:
        assert log.cursor("flux", "b1") == "2000", "what came later is read again"
        log.append(Batch((event(2_001),)))
        log.publish()
    assert well(filled)
    assert kept(filled) == [*before, "e2001"]


@pytest.mark.parametrize("how", ["deleted", "empty", "its first block"])
def test_a_live_file_that_cannot_be_opened_is_not_begun_anew(filled: Home, how: str) -> None:
    damage(live(filled), how)
    with pytest.raises(WarehouseBroken, match=r"live\.duckdb (.|\n)*daybreak restore"):
        Log.open(filled)


def test_damage_met_while_writing_is_not_taken_for_a_full_disk(filled: Home, event: MakeEvent) -> None:
    damage(live(filled), "several blocks")
    with pytest.raises(WarehouseBroken, match=r"(.|\n)*daybreak restore"):
        fill(filled, Batch((event(2_001),)))


@pytest.mark.parametrize("how", ["deleted", "cut in half", "several blocks"])
def test_a_damaged_published_file_is_told_and_published_again(filled: Home, how: str) -> None:
    before, version = kept(filled), current(filled).version
    damage(current(filled).path, how)
    with pytest.raises(WarehouseBroken, match=r"(.|\n)*daybreak restore"):
        read_all(filled)
    assert "daybreak restore" in wrong(filled)[0]
    assert restore(filled).what == "published"
    assert (well(filled), kept(filled), current(filled).version != version) == (True, before, True)


def test_state_that_does_not_follow_from_the_log_is_derived_again(filled: Home) -> None:
    with Log.open(filled) as log:
        log.connection.execute("update cards set title = 'Other' where card_id = 'c7'; delete from boards")
    assert len(wrong(filled)) == 3
    assert restore(filled).what == "state"
    assert well(filled)


def test_state_that_was_published_wrong_is_derived_and_published_again(filled: Home) -> None:
    with Log.open(filled) as log:
        log.connection.execute("insert into cards (card_id, source) values ('ghost', 'flux')")
        log.connection.execute("update progress set revision = revision + 1")
        log.publish()
    assert "2001 rows, 1 differ" in wrong(filled)[0]
    assert restore(filled).what == "state"
    assert well(filled)


@pytest.mark.parametrize("content", ["", "{", '{"version": "1"}', "\x00" * 100])
def test_a_pointer_nobody_can_read_is_told_and_written_again(filled: Home, content: str) -> None:
    before = kept(filled)
    (filled.warehouse_dir / "CURRENT").write_text(content)
    with pytest.raises(NothingPublished, match=r"CURRENT cannot be read(.|\n)*daybreak restore"):
        Warehouse.open(filled)
    assert restore(filled).what == "published"
    assert (well(filled), kept(filled)) == (True, before)


def test_with_live_and_newest_version_damaged_an_older_version_is_the_start(
    filled: Home, event: MakeEvent
) -> None:
    before = kept(filled)
    fill(filled, Batch((event(2_001),)))
    damage(live(filled), "several blocks")
    damage(current(filled).path, "several blocks")
    damage(filled.warehouse_dir / "open" / current(filled).path.name, "empty")
    assert restore(filled).events == 2_000
    assert (well(filled), kept(filled)) == (True, before)


@pytest.fixture
def leaning(filled: Home, tmp_path: Path, event: MakeEvent) -> Home:
    """A large home as a killed writer leaves it: what is new is published beside the whole version it leans on."""
    with Log.open(filled, sizes=Sizes(whole=0)) as log:
        log.append(Batch((event(2_001), event(3, "card.updated", card_id="c3", after={"title": "New"}))))
        log.publish()
        shutil.copytree(filled.root, tmp_path / "killed", symlinks=True)
    killed = Home(tmp_path / "killed")
    assert current(killed).base is not None
    return killed


@pytest.mark.parametrize("how", ["deleted", "several blocks"])
def test_a_damaged_live_file_comes_back_from_a_whole_version_and_what_is_new_since(
    leaning: Home, how: str
) -> None:
    before = kept(leaning)
    damage(live(leaning), how)
    done = restore(leaning)
    assert (done.what, done.events, kept(leaning)) == ("live", 2_001, before)
    assert well(leaning)


@pytest.mark.parametrize("how", ["deleted", "several blocks"])
def test_a_damaged_base_is_told_and_published_again(leaning: Home, how: str) -> None:
    before = kept(leaning)
    damage(current(leaning).base, how)
    with pytest.raises(WarehouseBroken, match=r"(.|\n)*daybreak restore"):
        read_all(leaning)
    assert "daybreak restore" in wrong(leaning)[0]
    assert restore(leaning).what == "published"
    assert (well(leaning), kept(leaning), current(leaning).base) == (True, before, None)


def test_with_nothing_left_the_way_to_an_export_is_named(filled: Home, tmp_path: Path) -> None:
    export(filled, tmp_path / "export")
    before = kept(filled)
    for file in filled.warehouse_dir.rglob("*.duckdb"):
        damage(file, "its first block")
    with pytest.raises(WarehouseBroken, match=r"nothing in .* to restore from(.|\n)*daybreak import"):
        restore(filled)
    filled.warehouse_dir.rename(tmp_path / "away")
    import_export(filled, tmp_path / "export")
    assert (well(filled), kept(filled)) == (True, before)


def test_a_home_without_a_warehouse_has_nothing_to_restore(home: Home) -> None:
    with pytest.raises(WarehouseBroken, match="nothing in"):
        restore(home)


# ── the disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here; test_log.py fills one by a limit on file sizes")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_what_was_acknowledged_stays_and_more_room_is_all_it_takes(
    small_disk: Path, event: MakeEvent
) -> None:
    home, acknowledged, refused = Home(small_disk / "home"), 0, ""
    with Log.open(home) as log:
        log.publish()
        for number in range(0, 4_000, 100):
            told = (event(n, payload={"x": os.urandom(2_000).hex()}) for n in range(number, number + 100))
            try:
                log.append(Batch(tuple(told)))
                acknowledged = number + 100
                log.publish()
            except WarehouseBroken as error:
                refused = str(error)
                break
    assert "is the disk full?" in refused
    assert len(kept(home)) <= acknowledged, "readers have the version before"
    subprocess.run(["mount", "-o", "remount,size=96m", str(small_disk)], check=True)
    with Log.open(home) as log:
        log.append(Batch((event(10_000),)))
        log.publish()
    assert kept(home) == [*(f"e{n}" for n in range(acknowledged)), "e10000"]
    assert well(home)


def as_anybody() -> list[str]:
    """What makes a command obey permissions, though the super-user runs it."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("the super-user may write everywhere")
    return [
        "setpriv",
        "--bounding-set",
        "-dac_override,-dac_read_search",
        "--inh-caps",
        "-dac_override,-dac_read_search",
    ]


def said(home: Home, *command: str) -> tuple[int, str]:
    """The exit status and what a command says that may not write everywhere."""
    done = subprocess.run(
        [*as_anybody(), sys.executable, "-m", "cli", "--home", str(home.root), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_folder_that_may_not_be_written_is_named(filled: Home, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text("")
    filled.warehouse_dir.chmod(0o555)
    try:
        code, words = said(filled, "restore")
    finally:
        filled.warehouse_dir.chmod(0o755)
    assert (code, "cannot write in" in words, "--home" in words) == (1, True, True), words
    assert "Traceback" not in words
    assert well(filled)


def test_a_live_file_that_may_not_be_written_is_named(filled: Home, tmp_path: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\nfrom warehouse.home import Home\nfrom warehouse.log import Log\nLog.open(Home(Path({str(filled.root)!r})))"
    live(filled).chmod(0o444)
    try:
        done = subprocess.run(
            [*as_anybody(), sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
    finally:
        live(filled).chmod(0o644)
    assert f"WarehouseBroken: cannot write in {live(filled)}" in done.stderr
    assert well(filled)


@pytest.mark.parametrize("name", ['it\'s "Größe" 日本 💡', "a [b] *c"])
def test_a_home_may_be_called_anything(tmp_path: Path, batch: MakeBatch, name: str) -> None:
    home, copy = Home(tmp_path / name / "home"), Home(tmp_path / name / "copy")
    fill(home, batch(1, 20))
    assert query(home, "select count(*) from events").frame.item() == 20
    export(home, tmp_path / name / "export")
    import_export(copy, tmp_path / name / "export")
    damage(live(copy), "empty")
    restore(copy)
    assert (well(copy), kept(copy)) == (True, kept(home))
    assert copy.warehouse_link.exists()


def test_a_home_that_duckdb_cannot_open_is_named(tmp_path: Path) -> None:
    told = daybreak("audit", home=tmp_path / "what?")
    assert (told.returncode, "`?` in its name" in told.stderr) == (2, True), told.stderr


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_set_back_leaves_order_and_books_alone(home: Home, event: MakeEvent) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    at = [noon, noon - timedelta(days=400), noon + timedelta(days=9_000)]
    fill(
        home,
        *(
            Batch(
                (
                    Event(
                        "flux",
                        f"e{n}",
                        "b1",
                        "card.updated",
                        "card",
                        "c1",
                        occurred,
                        seen,
                        after={"title": f"t{n}"},
                    ),
                )
            )
            for n, (seen, occurred) in enumerate(zip(at, [noon, at[2], at[1]], strict=True))
        ),
    )
    assert kept(home) == ["e0", "e1", "e2"]
    assert well(home)
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["title"].to_list() == ["t1"], "the source's clock decides"


def test_doctor_says_when_the_clock_was_set_back(home: Home, batch: MakeBatch) -> None:
    fill(home, batch(1, 3))
    finding = check(home, current(home).published_at - timedelta(hours=2))[-1]
    assert finding.ok, "nothing is broken by it"
    assert "clock" in finding.next_step


# ── the table in the README ───────────────────────────────────────────────────────────────────────────────────────


def told_faults() -> list[str]:
    section = (ROOT / "README.md").read_text().split("## When something goes wrong")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def test_each_fault_in_the_readme_names_tests_that_exist() -> None:
    tests = {
        f"{path.relative_to(ROOT / 'tests')}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for line in told_faults():
        named = re.findall(r"`([\w/]+\.py::test_\w+)`", line)
        assert named, f"no test: {line}"
        assert [test for test in named if test not in tests] == []


def test_every_test_of_this_file_is_in_the_readme() -> None:
    readme = "\n".join(told_faults())
    names = re.findall(r"^def (test_\w+)", Path(__file__).read_text(), re.MULTILINE)[:-2]
    assert [name for name in names if f"warehouse/test_faults.py::{name}`" not in readme] == []
