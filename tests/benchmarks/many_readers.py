"""A home that many people are mailed from: the long log, with teams. Twelve people to a board, three boards to a person.

The last `NIGHT` events are what nobody has been told yet, a day's worth however long the log before them is. Six of ten
are done by the one of the twelve whose card it is, the rest by anybody on the board; a comment in ten names somebody.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))

import long_log
from flux_world import FIRST, LAST

from digests import ledger
from digests.people import import_people
from warehouse import state
from warehouse.home import Home
from warehouse.log import Log

NIGHT = 250_000
BOARDS, PEOPLE, TEAM = 500, 2_000, 12
NOW = datetime(2026, 11, 3, 7, 0, tzinfo=UTC)
"""A Tuesday; the log ends a minute earlier."""
ZONES = ("Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Asia/Tokyo")
COLUMN_TITLES = ("Ideas", "Ready", "In progress", "Review", "Testing", "Done")
TEAMS = """
create temp macro one_of(board, place) as (((board + (place // 4) * 167) % {boards}) * 4 + place % 4)::bigint;
create temp macro acting(board, number, i) as uuid_of('member', one_of(board,
    case when chance('own', i) < 0.6 then (hash(number) % {team})::bigint else (hash('who', i) % {team})::bigint end));
create temp macro naming(board, i) as case when chance('at', i) < 0.1
    then '@m' || one_of(board, (hash('named', i) % {team})::bigint) || ' ' else '' end;
create temp table shown as
    select 'board' as kind, uuid_of('board', b) as board_id, uuid_of('board', b) as thing, json_object('title', 'Board ' || b) as fields
    from range({boards}) as made(b)
    union all
    select 'column', uuid_of('board', b), uuid_of('column', b * 6 + c),
           json_object('title', list_extract({columns}, c + 1), 'position', c, 'is_done', c = 5)
    from range({boards}) as made(b), range(6) as place(c)
    union all
    select 'member', uuid_of('board', b), uuid_of('member', one_of(b, p)),
           json_object('name', list_extract({first}, 1 + one_of(b, p) % len({first})) || ' ' ||
                       list_extract({last}, 1 + (one_of(b, p) // len({first})) % len({last})), 'username', 'm' || one_of(b, p), 'kind', 'human')
    from range({boards}) as made(b), range({team}) as place(p);
insert into snapshots select 'flux', board_id, kind, thing, timestamptz '{now}', fields from shown;
insert into resaid select distinct 'flux', kind, thing from shown
"""
FILL = (
    long_log.FILL.replace(
        "uuid_of('member', (chance('who', i) * {members})::bigint)", "acting(board, number, i)"
    )
    .replace("uuid_of('member', (chance('whom', i) * {members})::bigint)", "acting(board, number, i + 0.5)")
    .replace("said('comment', i, 4, 16)", "naming(board, i) || said('comment', i, 4, 16)")
)


def home_with(events: int) -> Home:
    """The home, kept for the next run."""
    version = hashlib.sha256(f"{long_log.PREPARE}{TEAMS}{FILL}".encode()).hexdigest()[:8]
    kept = Path(tempfile.gettempdir()) / "daybreak-benchmarks" / f"readers-{events}-{version}"
    if not (kept / "whole").exists():
        shutil.rmtree(kept, ignore_errors=True)
        _fill(Home(kept), events)
        _invite(Home(kept), events)
        (kept / "whole").touch()
    return Home(kept)


def _fill(home: Home, events: int) -> None:
    cards = -(-events // long_log.EVENTS_A_CARD)
    words = {"boards": BOARDS, "members": PEOPLE, "cards": cards, "words": long_log.WORDS.split()}
    teams = {
        "team": TEAM,
        "columns": list(COLUMN_TITLES),
        "first": FIRST,
        "last": LAST,
        "now": NOW.isoformat(),
    }
    with Log.open(home) as log:
        con = log.connection
        con.execute("set memory_limit = '4GB'")
        for statement in (long_log.PREPARE + TEAMS).format(**words, **teams).split(";\n"):
            con.execute(statement)
        step = timedelta(days=1) / timedelta(microseconds=1) / NIGHT
        start = NOW - timedelta(minutes=1, microseconds=step * events)
        for first in range(0, events, long_log.BATCH):
            last = min(first + long_log.BATCH, events)
            con.execute(
                FILL.format(
                    first=first, last=last, each=long_log.EVENTS_A_CARD, alive=4_000, step=step, start=start.isoformat(),
                    columns=len(COLUMN_TITLES), members=PEOPLE, payload="'{}'",
                )
            )  # fmt: skip
        con.execute(
            "update progress set revision = revision + 1, head = (select max(event_offset) from events)"
        )
        state.derive(con, at_once=200_000)
        log.publish()


def _invite(home: Home, events: int) -> None:
    """All are due at NOW, wherever they live; one in five has read on, up to the middle of the night."""
    path = home.root / "people.toml"
    path.write_text("\n".join(_entry(number) for number in range(PEOPLE)))
    import_people(home, path, NOW)
    night = timedelta(days=1)
    for number, person_id in enumerate(sorted(ledger.saved_people(home))):
        half = number % 5 == 0
        upto = events - (NIGHT // 2 if half else NIGHT)
        ledger.caught_up(home, person_id, upto, NOW - (night / 2 if half else night))


def _entry(number: int) -> str:
    zone = ZONES[number % len(ZONES)]
    member = long_log._uuid("member", number)  # made alike
    name = f"{FIRST[number % len(FIRST)]} {LAST[number // len(FIRST) % len(LAST)]} {number}"
    return (
        f'[[people]]\nname = "{name}"\nmembers = ["flux:{member}"]\nemail = "m{number}@example.org"\nzone = "{zone}"\n'
        f'send_at = ["{NOW.astimezone(ZoneInfo(zone)):%H:%M}"]\nwork_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\n'
    )


if __name__ == "__main__":
    print(home_with(int(sys.argv[1])).root)
