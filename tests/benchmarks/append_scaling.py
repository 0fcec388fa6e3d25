"""Whether an append to a long log costs what it costs to a short one, and how big the long one is: one JSON line a figure.

Run: `uv run python tests/benchmarks/append_scaling.py [LONG] [SHORT]` (10,000,000 and 100,000 events). The two are asked by
turns, so that what else the machine does befalls both. The long log takes minutes to make and is kept for the next run.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from long_log import Scale, home_with, next_events

from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import Warehouse

TURNS = 60
NEWEST = "from events order by event_offset desc limit 200"
MOST_TIMES, MOST_BYTES = 1.3, 80


def main(long: int = 10_000_000, short: int = 100_000) -> None:
    scales = [
        Scale(events, boards=max(4, events // 50_000), members=max(40, events // 5000))
        for events in (short, long)
    ]
    with tempfile.TemporaryDirectory() as root:
        began = time.perf_counter()
        homes = [home_with(scale, Path(root) / str(scale.events)) for scale in scales]
        tell("the sets: made, or copied from an earlier run", time.perf_counter() - began, "s")
        for scale, home in zip(scales, homes, strict=True):
            weigh(home, scale)
        compare("open for writing", [lambda home=home: Log.open(home).close() for home in homes], turns=7)
        with Log.open(homes[0]) as first, Log.open(homes[1]) as second:
            logs = list(zip((first, second), scales, strict=True))
            compare("append 1", [appending(log, scale, 1) for log, scale in logs], target=f"≤ {MOST_TIMES}")
            compare(
                "append 100", [appending(log, scale, 100) for log, scale in logs], target=f"≤ {MOST_TIMES}"
            )
            compare(
                "append 100, derive and publish", [publishing(log, scale) for log, scale in logs], turns=15
            )
            compare("a reader opens it", [reading(home, "from boards") for home in homes], turns=15)
            compare("a reader asks for the newest 200", [reading(home, NEWEST) for home in homes], turns=15)


def appending(log: Log, scale: Scale, count: int) -> Callable[[], object]:
    """Append the next `count` events at each call."""
    numbers = iter(range(10_000 * count, 10**9))  # each kind of append has events of its own
    return lambda: log.append(Batch(next_events(scale, next(numbers), count)))


def publishing(log: Log, scale: Scale) -> Callable[[], object]:
    append = appending(log, scale, 99)

    def work() -> None:
        append()
        log.publish()

    return work


def reading(home: Home, sql: str) -> Callable[[], object]:
    """Open what is published, as a reader does, and ask one thing."""

    def work() -> None:
        with Warehouse.open(home) as warehouse:
            warehouse.frame(sql)

    return work


def compare(
    figure: str, works: list[Callable[[], object]], *, turns: int = TURNS, target: str | None = None
) -> None:
    """Do both by turns; the medians, and how many times the short log's the long log's is."""
    spans: list[list[float]] = [[] for _ in works]
    for work in works:
        work()  # the first time is not counted: statements are new, pages are cold
    for _ in range(turns):
        for work, found in zip(works, spans, strict=True):
            began = time.perf_counter()
            work()
            found.append(time.perf_counter() - began)
    short, long = (statistics.median(found) for found in spans)
    more = {"target": target} if target else {}
    tell(figure, round(long / short, 2), "×", short_ms=round(1000 * short, 2), long_ms=round(1000 * long, 2), turns=turns, **more)  # fmt: skip


def weigh(home: Home, scale: Scale) -> None:
    """What the file is big, state included, and what of it is the log."""
    size = (home.warehouse_dir / "live.duckdb").stat().st_size
    with Log.open(home) as log:
        blocks = """
            with info as (from pragma_storage_info('events'))
            select count(*) from (
                select block_id from info where block_id >= 0
                union select unnest(additional_block_ids) from info
            )
        """
        ((events,),) = log.connection.execute(blocks).fetchall()
        ((block,),) = log.connection.execute("select block_size from pragma_database_size()").fetchall()
    tell(
        f"file of {scale.events} events, no payloads", round(size / scale.events, 1), "bytes an event",
        log_alone=round(events * block / scale.events, 1), target=f"≤ {MOST_BYTES} at 10,000,000",
    )  # fmt: skip


def tell(figure: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"figure": figure, "value": round(value, 3), "unit": unit, **more}, ensure_ascii=False), flush=True)  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
