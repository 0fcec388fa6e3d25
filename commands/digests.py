"""`daybreak digest`: the mail at the start of each person's day."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from commands.shell import (
    FAILED,
    WELL,
    CalledWrong,
    Now,
    clock,
    group,
    ready,
    say,
    stop_on_signals,
    table,
)
from warehouse.home import Home

if TYPE_CHECKING:
    from digests.deliver import Carrier
    from digests.web.links import Doors

commands = group(help="The mail at the start of each person's day.")


@commands.command("preview")
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
    home = ready(context)
    message = preview(home, find(home, person), clock(now)(), _doors(home))
    if output == "eml":
        return say(message.as_string())
    body = message.get_body(("plain",) if output == "text" else ("html",))
    assert body is not None
    heads = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")] if output == "text" else []
    return say("\n".join([*heads, *([""] if heads else []), str(body.get_content())]))


@commands.command("next")
def digest_next(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="One person; everybody without it.")] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="So many digests ahead.")] = 10,
    now: Now = None,
) -> None:
    """When each person's next digests come, in their zone, and why none comes on the days between."""
    from digests.agenda import agenda, heading
    from digests.people import find, people

    home, at = ready(context), clock(now)()
    for number, one in enumerate([find(home, person)] if person else people(home)):
        say(f"{chr(10) if number else ''}{heading(one)}")
        for row in agenda(one, at, count):
            say(f"  {row.when:<29}  {row.note}".rstrip())


@commands.command("run")
def digest_run(
    context: typer.Context,
    now: Now = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would get mail; send nothing.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Keep sending as each person's time comes.")] = False,
) -> None:
    """Send every digest that is due."""
    from digests.run import loop as keep_running
    from digests.run import run

    home, time, stop = ready(context), clock(now), stop_on_signals()
    mail, doors = _carrier(home), _doors(home)
    if loop:
        keep_running(
            home, clock=time, stop=stop, carrier=mail, say=say, doors=doors, first=_bounces_watched(home)
        )
    else:
        # What the loop of `daybreak up` has in hand at this moment is waited for: who asks shall find it done.
        report = run(
            home, time(), dry_run=dry_run, carrier=mail, say=say, doors=doors,
            clock=time, stop=stop, patience=timedelta(minutes=1),
        )  # fmt: skip
        say(str(report))
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
    return Watch(home, place, os.environ.get("DAYBREAK_RETURN_PATH", ""), say) if place else None


@commands.command("status")
def digest_status(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="One person; everybody without it.")] = None,
    now: Now = None,
) -> None:
    """When each person's next mail comes, when the last one went out, and why not."""
    from digests.people import find, people
    from digests.status import in_words, standings

    home, at = ready(context), clock(now)()
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
    table(["person", "next (their time)", "last sent", "why not"], rows)


@commands.command("bounces")
def digest_bounces(context: typer.Context, now: Now = None) -> None:
    """Read the mails that came back (DAYBREAK_BOUNCES: a Maildir, or imaps://user:password@host/FOLDER)."""
    from digests.bounces import take_in

    place = os.environ.get("DAYBREAK_BOUNCES")
    if not place:
        raise CalledWrong(
            "no mailbox to read: set DAYBREAK_BOUNCES to a Maildir or to imaps://user:password@host/FOLDER"
        )
    return_path = os.environ.get("DAYBREAK_RETURN_PATH", "")
    say(str(take_in(ready(context), place, clock(now)(), return_path=return_path, say=say)))


@commands.command("unsuppress")
def digest_unsuppress(context: typer.Context, address: str) -> None:
    """Send to an address again that got no more mail because mails to it came back."""
    from digests import ledger

    home = ready(context)
    if not ledger.unsuppress(home, address):
        known = ", ".join(ledger.suppressions(home)) or "none is"
        raise CalledWrong(f"{address} is not suppressed; those that are: {known}")
    say(f"{address} gets mail again; the next digest covers the gap")
