"""`daybreak people` and `catch-up`: who is told, when, and what has changed for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from commands.shell import CalledWrong, Now, clock, group, ready, say, span_or_instant, table

commands = group()
_people = group(help="Who is told, where they live, and when.")
commands.add_typer(_people, name="people")


@_people.command("import")
def people_import(
    context: typer.Context, file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
) -> None:
    """Complete people (zone, e-mail, send times) from a TOML file."""
    from digests.people import import_people

    say(str(import_people(ready(context), file, clock()())))


@_people.command("list")
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
        for person in people(ready(context))
    ]
    table(["person", "name", "zone", "e-mail", "send at", "members"], rows)


Words = list[str] | None


@_people.command("set")
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
    home = ready(context)
    say(heading(change(home, find(home, name), told, clock()())))


@commands.command("catch-up")
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
    home, at = ready(context), clock(now)()
    begin = span_or_instant(since, at) if since else None
    url = os.environ.get("DAYBREAK_URL", "")
    told = gather(home, find(home, person), now=at, after=after, since=begin, page_url=url)
    say(forms[output](told))
