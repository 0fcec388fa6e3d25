"""`daybreak up` and `daybreak board`: what keeps running until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from commands.shell import (
    BOARD_PORT,
    DASHBOARD_PORT,
    CalledWrong,
    clock,
    group,
    ready,
    say,
    stop_on_signals,
)
from warehouse.home import Home

commands = group()
_board = group(help="The embedded board.")
commands.add_typer(_board, name="board")


@commands.command()
def up(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="The dashboard's port.")] = DASHBOARD_PORT,
    board_port: Annotated[int, typer.Option(help="The embedded board's port.")] = BOARD_PORT,
    sample: Annotated[bool, typer.Option(help="Fill an empty embedded board with a sample team.")] = True,
) -> None:
    """Everything: board, ingester, digests and dashboard, until Ctrl-C."""
    import filelock

    from up import Ports, require_free, run

    home = ready(context)
    if bool(os.environ.get("FLUX_BASE_URL")) != bool(os.environ.get("FLUX_API_KEY")):
        raise CalledWrong(
            "FLUX_BASE_URL and FLUX_API_KEY go together: set both, or neither for the embedded board"
        )
    embedded = not os.environ.get("FLUX_BASE_URL")
    ports = Ports(pages=port, board=board_port if embedded else None)
    try:
        with filelock.FileLock(home.root / "up.lock", timeout=0):
            require_free(port, "--port")
            if embedded:
                require_free(board_port, "--board-port")
            if embedded and sample:
                _settle_sample_people(home)
            stop = stop_on_signals()
            run(
                home.root,
                ports,
                sample=sample,
                say=say,
                monotonic=time.monotonic,
                stop=stop,
                environment=os.environ,
            )
    except filelock.Timeout as error:
        raise CalledWrong(
            f"Daybreak is already running in {home.root}: stop it, or use another --home"
        ) from error


def _settle_sample_people(home: Home) -> None:
    """On the first run the sample team's people are there; afterwards people.toml belongs to its reader."""
    from digests.people import import_people

    spec = find_spec("board")
    if home.people_file.exists() or spec is None or spec.origin is None:
        return
    sample = Path(spec.origin).with_name("sample_people.toml")
    import_people(home, sample, clock()())
    shutil.copyfile(sample, home.people_file)


@_board.command("serve")
def board_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = BOARD_PORT,
    sample: Annotated[bool, typer.Option(help="Fill an empty board with a sample team.")] = False,
) -> None:
    """Serve the embedded Flux-compatible board."""
    from board.server import serve

    now = clock()
    serve(ready(context).root, port=port, sample_at=now() if sample else None, log=say, clock=now)
