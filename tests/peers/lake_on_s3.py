"""A lake on an S3-compatible server: the same log as in a file, told in JSON lines; fails where a table differs.

Run: `uv run python tests/peers/lake_on_s3.py [EVENTS]` (20,000); needs PostgreSQL, and fetches moto (100 MB) for the run. Another
server is taken with AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and a bucket `daybreak` on it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "benchmarks"), str(HERE.parents[1])]

from log_speed import event

from lakes import new_database
from neighbours import running
from postgres import serving
from running import free_port, until
from warehouse import state
from warehouse.audit import audit
from warehouse.export import KEPT
from warehouse.home import Home
from warehouse.lake.address import lake_of
from warehouse.lake.tidy import tidy
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import Warehouse
from warehouse.sandbox import query


def main(events: int = 20_000) -> None:
    with tempfile.TemporaryDirectory() as folder, storage(Path(folder)) as settings, database() as address:
        root = Path(folder)
        told = {
            "DAYBREAK_WAREHOUSE": f"ducklake:postgres:{address}",
            "DAYBREAK_LAKE_DATA": "s3://daybreak/lake",
        }
        file, shared = Home(root / "file"), Home(root / "shared", lake=lake_of(told | settings))
        for home in (file, shared):
            began = time.perf_counter()
            fill(home, events)
            spent = round(time.perf_counter() - began, 1)
            tell("filled", lake=home.lake is not None, events=events, seconds=spent)
        differ = different(file, shared)
        wrong = [finding.subject for finding in audit(shared) if not finding.ok]
        asked = query(shared, "select count(*) from events").frame.item()
        tell("compared", tables_that_differ=differ, audit_fails=wrong, events_by_sql=asked)
        if differ or wrong or asked != events:
            raise SystemExit(1)


def fill(home: Home, events: int) -> None:
    """The log in batches, the last ones small; a lake is tidied in between, so that what is read lies in its storage."""
    made = [event(number, events // 10) for number in range(events)]
    with Log.open(home) as log:
        for first in range(0, events - 100, 5_000):
            log.append(Batch(tuple(made[first : min(first + 5_000, events - 100)])))
        log.publish()
        if home.lake:
            tidy(log.connection)
        for late in made[-100:]:
            log.append(Batch((late,)))
        log.publish()


def different(one: Home, two: Home) -> list[str]:
    with Warehouse.open(one) as left, Warehouse.open(two) as right:
        return [
            table
            for table in ("events", *KEPT, *state.TABLES)
            if not left.frame(f"from {table} order by all").equals(right.frame(f"from {table} order by all"))
        ]


@contextmanager
def storage(folder: Path) -> Iterator[dict[str, str]]:
    """The settings of an S3-compatible server: the one that the environment names, else moto."""
    if "AWS_ENDPOINT_URL" in os.environ:
        yield dict(os.environ)
        return
    port = free_port()
    moto = ["uv", "run", "--no-project", "--with", "moto[server,s3]==5.2.5", "moto_server", "-H", "127.0.0.1"]
    url = f"http://127.0.0.1:{port}"
    with running([*moto, "-p", str(port)], cwd=folder, env={}, log=folder / "moto.out"):
        until(lambda: answers(url), seconds=120, what="moto")
        httpx.put(f"{url}/daybreak").raise_for_status()
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
        yield {"AWS_ENDPOINT_URL": url} | keys


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@contextmanager
def database() -> Iterator[str]:
    with serving(Path(tempfile.mkdtemp(prefix="daybreak-postgres-")), free_port()) as server:
        yield new_database(server)


def tell(what: str, **more: object) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
