"""What every command shares: the home, the clock, the environment, and how it answers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from warehouse.home import Home

BOARD_PORT = 8400
DASHBOARD_PORT = 8500
HOOKS_PORT = 8700
WELL, FAILED, CALLED_WRONG = 0, 1, 2

Now = Annotated[str | None, typer.Option("--now", metavar="WHEN", help="Instead of the clock: ISO 8601.")]


def group(*, help: str | None = None) -> typer.Typer:  # noqa: A002 - typer's word
    """Commands that belong together."""
    return typer.Typer(no_args_is_help=True, help=help)


class CalledWrong(Exception):
    """The call was wrong: exit 2."""


def ready(context: typer.Context) -> Home:
    """The home, made if need be; a clear error where it cannot be written."""
    home: Home = context.obj
    if "?" in str(home.root):  # DuckDB takes what follows for options
        raise CalledWrong(
            f"the home {home.root} has a `?` in its name, which DuckDB cannot open: choose another"
        )
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CalledWrong(
            f"cannot make the home {home.root} ({error.strerror}): choose another with --home DIR or DAYBREAK_HOME"
        ) from error
    if not os.access(home.root, os.W_OK | os.X_OK):
        raise CalledWrong(
            f"the home {home.root} is not writable: choose another with --home DIR or DAYBREAK_HOME"
        )
    return home


def when(text: str) -> datetime:
    """An instant from ISO 8601; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CalledWrong(
            f"{text!r} is not an instant: write ISO 8601 as in 2026-03-10T08:00:00+01:00"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def clock(given: str | None = None) -> Callable[[], datetime]:
    """What tells the time: --now, else DAYBREAK_NOW, else the machine."""
    if fixed := given or os.environ.get("DAYBREAK_NOW"):
        at = when(fixed)
        return lambda: at
    return lambda: datetime.now(UTC)


def span_or_instant(text: str, now: datetime) -> datetime:
    """ISO 8601, or a span back from now: 36h, 7d, 2w."""
    units = {"h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdigit() and text[-1] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    return when(text)


def say(line: str) -> None:
    """A line of a command's own output."""
    print(line, flush=True)  # noqa: T201 - the commands' own output


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _board_access(home: Home) -> tuple[str, str]:
    """The Flux to read and its key: from the environment, else this home's embedded board."""
    url, key = os.environ.get("FLUX_BASE_URL"), os.environ.get("FLUX_API_KEY")
    if not url:
        url = (
            home.board_url.read_text().strip()
            if home.board_url.exists()
            else f"http://127.0.0.1:{BOARD_PORT}"
        )
    if not key:
        if not home.board_key.exists():
            raise CalledWrong(
                f"no key for {url}: set FLUX_API_KEY, or start the embedded board with `daybreak up`"
            )
        key = home.board_key.read_text().strip()
    return url, key


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under the names of their columns."""
    from rich.console import Console
    from rich.table import Table

    found = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        found.add_column(column, overflow="fold")
    for row in rows:
        found.add_row(*("" if value is None else str(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(found)


def report(findings: Sequence[Any]) -> None:
    """Print findings a line each; exit 1 if one is not well."""
    for finding in findings:
        say(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.subject}: {finding.text}")
        if finding.next_step:
            say(f"      → {finding.next_step}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


def settings(home: Home, names: Collection[str] = ()) -> dict[str, str]:
    """The environment, completed by this home's embedded board where no other Flux is named.

    `names` are the sources that will be read: with `flux` among them, CalledWrong where there is no key.
    """
    told = dict(os.environ)
    named = told.get("FLUX_BASE_URL") or told.get("FLUX_API_KEY")
    if "flux" in names or named or home.board_key.exists():
        told["FLUX_BASE_URL"], told["FLUX_API_KEY"] = _board_access(home)
    return told
