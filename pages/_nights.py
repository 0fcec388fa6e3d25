"""What changed on a person's boards while they were away, and how that reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from typing import Any

import polars as pl

from digests.model import Person
from pages import _data, _parts
from pages._zones import Period

KINDS = {"done": "done", "moved": "moved", "new": "new", "said": "comments"}
MAX_LINES = 30

EVENTS = """
select e.source || '|' || e.board_id as board_key, e.occurred_at, e.source || ':' || e.actor_id as actor_key,
       coalesce(m.name, m.username, e.actor_id, 'Somebody') as actor, coalesce(c.title, 'a card') as card, c.url,
       coalesce(b.title, e.board_id) as board, f.title as from_title, t.title as to_title,
       case when e.action = 'comment.created' then 'said' when e.action = 'card.created' then 'new'
            when coalesce(t.is_done, false) then 'done' else 'moved' end as kind
from events e
left join boards b on b.source = e.source and b.board_id = e.board_id
left join cards c on c.source = e.source and c.card_id = e.card_id
left join columns f on f.source = e.source and f.column_id = e.column_from
left join columns t on t.source = e.source and t.column_id = e.column_to
left join members m on m.source = e.source and m.member_id = e.actor_id
where e.action in ('card.moved', 'card.created', 'comment.created') and not e.inferred and e.occurred_at >= $since
order by e.occurred_at desc, e.event_offset desc"""

MEMBERSHIPS = "select source || '|' || board_id as board_key, source || ':' || member_id as member_key from board_members"


@dataclass(frozen=True, slots=True)
class Night:
    """One person's night: how much of each kind happened, and the events, newest first."""

    counts: dict[str, int]
    events: pl.DataFrame


def since(start: datetime) -> pl.DataFrame:
    """Everything told on this page that happened from `start` on, on every board, newest first."""
    return _data.frame(EVENTS, since=start)


def memberships() -> pl.DataFrame:
    """Which member is on which board."""
    return _data.frame(MEMBERSHIPS)


def of(person: Person, period: Period, events: pl.DataFrame, members: pl.DataFrame) -> Night:
    """What others did on the person's boards in the period."""
    boards = members.filter(pl.col("member_key").is_in(list(person.members)))["board_key"].unique()
    theirs = events.filter(
        pl.col("board_key").is_in(boards.to_list()),
        pl.col("occurred_at").is_between(period.start, period.end, closed="left"),
        pl.col("actor_key").is_in(list(person.members)).not_() | pl.col("actor_key").is_null(),
    )
    found = dict(theirs.group_by("kind").len().iter_rows())
    return Night({kind: found.get(kind, 0) for kind in KINDS}, theirs)


def told(counts: dict[str, int]) -> str:
    """The counts in a line: "3 done · 5 moved"; what did not happen is not named."""
    parts = []
    for kind, word in KINDS.items():
        if number := counts[kind]:
            parts.append(f"{number} {'comment' if kind == 'said' and number == 1 else word}")
    return " · ".join(parts) or "nothing changed"


def lines(night: Night, zone: tzinfo, near: datetime) -> str:
    """The events as an HTML list, the newest first, capped and saying so."""
    rows = list(night.events.head(MAX_LINES).iter_rows(named=True))
    items = [f"<li>{_sentence(row)}<span class='about'>{_about(row, zone, near)}</span></li>" for row in rows]
    more = night.events.height - len(rows)
    rest = (
        f"<p class='age'>and {more} earlier ones: the Catch up page tells what they came to.</p>"
        if more
        else ""
    )
    return f"<ul class='lines'>{''.join(items)}</ul>{rest}"


def _sentence(row: dict[str, Any]) -> str:
    card = _parts.link(row["card"], row["url"])
    if row["kind"] == "said":
        return f"{escape(row['actor'])} commented on {card}"
    if row["kind"] == "new":
        return f"{escape(row['actor'])} added {card}" + (
            f" to {escape(row['to_title'])}" if row["to_title"] else ""
        )
    from_title = f" from {escape(row['from_title'])}" if row["from_title"] else ""
    return f"{escape(row['actor'])} moved {card}{from_title} to {escape(row['to_title'] or 'another column')}"


def _about(row: dict[str, Any], zone: tzinfo, near: datetime) -> str:
    return f"{escape(row['board'])} · {_parts.moment(row['occurred_at'], zone, near=near)}"
