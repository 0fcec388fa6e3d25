"""How fast the log is: `python tests/benchmarks/log_speed.py [EVENTS]` prints one JSON line a figure (seconds, median)."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Event, Window
from warehouse.reading import Warehouse
from warehouse.sandbox import query

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int, cards: int) -> Event:
    """One in ten events makes a card; the others move it about."""
    card_id = f"c{number % cards}"
    made = number < cards
    return Event(
        "flux", f"e{number}", f"b{number % 7}", "card.created" if made else "card.moved", "card", card_id,
        START + timedelta(seconds=number * 20), START, card_id=card_id, actor_id=f"m{number % 40}",
        column_to=f"k{number % 5}", after={"title": f"Card {number}", "position": float(number)} if made else {},
        payload={"seq": number, "type": "card", "padding": "x" * 150},
    )  # fmt: skip


def measure(figure: str, work: Callable[[], object], times: int = 1) -> None:
    """Time `work` and print the median."""
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spans.append(time.perf_counter() - began)
    print(json.dumps({"figure": figure, "seconds": round(statistics.median(spans), 4), "times": times}))


def main(count: int) -> None:
    """Fill a log with `count` events, then do what a day brings."""
    events = tuple(event(number, max(1, count // 10)) for number in range(count))
    with tempfile.TemporaryDirectory() as root, Log.open(home := Home(Path(root))) as log:
        fresh = iter(range(count, 10**9))

        def append_one() -> None:
            log.append(Batch((event(next(fresh), max(1, count // 10)),)))

        def append_and_publish() -> None:
            append_one()
            log.publish()

        def read_a_window() -> None:
            with Warehouse.open(home) as warehouse:
                warehouse.events(Window(warehouse.head() - 200, warehouse.head()))

        measure(f"append {count}", lambda: log.append(Batch(events)))
        measure(f"append the same {count} again", lambda: log.append(Batch(events)))
        measure("first publish", log.publish)
        measure(f"append 1 to {count}", append_one, 20)
        measure(f"append 1 to {count} and publish", append_and_publish, 20)
        measure("open and read 200 events", read_a_window, 20)
        measure("ad hoc SQL in its own process", lambda: query(home, "select count(*) from events"), 5)
        size = (home.warehouse_dir / "live.duckdb").stat().st_size
        print(json.dumps({"figure": "file size", "bytes": size, "events": next(fresh)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
