"""`daybreak`: each command is a short sentence that calls one room. The clock and the environment are read here."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import platformdirs
import typer

from warehouse.home import Home
from warehouse.lake.address import BadAddress, lake_of

if TYPE_CHECKING:
    from digests.deliver import Carrier
    from digests.web.links import Doors

BOARD_PORT = 8400
DASHBOARD_PORT = 8500
HOOKS_PORT = 8700
WELL, FAILED, CALLED_WRONG = 0, 1, 2
ROOMS = {"__main__", "board", "cli", "digests", "ingest", "pages", "up", "warehouse"}

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What changed on your team's boards while you were away.",
)
board_cli = typer.Typer(no_args_is_help=True, help="The embedded board.")
ingest_cli = typer.Typer(no_args_is_help=True, help="From boards to the warehouse.")
people_cli = typer.Typer(no_args_is_help=True, help="Who is told, where they live, and when.")
digest_cli = typer.Typer(no_args_is_help=True, help="The mail at the start of each person's day.")
export_cli = typer.Typer(no_args_is_help=True, help="The log for other tools and other homes.")
cli.add_typer(board_cli, name="board")
cli.add_typer(ingest_cli, name="ingest")
cli.add_typer(people_cli, name="people")
cli.add_typer(digest_cli, name="digest")
cli.add_typer(export_cli, name="export")

Now = Annotated[str | None, typer.Option("--now", metavar="WHEN", help="Instead of the clock: ISO 8601.")]


class CalledWrong(Exception):
    """The call was wrong: exit 2."""


# ── the shell: home, clock, output ────────────────────────────────────────────────────────────────────────────────


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


def _ready(context: typer.Context) -> Home:
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


def _when(text: str) -> datetime:
    """An instant from ISO 8601; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CalledWrong(
            f"{text!r} is not an instant: write ISO 8601 as in 2026-03-10T08:00:00+01:00"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _clock(given: str | None = None) -> Callable[[], datetime]:
    """What tells the time: --now, else DAYBREAK_NOW, else the machine."""
    if fixed := given or os.environ.get("DAYBREAK_NOW"):
        at = _when(fixed)
        return lambda: at
    return lambda: datetime.now(UTC)


def _since(text: str, now: datetime) -> datetime:
    """ISO 8601, or a span back from now: 36h, 7d, 2w."""
    units = {"h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdigit() and text[-1] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    return _when(text)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the commands' own output


def _stop_on_signals() -> threading.Event:
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


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


def _report(findings: Sequence[Any]) -> None:
    """Print findings a line each; exit 1 if one is not well."""
    for finding in findings:
        _say(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.subject}: {finding.text}")
        if finding.next_step:
            _say(f"      → {finding.next_step}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


# ── running it all ────────────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
def up(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="The dashboard's port.")] = DASHBOARD_PORT,
    board_port: Annotated[int, typer.Option(help="The embedded board's port.")] = BOARD_PORT,
    sample: Annotated[bool, typer.Option(help="Fill an empty embedded board with a sample team.")] = True,
) -> None:
    """Everything: board, ingester, digests and dashboard, until Ctrl-C."""
    import filelock

    from up import Ports, require_free, run

    home = _ready(context)
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
            stop = _stop_on_signals()
            run(
                home.root,
                ports,
                sample=sample,
                say=_say,
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
    import_people(home, sample, _clock()())
    shutil.copyfile(sample, home.people_file)


@board_cli.command("serve")
def board_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = BOARD_PORT,
    sample: Annotated[bool, typer.Option(help="Fill an empty board with a sample team.")] = False,
) -> None:
    """Serve the embedded Flux-compatible board."""
    from board.server import serve

    clock = _clock()
    serve(_ready(context).root, port=port, sample_at=clock() if sample else None, log=_say, clock=clock)


# ── from boards to the warehouse ──────────────────────────────────────────────────────────────────────────────────


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
        _read_source(_ready(context), name, follow=follow)

    return command


for _name, _help in READ.items():
    ingest_cli.command(_name, help=_help)(_reading(_name))


@ingest_cli.command("trello")
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

    home, now = _ready(context), _clock()()
    if not files:
        return _read_source(home, "trello", follow=follow)
    for path in track(files, "Reading exports", disable=not sys.stderr.isatty() or len(files) < 2):
        _say(str(import_file(home, path, now)))
    return None


@ingest_cli.command("follow")
def ingest_follow(context: typer.Context) -> None:
    """Follow every source whose settings are there, and this home's embedded board, until Ctrl-C."""
    from ingest.sources.connect import WANTED, wanted

    home = _ready(context)
    names = wanted(_settings(home))
    if not names:
        named = ", ".join(" or ".join(keys) for keys in WANTED.values())
        raise CalledWrong(
            f"no source is set up: set one of {named}, or start the embedded board with `daybreak up`"
        )
    _follow(home, names)


@ingest_cli.command("reconcile")
def ingest_reconcile(context: typer.Context) -> None:
    """Hold the log against every board; what the log never told becomes inferred events."""
    from ingest.sources.connect import connect, wanted
    from ingest.sync import reconcile

    home = _ready(context)
    settings = _settings(home)
    for name in wanted(settings):
        with connect(name, settings) as source:
            for drift in reconcile(home, source, clock=_clock()):
                _say(str(drift))


def _settings(home: Home) -> dict[str, str]:
    """The environment, completed by this home's embedded board where no other Flux is named."""
    settings = dict(os.environ)
    if settings.get("FLUX_BASE_URL") or settings.get("FLUX_API_KEY") or home.board_key.exists():
        settings["FLUX_BASE_URL"], settings["FLUX_API_KEY"] = _board_access(home)
    return settings


def _read_source(home: Home, name: str, *, follow: bool) -> None:
    from ingest.sources.connect import connect
    from ingest.sync import pull

    if follow:
        return _follow(home, [name])
    settings = _settings(home)
    if name == "flux":
        settings["FLUX_BASE_URL"], settings["FLUX_API_KEY"] = _board_access(home)
    with connect(name, settings) as source:
        for summary in pull(home, source, clock=_clock()):
            _say(str(summary))
    return None


def _follow(home: Home, names: Sequence[str]) -> None:
    from ingest.follow import follow
    from ingest.sources.connect import connect

    settings = _settings(home)
    if "flux" in names:
        settings["FLUX_BASE_URL"], settings["FLUX_API_KEY"] = _board_access(home)
    with ExitStack() as stack:
        sources = [stack.enter_context(connect(name, settings)) for name in names]
        follow(home, sources, clock=_clock(), stop=_stop_on_signals(), say=_say)


@ingest_cli.command("hooks")
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
        _ready(context),
        host=host,
        port=port,
        settings=os.environ,
        public_url=public_url,
        clock=_clock(),
        say=_say,
    )


@cli.command()
def sql(
    context: typer.Context,
    query: str,
    output: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """Ask the published warehouse, read-only."""
    from warehouse.sandbox import query as ask

    if output not in ("table", "csv", "json"):
        raise CalledWrong(f"--format {output}: choose table, csv or json")
    result = ask(_ready(context), query)
    if output == "csv":
        _say(result.frame.write_csv().rstrip("\n"))
    elif output == "json":
        _say(result.frame.write_json())
    else:
        _table(result.frame.columns, result.frame.rows())
    if result.truncated:
        typer.echo(f"only the first {result.frame.height} rows are shown: add a limit or a filter", err=True)


@cli.command()
def docs() -> None:
    """Print the schema reference: tables, columns, the words for actions, as Markdown."""
    from warehouse.docs import reference

    _say(reference())


@export_cli.command("parquet")
def export_parquet(
    context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)]
) -> None:
    """Write the log as Parquet, a folder a month; again into the same DIR: only the months with news."""
    from warehouse.export import export

    _say(str(export(_ready(context), folder.expanduser().absolute())))


@cli.command("import")
def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False)],
) -> None:
    """Fill an empty home from an export: the same offsets, cursors and snapshots."""
    from warehouse.importing import import_export

    _say(str(import_export(_ready(context), folder.expanduser().absolute())))


@cli.command()
def restore(context: typer.Context) -> None:
    """Bring a damaged or deleted warehouse back from the half that can be read."""
    from warehouse.restore import restore as restore_warehouse

    _say(str(restore_warehouse(_ready(context))))


# ── people and what they are told ─────────────────────────────────────────────────────────────────────────────────


@people_cli.command("import")
def people_import(
    context: typer.Context, file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
) -> None:
    """Complete people (zone, e-mail, send times) from a TOML file."""
    from digests.people import import_people

    _say(str(import_people(_ready(context), file, _clock()())))


@people_cli.command("list")
def people_list(context: typer.Context) -> None:
    """Everybody Daybreak knows, from boards and from people.toml."""
    from digests.people import people

    rows = [
        (
            person.person_id,
            person.name,
            person.zone or "(zone not set)",
            person.email or "(no e-mail)",
            " ".join(f"{at:%H:%M}" for at in person.send_at),
            " ".join(person.members),
        )
        for person in people(_ready(context))
    ]
    _table(["person", "name", "zone", "e-mail", "send at", "members"], rows)


Words = list[str] | None


@people_cli.command("set")
def people_set(
    context: typer.Context,
    name: str,
    email: Annotated[str | None, typer.Option(help="One plain address.")] = None,
    zone: Annotated[str | None, typer.Option(help="Where they live: Europe/Berlin.")] = None,
    send_at: Annotated[Words, typer.Option(metavar="TIMES", help="Local: 08:00,13:30.")] = None,
    work_days: Annotated[Words, typer.Option(metavar="DAYS", help="mon,tue,wed,thu,fri")] = None,
    work_hours: Annotated[str | None, typer.Option(help="09:00-17:30")] = None,
    country: Annotated[str | None, typer.Option(help="Its public holidays: DE, or DE-BY.")] = None,
    pauses: Annotated[
        Words, typer.Option("--pause", metavar="DAYS", help="2026-12-24..2027-01-02; again for more.")
    ] = None,
    cadence: Annotated[
        str | None, typer.Option(help="each, daily, weekly on mon, mentions at once, never")
    ] = None,
    slows_down: Annotated[
        str | None, typer.Option(help="yes: weekly after four digests not read; no: never mind.")
    ] = None,
    muted: Annotated[
        Words, typer.Option("--mute", metavar="BOARD", help="Told nothing of it; again for more.")
    ] = None,
    followed: Annotated[
        Words, typer.Option("--follow", metavar="BOARD", help="Told of these alone; again for more.")
    ] = None,
    sections: Annotated[
        Words, typer.Option("--section", metavar="NAME", help="Told these alone; again for more.")
    ] = None,
) -> None:
    """What a person chooses. Each option replaces what was said before; `none` takes it back."""
    from digests.agenda import heading
    from digests.people import change, find
    from digests.preferences import from_words

    options = {
        "email": email, "zone": zone, "send_at": send_at, "work_days": work_days, "work_hours": work_hours,
        "country": country, "pauses": pauses, "cadence": cadence, "slows_down": slows_down,
        "muted": muted, "followed": followed, "sections": sections,
    }  # fmt: skip
    told = {key: from_words(key, value) for key, value in options.items() if value is not None}
    if not told:
        raise CalledWrong("nothing to set: give an option, as in --zone Europe/Berlin")
    home = _ready(context)
    _say(heading(change(home, find(home, name), told, _clock()())))


@cli.command("catch-up")
def catch_up(
    context: typer.Context,
    person: str,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="ISO 8601, or 36h, 7d, 2w.")] = None,
    after: Annotated[
        int | None, typer.Option(metavar="OFFSET", min=0, help="After this event_offset.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text, html or json")] = "text",
    now: Now = None,
) -> None:
    """What changed for a person: since they were last told, or since a given point."""
    from digests import render
    from digests.gather import gather
    from digests.people import find

    forms = {"text": render.text, "html": render.html, "json": render.as_json}
    if output not in forms:
        raise CalledWrong(f"--format {output}: choose text, html or json")
    if since is not None and after is not None:
        raise CalledWrong("--since and --after both say where to begin: give one")
    home, at = _ready(context), _clock(now)()
    begin = _since(since, at) if since else None
    url = os.environ.get("DAYBREAK_URL", "")
    told = gather(home, find(home, person), now=at, after=after, since=begin, page_url=url)
    _say(forms[output](told))


@digest_cli.command("preview")
def digest_preview(
    context: typer.Context,
    person: str,
    output: Annotated[str, typer.Option("--format", help="text, html, or eml (the message itself)")] = "text",
    now: Now = None,
) -> None:
    """The mail this person would get now; nothing is sent or remembered."""
    from digests.people import find
    from digests.run import preview

    if output not in ("text", "html", "eml"):
        raise CalledWrong(f"--format {output}: choose text, html or eml")
    home = _ready(context)
    message = preview(home, find(home, person), _clock(now)(), _doors(home))
    if output == "eml":
        return _say(message.as_string())
    body = message.get_body(("plain",) if output == "text" else ("html",))
    assert body is not None
    heads = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")] if output == "text" else []
    return _say("\n".join([*heads, *([""] if heads else []), str(body.get_content())]))


@digest_cli.command("next")
def digest_next(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="One person; everybody without it.")] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="So many digests ahead.")] = 10,
    now: Now = None,
) -> None:
    """When each person's next digests come, in their zone, and why none comes on the days between."""
    from digests.agenda import agenda, heading
    from digests.people import find, people

    home, at = _ready(context), _clock(now)()
    for number, one in enumerate([find(home, person)] if person else people(home)):
        _say(f"{chr(10) if number else ''}{heading(one)}")
        for row in agenda(one, at, count):
            _say(f"  {row.when:<29}  {row.note}".rstrip())


@digest_cli.command("run")
def digest_run(
    context: typer.Context,
    now: Now = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would get mail; send nothing.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Keep sending as each person's time comes.")] = False,
) -> None:
    """Send every digest that is due."""
    from digests.run import loop as keep_running
    from digests.run import run

    home, clock, stop = _ready(context), _clock(now), _stop_on_signals()
    mail, doors = _carrier(home), _doors(home)
    if loop:
        keep_running(
            home, clock=clock, stop=stop, carrier=mail, say=_say, doors=doors, first=_bounces_watched(home)
        )
    else:
        # What the loop of `daybreak up` has in hand at this moment is waited for: who asks shall find it done.
        report = run(
            home, clock(), dry_run=dry_run, carrier=mail, say=_say, doors=doors,
            clock=clock, stop=stop, patience=timedelta(minutes=1),
        )  # fmt: skip
        _say(str(report))
        raise typer.Exit(WELL if report.ok else FAILED)


def _doors(home: Home) -> Doors:
    """Where mails lead, by the settings in the environment."""
    from digests.web.links import Doors

    public = os.environ.get("DAYBREAK_PUBLIC_URL", "")
    if public and not public.startswith("https://"):
        raise CalledWrong(
            f"DAYBREAK_PUBLIC_URL={public} must begin with https://: mail programs send their one-click POST there"
        )
    return Doors(home, os.environ.get("DAYBREAK_URL", ""), public, _carrier(home).sender)


def _carrier(home: Home) -> Carrier:
    """What takes mail to people, by the settings in the environment."""
    from digests.deliver import carrier

    return carrier(home, os.environ)


def _bounces_watched(home: Home) -> Callable[[datetime], None] | None:
    from digests.bounces import Watch

    place = os.environ.get("DAYBREAK_BOUNCES")
    return Watch(home, place, os.environ.get("DAYBREAK_RETURN_PATH", ""), _say) if place else None


@digest_cli.command("status")
def digest_status(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="One person; everybody without it.")] = None,
    now: Now = None,
) -> None:
    """When each person's next mail comes, when the last one went out, and why not."""
    from digests.people import find, people
    from digests.status import in_words, standings

    home, at = _ready(context), _clock(now)()
    found = standings(home, [find(home, person)] if person else people(home), at)
    rows = [
        (
            one.person.person_id,
            in_words(one.next_at, one.person),
            in_words(one.sent_at, one.person),
            one.why_not,
        )
        for one in found
    ]
    _table(["person", "next (their time)", "last sent", "why not"], rows)


@digest_cli.command("bounces")
def digest_bounces(context: typer.Context, now: Now = None) -> None:
    """Read the mails that came back (DAYBREAK_BOUNCES: a Maildir, or imaps://user:password@host/FOLDER)."""
    from digests.bounces import take_in

    place = os.environ.get("DAYBREAK_BOUNCES")
    if not place:
        raise CalledWrong(
            "no mailbox to read: set DAYBREAK_BOUNCES to a Maildir or to imaps://user:password@host/FOLDER"
        )
    return_path = os.environ.get("DAYBREAK_RETURN_PATH", "")
    _say(str(take_in(_ready(context), place, _clock(now)(), return_path=return_path, say=_say)))


@digest_cli.command("unsuppress")
def digest_unsuppress(context: typer.Context, address: str) -> None:
    """Send to an address again that got no more mail because mails to it came back."""
    from digests import ledger

    home = _ready(context)
    if not ledger.unsuppress(home, address):
        known = ", ".join(ledger.suppressions(home)) or "none is"
        raise CalledWrong(f"{address} is not suppressed; those that are: {known}")
    _say(f"{address} gets mail again; the next digest covers the gap")


# ── is all well? ──────────────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
def audit(context: typer.Context) -> None:
    """Prove the books: the log is whole, state equals replay, every digest accounts for its window."""
    from digests.audit import audit as audit_digests
    from warehouse.audit import audit as audit_warehouse

    home = _ready(context)
    _report([*audit_warehouse(home), *audit_digests(home)])


@cli.command()
def doctor(context: typer.Context) -> None:
    """Look for what keeps Daybreak from working, and say what to do."""
    from digests.audit import check as check_digests
    from ingest.checks import check as check_sources
    from warehouse.audit import check as check_warehouse

    home, now = _ready(context), _clock()()
    _report([*check_warehouse(home, now), *check_sources(home, _settings(home)), *check_digests(home, now)])


# ── the door ──────────────────────────────────────────────────────────────────────────────────────────────────────


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
