"""The two that live_speed.py watches, each in a process of its own: `python live_watch.py WHAT HOME FILE …`.

`follow HOME FILE URL KEY` follows a board as `daybreak ingest flux --follow` does and notes when an append was done that
held an entry; `publishes HOME FILE` notes when a version was there to read, and how far it went. Both note the system's
monotonic clock, which is one for all processes, and write a JSON line a note until SIGTERM.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).parents[2]))

from ingest.sources.flux import Flux
from ingest.sync import follow
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Appended, Batch
from warehouse.publish import current
from warehouse.reading import Warehouse


def follow_noting(home: Home, notes: TextIO, stop: threading.Event, url: str, key: str) -> None:
    """Follow, with a log that notes what it has committed: which thing, its version, the offset, when."""
    append = Log.append

    def noting(log: Log, batch: Batch) -> Appended:
        appended = append(log, batch)
        at = time.monotonic()
        for place, event in enumerate(batch.events):
            after = event.payload.get("after") or {}
            offset = appended.upto - len(batch.events) + 1 + place
            notes.write(json.dumps([event.entity_id, after.get("version"), offset, at]) + "\n")
        return appended

    Log.append = noting  # type: ignore[method-assign]
    with Flux(url, key) as source:
        follow(home, [source], clock=lambda: datetime.now(UTC), stop=stop, say=lambda _: None)


def note_publishes(home: Home, notes: TextIO, stop: threading.Event) -> None:
    """Look at what is published every two milliseconds; note each version, as a reader gets it."""
    seen = ""
    while not stop.wait(0.002):
        now = current(home)
        if now is None or now.version == seen:
            continue
        with Warehouse.open(home) as warehouse:
            head, seen = warehouse.head(), warehouse.version
        notes.write(json.dumps([seen, head, time.monotonic()]) + "\n")


def main(what: str, folder: str, file: str, *access: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Path(file).open("w", buffering=1) as notes:
        if what == "follow":
            follow_noting(Home(Path(folder)), notes, stop, *access)
        else:
            note_publishes(Home(Path(folder)), notes, stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
