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
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from warehouse.home import Home
from warehouse.lake.local import local_copy
from warehouse.publish import NothingPublished, PublishedFile, current, nothing_published

if TYPE_CHECKING:
    import polars as pl

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
            published = _published(home)
            if published is None:
                break
            answer = _ask_child(published, sql, max_rows, timeout)
            head, _, rows = answer.partition(b"\n")
            told = json.loads(head)
            if told.get("gone"):  # swept while the child was starting: the pointer names another by now
                continue
            if "error" in told:
                raise QueryFailed(told["error"])
            return QueryResult(
                _polars().read_ipc_stream(io.BytesIO(rows)), told["truncated"], told["seconds"]
            )
    raise nothing_published(home)


def _published(home: Home) -> PublishedFile | None:
    """What is asked: of a lake a copy, for nobody's SQL is to come near its catalog."""
    return current(home) if home.lake is None else local_copy(home.lake, home.warehouse_dir / "copies")


@contextmanager
def _a_free_place(timeout: timedelta) -> Iterator[None]:
    if not AT_ONCE.acquire(timeout=timeout.total_seconds()):
        raise QueryFailed("Too many queries are running already; try again in a moment.")
    try:
        yield
    finally:
        AT_ONCE.release()


def _polars() -> ModuleType:
    """Polars, imported while the child starts: it takes as long, and a shell waits for both."""
    return import_module("polars")


def _ask_child(published: PublishedFile, sql: str, max_rows: int, timeout: timedelta) -> bytes:
    seconds = timeout.total_seconds()
    databases = {
        "warehouse": str(published.path),
        **({"base": str(published.base)} if published.base else {}),
    }
    request = json.dumps({"databases": databases, "sql": sql, "max_rows": max_rows, "seconds": seconds})
    command = [sys.executable, "-I", str(CHILD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as child:  # noqa: S603  # our interpreter, our script; the SQL goes by stdin
        try:
            _polars()
            answer, _ = child.communicate(request.encode("utf-8", "replace"), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise QueryFailed(f"The query ran longer than {seconds:g} s and was stopped.") from None
        finally:
            child.kill()
    if child.returncode == 0:
        return answer
    raise QueryFailed(
        "The query needed more memory or processor time than one query may have and was stopped."
    )
