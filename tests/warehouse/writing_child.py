"""A process that writes or reads a warehouse for tests: `writing_child.py HOME fill|hold|read|export|import|migrate|share|stall|once …`."""

# ruff: noqa: T201  # it talks to the test by printing

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.export import export
from warehouse.home import Home
from warehouse.importing import import_export
from warehouse.lake.address import lake_of
from warehouse.log import Log, Sizes, WarehouseBusy
from warehouse.migrations import migrate
from warehouse.model import Batch, Cursor, Entity, Event, Snapshot
from warehouse.reading import NothingPublished, Warehouse

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def batch(number: int) -> Batch:
    """Batch `number`: twenty events, a snapshot and a cursor, the same whenever asked for."""
    events = tuple(
        Event(
            "flux", f"e{event}", "b1", "card.created" if event < 200 else "card.moved", "card", f"c{event % 200}",
            START + timedelta(minutes=event), START, card_id=f"c{event % 200}", actor_id=f"m{event % 5}",
            column_to=f"k{event % 4}", after={"title": f"Card {event}", "labels": [f"l{event % 3}"]},
            payload={"padding": "x" * 200},
        )
        for event in range(number * 20, number * 20 + 20)
    )  # fmt: skip
    cards = tuple(Entity("card", f"c{card}", {"title": f"Shown {number}"}) for card in range(0, 300, 50))
    return Batch(
        events,
        Snapshot("flux", "b1", START + timedelta(days=number), cards),
        Cursor("flux", "b1", str(number)),
    )


def fill(home: Home, batches: int) -> None:
    """Append and publish from where the cursor stands; says each batch that is kept.

    The first versions are whole; then each is what is new since one, and the next of those is made as soon as it can be.
    """
    sizes = Sizes(whole=1_500_000, age=timedelta(0), share=0)
    with Log.open(home, sizes=sizes) as log:
        for number in range(int(log.cursor("flux", "b1") or "-1") + 1, batches):
            log.append(batch(number))
            print(number, flush=True)
            log.publish()
        log.publish()  # what a killed run had kept and not yet shown


def hold(home: Home) -> None:
    """Keep the warehouse open, giving way when asked, until stdin or the parent ends."""
    with Log.open(home) as log:
        print("open", flush=True)
        while True:
            log.yield_turn()


def read(home: Home, times: int, at_once: int) -> None:
    """Read again and again, in some threads; every view must be whole. Says how often it was read, by each."""
    with ThreadPoolExecutor(at_once) as readers:
        print(*readers.map(lambda _: read_often(home, times), range(at_once)))


def read_often(home: Home, times: int) -> int:
    done = 0
    while done < times:
        try:
            with Warehouse.open(home) as warehouse:
                head = warehouse.head()
                counted = warehouse.frame(
                    "select count(*) as n, max(last_offset) as last from events, (select max(last_offset) as last_offset from cards)"
                )
                assert counted.row(0) == (head, head), counted
        except NothingPublished:
            continue
        done += 1
    return done


def share(home: Home, who: int, batches: int) -> None:
    """Append and publish beside others: batches nobody else has, and every third that all have."""
    with Log.open(home) as log:
        for number in range(batches):
            log.append(batch(number if number % 3 == 0 else who * 1_000 + number))
            log.publish()
    print("done")


def stall(home: Home) -> None:
    """Die in the middle of a transaction, while nobody else may write."""
    with Log.open(home) as log, log.transaction() as con:
        con.execute("update progress set head = head + 1")
        print("at work", flush=True)
        sys.stdin.read()


def once(home: Home, wait: float) -> None:
    """Try to write once."""
    try:
        with Log.open(home, wait=timedelta(seconds=wait)) as log:
            print("written", log.append(batch(0)).upto)
    except WarehouseBusy as error:
        print(error)


if __name__ == "__main__":
    where = Home(Path(sys.argv[1]), lake=lake_of(os.environ))
    match sys.argv[2:]:
        case ["fill", batches]:
            fill(where, int(batches))
        case ["hold"]:
            hold(where)
        case ["read", times, at_once]:
            read(where, int(times), int(at_once))
        case ["export", folder]:
            print("at work", flush=True)
            export(where, Path(folder))
        case ["import", folder]:
            print("at work", flush=True)
            import_export(where, Path(folder))
        case ["migrate", steps]:
            print("at work", flush=True)
            with duckdb.connect(str(where.warehouse_dir / "live.duckdb")) as con:
                migrate(con, where.warehouse_dir / "live.duckdb", Path(steps))
        case ["share", who, batches]:
            share(where, int(who), int(batches))
        case ["stall"]:
            stall(where)
        case ["once", wait]:
            once(where, float(wait))
