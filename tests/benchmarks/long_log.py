"""A home whose log is already long, generated in SQL: boards with cards that live about fifty events each, over two years.

Ids are UUIDs as Flux gives them, random for each event, comment and check item. Moves, orders and edits say what
changed; comments say a sentence. With payloads, each event also carries the whole entry, card before and after.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from warehouse import state
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Event

START = datetime(2024, 11, 4, 8, 0, tzinfo=UTC)
SPAN = timedelta(days=730)
EVENTS_A_CARD = 50
COLUMNS = 6
BATCH = 245_760  # whole row groups, so that none is written twice
WORDS = (
    "the a login page invoice export when user opens second tab after update error shows blank screen please check with"
    " customer again before release we should move this button because people miss it"
)
PREPARE = """
create temp macro uuid_of(kind, number) as md5(kind || number)::uuid::varchar;
create temp macro chance(kind, number) as hash(kind || number) / 18446744073709551616.0;
create temp macro said(kind, number, fewest, most) as array_to_string(list_transform(
    range(fewest + (chance(kind, number) * (most - fewest))::bigint),
    lambda place: list_extract({words}, 1 + (hash(kind, number, place) % len({words}))::bigint)), ' ');
create temp table things as
select number, uuid_of('card', number) as card_id, (hash(number) % {boards})::bigint as board,
       said('title', number, 3, 7) || ' ' || number as title, said('description', number, 0, 40) as description
from range({cards}) as made(number);
"""
FILL = """
insert into events
with drawn as (
    select i, i % {each} = 0 as is_making,
           -- Mostly newer cards, now and then an old one.
           case when i % {each} = 0 then i // {each}
                else greatest(0, i // {each} - (-ln(1 - chance('which', i)) * {alive})::bigint) end as number,
           chance('what', i) as what, to_microseconds(({step} * (i + chance('when', i)))::bigint) as since
    from range({first}, {last}) as drawn(i)
),
done as (
    select *, case when is_making then 'card.created' when what < 0.40 then 'card.moved' when what < 0.62 then 'card.reordered'
                   when what < 0.76 then 'card.updated' when what < 0.85 then 'card.assigned' when what < 0.91 then 'card.labeled'
                   when what < 0.97 then 'comment.created' else 'checklist.created' end as action,
           date_trunc('milliseconds', timestamptz '{start}' + since) as told_at,
           uuid_of('column', board * {columns} + (i % {columns})) as here,
           uuid_of('column', board * {columns} + ((i + 1) % {columns})) as there,
           1024 * (1 + (chance('place', i) * 60)::bigint) as place
    from drawn join things using (number)
),
told as (
    select *, split_part(action, '.', 1) as word,
           case action
               when 'card.created' then json_object('title', title, 'description', description, 'column_id', there, 'position', place::double)
               when 'card.moved' then json_object('column_id', there, 'position', place::double)
               when 'card.reordered' then json_object('position', place::double)
               when 'card.updated' then json_object('title', said('title', i, 3, 7) || ' ' || number)
               when 'card.assigned' then json_object('member_ids', [uuid_of('member', (chance('whom', i) * {members})::bigint)])
               when 'card.labeled' then json_object('labels', ['label ' || (i % 9)])
               when 'comment.created' then json_object('content', said('comment', i, 4, 16))
               else json_object('text', said('item', i, 2, 5), 'done', false) end as after,
           case action
               when 'card.moved' then json_object('column_id', here, 'position', place::double + 1024)
               when 'card.reordered' then json_object('position', place::double + 1024)
               when 'card.updated' then json_object('title', title) else '{{}}' end as before
    from done
)
select i + 1, 'flux', uuid_of('event', i), uuid_of('board', board), card_id, uuid_of('member', (chance('who', i) * {members})::bigint),
       action, case word when 'checklist' then 'checklist_item' else word end,
       case word when 'card' then card_id else uuid_of(word, i) end, told_at, told_at + to_milliseconds(20 + (chance('seen', i) * 300)::bigint),
       false, case action when 'card.moved' then here end,
       case when action in ('card.moved', 'card.created') then there end, before, after, {payload}
from told order by i
"""
CARD = """json_object('id', card_id, 'humanId', 'TB-' || number, 'boardId', uuid_of('board', board), 'columnId', {column}, 'title', title,
    'description', description, 'position', {place}, 'assigneeIds', [uuid_of('member', number % {members})], 'labelIds', [uuid_of('label', board)],
    'dueDate', null, 'coverUrl', null, 'archivedAt', null, 'createdBy', uuid_of('member', number % {members}), 'createdAt', told_at::varchar,
    'updatedAt', told_at::varchar, 'deletedAt', null, 'version', i % 50)"""
PAYLOAD = """json_object('seq', i, 'id', uuid_of('event', i), 'boardId', uuid_of('board', board), 'cardId', card_id, 'actor',
    json_object('id', uuid_of('member', (chance('who', i) * {members})::bigint), 'name', 'Person ' || number % 40, 'kind', 'human'),
    'action', action, 'entityType', word, 'entityId', card_id, 'before', {before}, 'after', {after}, 'createdAt', told_at::varchar)"""


@dataclass(frozen=True)
class Scale:
    """How much there is."""

    events: int
    boards: int
    members: int
    payloads: bool = False

    @property
    def cards(self) -> int:
        return -(-self.events // EVENTS_A_CARD)


def home_with(scale: Scale, folder: Path) -> Home:
    """A home in `folder` with such a log; copied from one that an earlier run has built, if there is one."""
    schema = Path(__file__).parents[2] / "warehouse" / "schema"
    texts = [Path(__file__), *sorted(schema.glob("*.sql"))]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in texts)).hexdigest()[:8]
    kept = (
        Path(tempfile.gettempdir())
        / "daybreak-benchmarks"
        / f"log-{scale.events}{'-payloads' * scale.payloads}-{version}"
    )
    if not (kept / "whole").exists():
        shutil.rmtree(kept, ignore_errors=True)
        _build(scale, Home(kept))
        (kept / "whole").touch()
    subprocess.run(["cp", "-r", "--reflink=auto", str(kept), str(folder)], check=True)
    return Home(folder)


def _build(scale: Scale, home: Home) -> None:
    words = {"members": scale.members, "boards": scale.boards, "cards": scale.cards, "words": WORDS.split()}
    with Log.open(home) as log:
        con = log.connection
        limit, threads = con.execute(
            "select current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()[0]
        con.execute("set memory_limit = '4GB'; set threads = 2")
        for statement in PREPARE.format(**words).split(";\n"):
            con.execute(statement)
        for first in range(0, scale.events, BATCH):
            con.execute(_fill(scale, first))
        con.execute(
            "update progress set revision = revision + 1, head = (select max(event_offset) from events)"
        )
        state.derive(con, at_once=500_000)
        con.execute(f"set memory_limit = '{limit}'; set threads = {threads}")
        log.publish()


def _fill(scale: Scale, first: int) -> str:
    sides = {
        "before": CARD.format(column="here", place="place + 1024", members=scale.members),
        "after": CARD.format(column="there", place="place", members=scale.members),
    }
    return FILL.format(
        first=first, last=min(first + BATCH, scale.events), each=EVENTS_A_CARD, alive=min(20 * scale.boards, scale.cards),
        step=SPAN / timedelta(microseconds=1) / scale.events, start=START.isoformat(), columns=COLUMNS, members=scale.members,
        payload=PAYLOAD.format(**sides, members=scale.members) if scale.payloads else "'{}'",
    )  # fmt: skip


def next_events(scale: Scale, number: int, count: int) -> tuple[Event, ...]:
    """What follows in such a log: the `number`th handful of `count` moves of its newest cards."""
    return tuple(_move(scale, number * count + place) for place in range(count))


def _move(scale: Scale, number: int) -> Event:
    card = _uuid("card", scale.cards - 1 - number % 500)
    here, there = (_uuid("column", number % COLUMNS + step) for step in (0, 1))
    at = START + SPAN + timedelta(seconds=number)
    event = Event(
        "flux", _uuid("next", number), _uuid("board", number % scale.boards), "card.moved", "card", card, at, at + timedelta(milliseconds=40),
        card_id=card, actor_id=_uuid("member", number % scale.members), column_from=here, column_to=there,
        before={"column_id": here, "position": 2048.0}, after={"column_id": there, "position": 1024.0},
    )  # fmt: skip
    return replace(event, payload={"of": "the benchmark"}) if scale.payloads else event


def _uuid(kind: str, number: int) -> str:
    digits = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
