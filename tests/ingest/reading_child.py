"""A process that reads a Flux for tests, to be killed: `reading_child.py HOME URL KEY pull|follow`; says `go` when it begins."""

# ruff: noqa: T201  # it talks to the test by printing

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest.follow import follow
from ingest.listening import Pace
from ingest.sources.flux import Flux
from ingest.sync import pull
from warehouse.home import Home

PACE = Pace(publish=0.05, relist=0.3, check=1.0, reconcile=0.5, first_reconcile=0.2)


def clock() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    home, url, key, how = Home(Path(sys.argv[1])), *sys.argv[2:]
    duckdb.connect().execute(
        "select $one", {"one": 1}
    ).fetchall()  # what it imports takes longer than many a kill
    with Flux(url, key) as source:
        print("go", flush=True)
        if how == "pull":
            pull(home, source, clock=clock)
        else:
            follow(home, [source], clock=clock, stop=threading.Event(), say=print, pace=PACE)
