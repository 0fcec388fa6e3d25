"""`daybreak ingest`: from boards to the warehouse."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from commands.shell import (
    HOOKS_PORT,
    CalledWrong,
    clock,
    group,
    ready,
    say,
    settings,
    stop_on_signals,
)
from warehouse.home import Home

commands = group(help="From boards to the warehouse.")

Follow = Annotated[bool, typer.Option("--follow", help="Keep following until Ctrl-C.")]

READ = {
    "flux": "Read every board of the Flux, or of this home's embedded board.",
    "planka": "Read PLANKA: PLANKA_BASE_URL, and PLANKA_TOKEN or PLANKA_USER with PLANKA_PASSWORD.",
    "kanboard": "Read Kanboard: KANBOARD_BASE_URL and KANBOARD_TOKEN.",
    "github": "Read GitHub: GITHUB_TOKEN, and GITHUB_REPOS or GITHUB_PROJECTS.",
    "jira": "Read Jira Cloud: JIRA_BASE_URL, JIRA_EMAIL and JIRA_TOKEN.",
}
"""The sources that are read by one command and the same, with its help."""


def _reading(name: str) -> Callable[..., None]:
    def command(context: typer.Context, follow: Follow = False) -> None:
        _read_source(ready(context), name, follow=follow)

    return command


for _name, _help in READ.items():
    commands.command(_name, help=_help)(_reading(_name))


@commands.command("trello")
def ingest_trello(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", exists=True, dir_okay=False)
    ] = None,
    follow: Follow = False,
) -> None:
    """Read Trello: board exports (Board menu → Print, export, and share → Export as JSON), else by TRELLO_KEY and TRELLO_TOKEN."""
    from rich.progress import track

    from ingest.sync import import_file

    home, now = ready(context), clock()()
    if not files:
        return _read_source(home, "trello", follow=follow)
    for path in track(files, "Reading exports", disable=not sys.stderr.isatty() or len(files) < 2):
        say(str(import_file(home, path, now)))
    return None


@commands.command("follow")
def ingest_follow(context: typer.Context) -> None:
    """Follow every source whose settings are there, and this home's embedded board, until Ctrl-C."""
    from ingest.sources.connect import WANTED, wanted

    home = ready(context)
    names = wanted(settings(home))
    if not names:
        named = ", ".join(" or ".join(keys) for keys in WANTED.values())
        raise CalledWrong(
            f"no source is set up: set one of {named}, or start the embedded board with `daybreak up`"
        )
    _follow(home, names)


@commands.command("reconcile")
def ingest_reconcile(context: typer.Context) -> None:
    """Hold the log against every board; what the log never told becomes inferred events."""
    from ingest.sources.connect import connect, wanted
    from ingest.sync import reconcile

    home = ready(context)
    told = settings(home)
    for name in wanted(told):
        with connect(name, told) as source:
            for drift in reconcile(home, source, clock=clock()):
                say(str(drift))


def _read_source(home: Home, name: str, *, follow: bool) -> None:
    from ingest.sources.connect import connect
    from ingest.sync import pull

    if follow:
        return _follow(home, [name])
    with connect(name, settings(home, [name])) as source:
        for summary in pull(home, source, clock=clock()):
            say(str(summary))
    return None


def _follow(home: Home, names: Sequence[str]) -> None:
    from ingest.follow import follow
    from ingest.sources.connect import connect

    told = settings(home, names)
    with ExitStack() as stack:
        sources = [stack.enter_context(connect(name, told)) for name in names]
        follow(home, sources, clock=clock(), stop=stop_on_signals(), say=say)


@commands.command("hooks")
def ingest_hooks(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = HOOKS_PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; a proxy or tunnel belongs before it.")
    ] = "127.0.0.1",
    public_url: Annotated[
        str,
        typer.Option(metavar="URL", envvar="DAYBREAK_HOOKS_URL", help="Where senders reach it: https://…"),
    ] = "",
) -> None:
    """Receive webhooks (POST /hooks/trello, planka, kanboard, github, jira) until Ctrl-C."""
    from ingest.hook_server import serve

    serve(
        ready(context),
        host=host,
        port=port,
        settings=os.environ,
        public_url=public_url,
        clock=clock(),
        say=say,
    )
