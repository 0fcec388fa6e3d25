"""What a lake costs beside a file, and what it bears at once: one JSON line a figure.

Run: `uv run python tests/benchmarks/lake_speed.py [EVENTS] [SECONDS]` (100,000 events; three writers and four readers for 20 s).
A PostgreSQL of its own that syncs each commit, data in a local folder: what object storage adds comes on top.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from log_speed import event

from lakes import lake_home, new_database, settings_of
from postgres import serving
from running import free_port
from warehouse.audit import audit
from warehouse.home import Home
from warehouse.lake.address import lake_of
from warehouse.lake.tidy import tidy
from warehouse.log import Log
from warehouse.model import Batch, Window
from warehouse.reading import Warehouse

TURNS = 40
WRITERS, READERS = 3, 4


def main(events: int = 100_000, seconds: float = 20) -> None:
    with (
        tempfile.TemporaryDirectory() as root,
        serving(Path(tempfile.mkdtemp(prefix="daybreak-postgres-")), free_port(), settings="") as server,
        lake_home(Path(root) / "lake", new_database(server)) as lake,
    ):
        file = Home(Path(root) / "file")
        homes = {"file": file, "lake": lake}
        for name, home in homes.items():
            fill(name, home, events)
        with Log.open(file) as on_file, Log.open(lake) as on_lake:
            logs = {"file": on_file, "lake": on_lake}
            for figure, many in (("append 1", 1), ("append 100", 100)):
                compare(figure, {name: appending(log, events, many) for name, log in logs.items()})
            compare("append 100 and publish", {name: publishing(log, events) for name, log in logs.items()})
        compare(
            "open, newest 200 events and all cards", {name: reading(home) for name, home in homes.items()}
        )
        at_once(lake, seconds)


def fill(name: str, home: Home, events: int) -> None:
    """A bulk load in batches of 5,000, published; of a lake also how long it then takes to tidy."""
    made = [event(number, events // 10) for number in range(events)]
    with Log.open(home) as log:
        began, spent = time.perf_counter(), time.process_time()
        for first in range(0, events, 5_000):
            log.append(Batch(tuple(made[first : first + 5_000])))
        log.publish()
        span = time.perf_counter() - began
        tell(
            f"bulk on a {name}",
            round(events / span),
            "events/s",
            processor_s=round(time.process_time() - spent, 1),
        )
        if home.lake:
            began = time.perf_counter()
            tidy(log.connection)
            tell("tidying that", round(time.perf_counter() - began, 2), "s")


_FRESH = count(10**7)


def appending(log: Log, events: int, many: int) -> Callable[[], object]:
    return lambda: log.append(Batch(tuple(event(next(_FRESH), events // 10) for _ in range(many))))


def publishing(log: Log, events: int) -> Callable[[], object]:
    append = appending(log, events, 100)

    def work() -> None:
        append()
        log.publish()

    return work


def reading(home: Home) -> Callable[[], object]:
    def work() -> None:
        with Warehouse.open(home) as warehouse:
            head = warehouse.head()
            warehouse.events(Window(head - 200, head))
            warehouse.cards()

    return work


def compare(figure: str, works: dict[str, Callable[[], object]]) -> None:
    """Do both by turns, so that what else the machine does befalls both; medians in ms, of the clock and of our processor."""
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            began, spent = time.perf_counter(), time.process_time()
            work()
            spans[name].append((time.perf_counter() - began, time.process_time() - spent))
    middle = {
        name: [1000 * statistics.median(part) for part in zip(*found, strict=True)]
        for name, found in spans.items()
    }
    (file_ms, file_cpu), (lake_ms, lake_cpu) = middle["file"], middle["lake"]
    tell(figure, round(lake_ms / file_ms, 1), "×", file_ms=round(file_ms, 1), lake_ms=round(lake_ms, 1),
         file_processor_ms=round(file_cpu, 1), lake_processor_ms=round(lake_cpu, 1), turns=TURNS)  # fmt: skip


def at_once(lake: Home, seconds: float) -> None:
    """Writers and readers in processes of their own on one lake, then the account of it."""
    with Warehouse.open(lake) as warehouse:
        before = warehouse.head()
    kinds = ["write"] * WRITERS + ["read"] * READERS
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, kind, str(lake.root), str(who), str(time.time() + 10), str(seconds)],
            env={**os.environ, **settings_of(lake)}, stdout=subprocess.PIPE, text=True,
        )
        for who, kind in enumerate(kinds)
    ]  # fmt: skip
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    for kind, many in (("write", WRITERS), ("read", READERS)):
        spans = sorted(
            span for each, found in zip(kinds, told, strict=True) if each == kind for span in found["spans"]
        )
        errors = sum(found["errors"] for each, found in zip(kinds, told, strict=True) if each == kind)
        tell(f"{many} {kind} at once", round(len(spans) / seconds, 1), "a second", p50_ms=round(1000 * statistics.median(spans)),
             p99_ms=round(1000 * spans[int(len(spans) * 0.99)]), errors=errors)  # fmt: skip
    with Log.open(lake) as log:
        log.publish()
    with Warehouse.open(lake) as warehouse:
        new, written = (
            warehouse.head() - before,
            20 * sum(1 + len(found["spans"]) for found in told[:WRITERS]),
        )
    tell(
        "events lost or doubled",
        abs(new - written),
        "events",
        target="0",
        of=written,
        audit_fails=sum(not each.ok for each in audit(lake)),
    )


def worker(kind: str, home: Home, who: int, start_at: float, seconds: float) -> None:
    """Do one thing again and again between two instants; the spans it took, and how often it failed."""
    if kind == "write":
        log = Log.open(home)
        numbers = count(10**8 * (who + 1))
        turns = count()

        def work() -> None:
            log.append(Batch(tuple(event(next(numbers), 10_000) for _ in range(20))))
            if next(turns) % 10 == who:
                log.publish()
    else:
        work = reading(home)
    work()
    spans, errors = [], 0
    time.sleep(max(0.0, start_at - time.time()))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.perf_counter()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - counted, and said
            errors += 1
            print(error, file=sys.stderr)
        spans.append(time.perf_counter() - began)
    print(json.dumps({"spans": spans, "errors": errors}))


def tell(figure: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"figure": figure, "value": value, "unit": unit, **more}), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write" | "read" as kind, root, who, start_at, seconds]:
            worker(
                kind, Home(Path(root), lake=lake_of(os.environ)), int(who), float(start_at), float(seconds)
            )
        case numbers:
            main(*map(int, numbers))
