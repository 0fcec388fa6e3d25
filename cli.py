"""`daybreak`: the front door. Which commands there are, and how one that fails says so and ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from commands import digests, ingest, people, running, warehouse
from commands.shell import CALLED_WRONG, FAILED, WELL, CalledWrong
from warehouse.home import Home
from warehouse.lake.address import BadAddress, lake_of

ROOMS = {"__main__", "board", "cli", "commands", "digests", "ingest", "pages", "up", "warehouse"}

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What changed on your team's boards while you were away.",
)
for commands in (running.commands, people.commands, warehouse.commands):
    cli.add_typer(commands)
cli.add_typer(ingest.commands, name="ingest")
cli.add_typer(digests.commands, name="digest")


@cli.callback()
def _home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", envvar="DAYBREAK_HOME", help="Where Daybreak keeps its files."),
    ] = None,
) -> None:
    root = (home or platformdirs.user_data_path("daybreak")).expanduser().absolute()
    try:
        context.obj = Home(root, os.environ.get("DAYBREAK_LEDGER", ""), lake_of(os.environ))
    except BadAddress as error:
        raise CalledWrong(str(error)) from error


def _hoist_home(arguments: Sequence[str]) -> list[str]:
    """Move `--home DIR` to the front, so that it may stand anywhere in a call."""
    front, rest = [], list(arguments)
    for place, word in enumerate(rest):
        if word == "--":
            break
        if word.startswith("--home="):
            front = [rest.pop(place)]
            break
        if word == "--home" and place + 1 < len(rest):
            front = [rest.pop(place), rest.pop(place)]
            break
    return [*front, *rest]


class WithoutPandas:
    """Hides pandas from DuckDB and Arrow, which load it to ask whether a value is one of its own.

    It is there for Streamlit; a command would wait a second for it and never use it.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """What an import asks first: raises ModuleNotFoundError for pandas, leaves the others to whoever is next."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)


def main() -> None:
    """Run `daybreak`. Exit 0 well, 1 the work failed, 2 the call was wrong."""
    sys.meta_path.insert(0, WithoutPandas)
    try:
        code = cli(args=_hoist_home(sys.argv[1:]) or ["--help"], prog_name="daybreak", standalone_mode=False)
    except Exception as error:
        if "DAYBREAK_DEBUG" in os.environ:
            raise
        if words := _in_words(error):
            typer.echo(f"daybreak: {words}", err=True)
        sys.exit(_exit_code(error))
    sys.exit(code or WELL)


def _in_words(error: Exception) -> str:
    """Our own errors say what was tried and what to do; a foreign one is named, with the way to more."""
    if isinstance(error, typer.TyperException):
        message = error.format_message()  # empty where the help was printed instead
        command = getattr(getattr(error, "ctx", None), "command_path", "daybreak")
        return message and f"{message.rstrip('.')}; see `{command} --help`"
    if type(error).__module__.partition(".")[0] in ROOMS:
        return str(error)
    return f"{type(error).__name__}: {error}\nThis should not happen: DAYBREAK_DEBUG=1 shows where, a report helps."


def _exit_code(error: Exception) -> int:
    from digests.following import UnknownBoard
    from digests.people import UnknownPerson
    from digests.preferences import BadPreference

    wrong = (CalledWrong, UnknownPerson, UnknownBoard, BadPreference, typer.TyperException)
    return CALLED_WRONG if isinstance(error, wrong) else FAILED


if __name__ == "__main__":
    main()
