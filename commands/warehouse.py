"""The warehouse by itself: ask it, carry it elsewhere, prove it, mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.shell import CalledWrong, clock, group, ready, report, say, settings, table

commands = group()
_export = group(help="The log for other tools and other homes.")
commands.add_typer(_export, name="export")


@commands.command()
def sql(
    context: typer.Context,
    query: str,
    output: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """Ask the published warehouse, read-only."""
    from warehouse.sandbox import query as ask

    if output not in ("table", "csv", "json"):
        raise CalledWrong(f"--format {output}: choose table, csv or json")
    result = ask(ready(context), query)
    if output == "csv":
        say(result.frame.write_csv().rstrip("\n"))
    elif output == "json":
        say(result.frame.write_json())
    else:
        table(result.frame.columns, result.frame.rows())
    if result.truncated:
        typer.echo(f"only the first {result.frame.height} rows are shown: add a limit or a filter", err=True)


@commands.command()
def docs() -> None:
    """Print the schema reference: tables, columns, the words for actions, as Markdown."""
    from warehouse.docs import reference

    say(reference())


@_export.command("parquet")
def export_parquet(
    context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)]
) -> None:
    """Write the log as Parquet, a folder a month; again into the same DIR: only the months with news."""
    from warehouse.export import export

    say(str(export(ready(context), folder.expanduser().absolute())))


@commands.command("import")
def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False)],
) -> None:
    """Fill an empty home from an export: the same offsets, cursors and snapshots."""
    from warehouse.importing import import_export

    say(str(import_export(ready(context), folder.expanduser().absolute())))


@commands.command()
def restore(context: typer.Context) -> None:
    """Bring a damaged or deleted warehouse back from the half that can be read."""
    from warehouse.restore import restore as restore_warehouse

    say(str(restore_warehouse(ready(context))))


@commands.command()
def audit(context: typer.Context) -> None:
    """Prove the books: the log is whole, state equals replay, every digest accounts for its window."""
    from digests.audit import audit as audit_digests
    from warehouse.audit import audit as audit_warehouse

    home = ready(context)
    report([*audit_warehouse(home), *audit_digests(home)])


@commands.command()
def doctor(context: typer.Context) -> None:
    """Look for what keeps Daybreak from working, and say what to do."""
    from digests.audit import check as check_digests
    from ingest.checks import check as check_sources
    from warehouse.audit import check as check_warehouse

    home, now = ready(context), clock()()
    report([*check_warehouse(home, now), *check_sources(home, settings(home)), *check_digests(home, now)])
