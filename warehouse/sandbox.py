"""Anybody's SQL on the published warehouse, in a child process that can neither write, reach out nor outlive its time."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from warehouse.home import Home
from warehouse.publish import current
from warehouse.reading import NothingPublished, nothing_published

__all__ = ["NothingPublished", "QueryFailed", "QueryResult", "query"]

CHILD = Path(__file__).with_name("sandbox_child.py")
ATTEMPTS = 3
AT_ONCE = threading.BoundedSemaphore(2)
"""Queries of one process that run at the same time: more would only slow each other."""


class QueryFailed(Exception):
    """The query is wrong, or asked for more than it may have. The text is DuckDB's own where there is one."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a query, at most `max_rows`; `truncated` when there were more."""

    frame: pl.DataFrame
    truncated: bool
    seconds: float


def query(
    home: Home, sql: str, *, max_rows: int = 10_000, timeout: timedelta = timedelta(seconds=5)
) -> QueryResult:
    """Run SQL on the newest published version.

    QueryFailed when DuckDB refuses it or it takes longer than `timeout`; NothingPublished when there is no version.
    """
    with _a_free_place(timeout):
        for _ in range(ATTEMPTS):
            published = current(home)
            if published is None:
                break
            answer = _ask_child(published.path, sql, max_rows, timeout)
            head, _, rows = answer.partition(b"\n")
            told = json.loads(head)
            if told.get("gone"):  # swept while the child was starting: the pointer names another by now
                continue
            if "error" in told:
                raise QueryFailed(told["error"])
            return QueryResult(pl.read_ipc_stream(io.BytesIO(rows)), told["truncated"], told["seconds"])
    raise nothing_published(home)


@contextmanager
def _a_free_place(timeout: timedelta) -> Iterator[None]:
    if not AT_ONCE.acquire(timeout=timeout.total_seconds()):
        raise QueryFailed("Too many queries are running already; try again in a moment.")
    try:
        yield
    finally:
        AT_ONCE.release()


def _ask_child(path: Path, sql: str, max_rows: int, timeout: timedelta) -> bytes:
    seconds = timeout.total_seconds()
    request = json.dumps({"path": str(path), "sql": sql, "max_rows": max_rows, "seconds": seconds})
    command = [sys.executable, "-I", str(CHILD)]
    try:
        done = subprocess.run(  # noqa: S603  # our interpreter, our script; the SQL goes by stdin
            command,
            input=request.encode("utf-8", "replace"),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise QueryFailed(f"The query ran longer than {seconds:g} s and was stopped.") from None
    if done.returncode == 0:
        return done.stdout
    raise QueryFailed(
        "The query needed more memory or processor time than one query may have and was stopped."
    )
