"""One board as the live page draws it: columns in order, cards in order, everything already in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import polars as pl

from pages import _data, _parts, _push

SEPARATOR = "|"
STALE_AFTER = timedelta(seconds=60)  # a followed board is looked at every few seconds

BOARDS = """
select source || '|' || board_id as key, coalesce(title, board_id) as title
from boards where archived_at is null and deleted_at is null order by lower(coalesce(title, board_id)), key"""

COLUMNS = """
select column_id, coalesce(title, 'Untitled') as title, coalesce(is_done, false) as is_done
from columns where source = $source and board_id = $board and archived_at is null and deleted_at is null
order by position nulls last, column_id"""

CARDS = """
select c.card_id, c.column_id, coalesce(c.title, 'Untitled') as title, c.url, c.human_id, c.labels, c.due_at, c.due_done,
       c.last_offset, coalesce(entered.at, c.created_at) as entered_at, items.done, items.total, people.names
from cards c
left join (select card_id, max(occurred_at) as at from events
           where source = $source and board_id = $board and action = 'card.moved' group by card_id) entered using (card_id)
left join (select card_id, count(*) filter (done) as done, count(*) as total from checklist_items
           where source = $source and board_id = $board and deleted_at is null group by card_id) items using (card_id)
left join (select a.card_id, list(coalesce(m.name, m.username, a.member_id) order by m.name) as names
           from (select card_id, unnest(assignee_ids) as member_id from cards where source = $source and board_id = $board) a
           left join members m on m.source = $source and m.member_id = a.member_id group by a.card_id) people using (card_id)
where c.source = $source and c.board_id = $board and c.archived_at is null and c.deleted_at is null
order by c.position nulls last, c.card_id"""


def titles() -> dict[str, str]:
    """Open boards by key ("source|board_id"), titles as shown: told apart by their source where two are alike."""
    found = _data.frame(BOARDS)
    alike = set(found.filter(pl.col("title").is_duplicated())["title"])
    return {
        key: f"{title} ({key.replace(SEPARATOR, ' ')})" if title in alike else title
        for key, title in found.select("key", "title").iter_rows()
    }


def board_id(key: str) -> str:
    """The board's own id, as it stands in addresses."""
    return key.partition(SEPARATOR)[2]


def asked_for(keys: Sequence[str], told: str | None) -> int:
    """Which board an address asks for, by its id; the first where it names none of them."""
    return next((n for n, key in enumerate(keys) if told and board_id(key) == told), 0)


def read(key: str) -> dict[str, Any]:
    """The board `key` as of the newest published version; raises `NothingPublished`."""
    source, _, board = key.partition(SEPARATOR)
    version = _data.version()  # before the rows: if they are newer, the browser asks again
    columns = _data.frame(COLUMNS, source=source, board=board)
    cards = _data.frame(CARDS, source=source, board=board)
    now, zone = _data.now(), _data.browser_zone()
    return {
        "board_id": key,
        "version": version,
        "socket": _push.address(),
        "checked_ms": _data.checked_at().timestamp() * 1000,
        "now_ms": now.timestamp() * 1000,
        "zone": str(zone),
        "stale_after_ms": STALE_AFTER.total_seconds() * 1000 if key.startswith("flux|") else None,
        "next_step": "Run “daybreak doctor” to see why, or start “daybreak up” again.",
        "columns": [column(one, cards, now, zone) for one in columns.iter_rows(named=True)],
    }


def column(row: dict[str, Any], cards: pl.DataFrame, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """One column with its cards."""
    mine = cards.filter(pl.col("column_id") == row["column_id"])
    return {
        "id": row["column_id"],
        "title": row["title"],
        "is_done": row["is_done"],
        "count_text": f"{mine.height} card{'s' if mine.height != 1 else ''}",
        "cards": [card(one, now, zone, finished=row["is_done"]) for one in mine.iter_rows(named=True)],
    }


def card(row: dict[str, Any], now: datetime, zone: tzinfo, *, finished: bool) -> dict[str, Any]:
    """One card in words; `mark` changes when something happened to it."""
    meta = [due(row, now, zone, finished=finished), checklist(row), age(row, now, zone)]
    return {
        "id": row["card_id"],
        "mark": str(row["last_offset"]),
        "title": f"{row['human_id']} {row['title']}" if row["human_id"] else row["title"],
        "url": row["url"] if (row["url"] or "").startswith(("https://", "http://")) else None,
        "labels": row["labels"] or [],
        "people": row["names"] or [],
        "meta": [one for one in meta if one],
    }


def due(row: dict[str, Any], now: datetime, zone: tzinfo, *, finished: bool) -> dict[str, str] | None:
    """When the card is due, and whether that has passed with the card still open."""
    at: datetime | None = row["due_at"]
    if at is None:
        return None
    local = at.astimezone(zone)
    told = f"{local:%a} {local.day} {local:%b}" + (
        "" if local.year == now.astimezone(zone).year else f" {local:%Y}"
    )
    title = f"Due {local:%a} {local.day} {local:%b %Y %H:%M} {zone} ({at.astimezone(UTC):%H:%M} UTC)"
    if row["due_done"] or finished:
        return {"kind": "met", "text": f"was due {told}", "title": title}
    if at < now:
        return {"kind": "overdue", "text": f"overdue since {told}", "title": title}
    return {"kind": "due", "text": f"due {told}", "title": title}


def checklist(row: dict[str, Any]) -> dict[str, str] | None:
    """How far the checklists are."""
    if not row["total"]:
        return None
    return {
        "kind": "checks",
        "text": f"☑ {row['done']}/{row['total']}",
        "title": f"{row['done']} of {row['total']} checklist items done",
    }


def age(row: dict[str, Any], now: datetime, zone: tzinfo) -> dict[str, str] | None:
    """How long the card has been in its column."""
    at: datetime | None = row["entered_at"]
    if at is None:
        return None
    days = (now - at).days
    told = (
        f"{days} d here"
        if days
        else "today"
        if at.astimezone(zone).date() == now.astimezone(zone).date()
        else "1 d here"
    )
    return {
        "kind": "age",
        "text": told,
        "title": f"In this column since {_parts.moment_text(at, zone)} {zone}",
    }
