"""Telling again, in pieces or after being killed, comes to the same tables."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.exports import ANA, DONE, TODO, action, card, column, export

from ingest.sources.trello import batch
from ingest.sync import import_file
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import Warehouse

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
TABLES = "events boards columns cards members board_members comments checklist_items source_cursors".split()
CREATION = action("createCard", 1, card=card(), list=column())
MOVE = action(
    "updateCard", 2, card=card(idList=DONE), old={"idList": TODO}, listBefore=column(), listAfter=column(DONE)
)
LIFE = [
    CREATION,
    MOVE,
    action("updateCard", 3, card=card(name="Roses"), old={"name": "Tulips"}),
    action("commentCard", 4, card=card(), text="Wet"),
    action("addMemberToCard", 5, card=card(), idMember=ANA),
    action(
        "updateCheckItemStateOnCard",
        6,
        card=card(),
        checkItem={"id": "i", "name": "Dig", "state": "complete"},
    ),
    action("updateCard", 7, card=card(closed=True), old={"closed": False}),
]


def tables(home: Home) -> dict[str, str]:
    """Every published table as text, rows in a fixed order."""
    with Warehouse.open(home) as warehouse:
        return {
            name: warehouse.frame(f"from {name} order by all").write_csv()
            if name != "cards" and name != "events"
            else str(warehouse.frame(f"from {name} order by all").rows())
            for name in TABLES
        }


def told_in(home: Home, batches: list[Batch]) -> dict[str, str]:
    home.root.mkdir()
    with Log.open(home) as log:
        for each in batches:
            log.append(each)
        log.publish()
    return tables(home)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, len(LIFE)), st.integers(0, len(LIFE)), st.booleans())
def test_a_batch_split_anywhere_and_told_again_gives_the_same_tables(one, other, snapshot_first):
    whole = batch(export(LIFE), NOW)
    start, end = sorted((one, other))
    shown, bare = Batch(snapshot=whole.snapshot), replace(whole, snapshot=None)
    pieces = [replace(bare, events=whole.events[:end]), replace(bare, events=whole.events[start:])]
    pieces.insert(0 if snapshot_first else 2, shown)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = told_in(Home(Path(folder) / "whole"), [whole])
        assert told_in(Home(Path(folder) / "pieces"), [*pieces, *pieces]) == undisturbed


INGEST = """
import sys
from datetime import datetime
from pathlib import Path
from ingest.sync import import_file
from warehouse.home import Home
print("ready", flush=True)
for path in sys.argv[3:]:
    import_file(Home(Path(sys.argv[1])), Path(path), datetime.fromisoformat(sys.argv[2]))
"""


def ingest(home: Home, paths: list[Path]) -> subprocess.Popen[str]:
    """A process of its own that ingests these files; it has said that it is about to."""
    call = [sys.executable, "-c", INGEST, str(home.root), NOW.isoformat(), *map(str, paths)]
    child = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def killed_and_rerun(tmp_path: Path, paths: list[Path], times: int) -> None:
    whole = Home(tmp_path / "whole")
    whole.root.mkdir()
    with ingest(whole, paths) as child:
        started = time.monotonic()
        assert child.wait() == 0
    span, undisturbed = time.monotonic() - started, tables(whole)
    moments = random.Random(7)
    for number in range(times):
        home = Home(tmp_path / f"killed{number}")
        home.root.mkdir()
        with ingest(home, paths) as child:
            try:
                child.wait(moments.uniform(0, span))
            except subprocess.TimeoutExpired:
                child.kill()
        for path in paths:
            import_file(home, path, NOW)
        assert tables(home) == undisturbed, f"kill {number}"


def test_killed_at_any_moment_and_rerun_it_has_the_same_tables(real_boards, tmp_path):
    killed_and_rerun(
        tmp_path,
        [real_boards / "trello-foodgrindr-export1.json", real_boards / "trello-foodgrindr-export2.json"],
        5,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_fifty_moments_and_rerun_it_has_the_same_tables(real_boards, tmp_path):
    killed_and_rerun(tmp_path, sorted(real_boards.glob("trello-*.json")), 50)


def test_a_killed_ingest_of_our_own_export_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "board.json"
    path.write_text(json.dumps(export(LIFE)))
    killed_and_rerun(tmp_path, [path], 2)
