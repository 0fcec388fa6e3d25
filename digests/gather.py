"""The shell around `catch_up`: reads the published warehouse and the ledger, and asks what one person is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

import polars as pl

from digests import ledger
from digests.catchup import Cutoff, catch_up
from digests.model import BoardNow, CardNow, CatchUp, ColumnNow, CommentNow, MemberNow, Person, World
from warehouse.home import Home
from warehouse.model import Event, Window
from warehouse.reading import Warehouse

FIRST = timedelta(days=7)
"""How far a first window looks back; what is older is accounted as `before_first`."""


class NoSuchWindow(ValueError):
    """The window asked for lies beyond the log; the message says where the log ends."""


def gather(
    home: Home,
    person: Person,
    *,
    now: datetime,
    after: int | None = None,
    since: datetime | None = None,
    upto: int | None = None,
    page_url: str = "",
) -> CatchUp:
    """What the person is told: since their cursor, or `after` an offset, or `since` an instant.

    Without any of them it is the first window. Cards whose board gives them no address of their own lead to the
    live board of the dashboard at `page_url`. Raises NothingPublished and NoSuchWindow.
    """
    with Warehouse.open(home) as warehouse:
        return gathered(
            warehouse, home, person, now=now, after=after, since=since, upto=upto, page_url=page_url
        )


def gathered(
    warehouse: Warehouse,
    home: Home,
    person: Person,
    *,
    now: datetime,
    after: int | None = None,
    since: datetime | None = None,
    upto: int | None = None,
    page_url: str = "",
) -> CatchUp:
    """`gather` from a version that is already open."""
    reading = None if after is not None or since is not None else ledger.cursor(home, person.person_id)
    upto = warehouse.head() if upto is None else min(upto, warehouse.head())
    if since is not None:
        after = min(warehouse.offset_before(since), upto)
    if after is not None and after > upto:
        raise NoSuchWindow(
            f"There is nothing after offset {after}: the log ends at {upto}. Give a smaller offset."
        )
    start = after if after is not None else reading.window.upto if reading else 0
    window = Window(min(start, upto), upto)
    world = world_of(warehouse, person, page_url)
    cutoff = None if after is not None and since is None else _cutoff(warehouse, window, now, since)
    everywhere = cutoff is not None and cutoff.boards is None
    events, early, elsewhere = _events(warehouse, window, world, cutoff.at if cutoff and everywhere else None)
    begun = cutoff.at if cutoff and everywhere else _first_instant(events, now)
    return catch_up(
        person,
        world,
        events,
        window,
        now=now,
        from_at=reading.read_at if reading else begun,
        cutoff=replace(cutoff, offsets=early) if cutoff else None,
        elsewhere=elsewhere,
        late=reading is not None,
        first=everywhere and since is None,
    )


def _cutoff(warehouse: Warehouse, window: Window, now: datetime, since: datetime | None) -> Cutoff:
    """What is too old to tell: before the instant asked for; else, of boards the reader was never told of, a week.

    So an imported history floods nobody: neither a first reader nor one who has been told of other boards before.
    """
    if since is not None:
        return Cutoff(since, "before_since")
    return Cutoff(now - FIRST, "before_first", boards=_begun_in(warehouse, window) if window.after else None)


def _begun_in(warehouse: Warehouse, window: Window) -> frozenset[str]:
    """The boards whose whole log lies in the window."""
    frame = warehouse.frame(
        "select distinct board_id from events where event_offset > $after and event_offset <= $upto "
        "except select distinct board_id from events where event_offset <= $after",
        {"after": window.after, "upto": window.upto},
    )
    return frozenset(frame["board_id"].to_list())


def _first_instant(events: list[Event], now: datetime) -> datetime:
    return min((event.occurred_at for event in events), default=now)


def _events(
    warehouse: Warehouse, window: Window, world: World, cutoff_at: datetime | None
) -> tuple[list[Event], tuple[int, ...], set[int]]:
    """The window's events on the person's boards, the offsets of those too early, and the offsets elsewhere.

    A long history is not read to be left out: up to the first event late enough, only offsets are.
    """
    mine = list(world.boards)
    start = window.after
    if cutoff_at is not None:
        start = min(max(start, warehouse.offset_before(cutoff_at)), window.upto)
    events = warehouse.events(Window(start, window.upto), board_ids=mine)
    early = tuple(_offsets(warehouse, Window(window.after, start), mine))
    here = {*early, *(event.event_offset for event in events)}
    return events, early, set(range(window.after + 1, window.upto + 1)) - here


def _offsets(warehouse: Warehouse, window: Window, board_ids: list[str]) -> list[int]:
    frame = warehouse.frame(
        "select event_offset from events where event_offset > $after and event_offset <= $upto "
        "and list_contains($boards::varchar[], board_id)",
        {"after": window.after, "upto": window.upto, "boards": board_ids},
    )
    return frame["event_offset"].to_list()


def world_of(warehouse: Warehouse, person: Person, page_url: str = "") -> World:
    """What the person can see, as of now: the boards they are a member of, and what is on them."""
    memberships = _memberships(warehouse)
    mine = memberships.filter(pl.col("member").is_in(list(person.members)))["board_id"].unique().to_list()
    memberships = memberships.filter(pl.col("board_id").is_in(mine))
    board_members: dict[str, set[str]] = {}
    for board_id, member in memberships.select("board_id", "member").iter_rows():
        board_members.setdefault(board_id, set()).add(member)
    ours = pl.col("board_id").is_in(mine)
    return World(
        boards={one.board_id: one for one in boards(warehouse) if one.board_id in mine},
        columns={
            row["column_id"]: ColumnNow(row["column_id"], row["title"] or "", row["is_done"])
            for row in warehouse.columns().filter(ours).iter_rows(named=True)
        },
        cards=_cards(warehouse, ours, page_url),
        members={member.key: member for member in members(warehouse)},
        board_members={board_id: frozenset(keys) for board_id, keys in board_members.items()},
        comments={
            row["comment_id"]: _comment(row)
            for row in warehouse.comments().filter(ours).iter_rows(named=True)
        },
    )


def boards_of(warehouse: Warehouse, person: Person) -> list[BoardNow]:
    """The boards the person may see now."""
    mine = _memberships(warehouse).filter(pl.col("member").is_in(list(person.members)))["board_id"].to_list()
    return [one for one in boards(warehouse) if one.board_id in mine]


def boards(warehouse: Warehouse) -> list[BoardNow]:
    """Every board that is known."""
    return [_board(row) for row in warehouse.boards().iter_rows(named=True)]


def members(warehouse: Warehouse) -> list[MemberNow]:
    """Everybody a board has ever named."""
    return [
        MemberNow(
            f"{row['source']}:{row['member_id']}", row["name"] or "", row["username"], row["kind"] or "human"
        )
        for row in warehouse.members().iter_rows(named=True)
    ]


def _memberships(warehouse: Warehouse) -> pl.DataFrame:
    """Who is on which board. The warehouse never forgets a member; who has left sees nothing more of it."""
    left = warehouse.frame(
        "select source, board_id, entity_id as member_id from events "
        "where action in ('member.joined', 'member.left') group by all "
        "having arg_max(action, (occurred_at, event_offset)) = 'member.left'"
    )
    return (
        warehouse.board_members()
        .join(left, on=["source", "board_id", "member_id"], how="anti")
        .with_columns(member=pl.concat_str("source", pl.lit(":"), "member_id"))
    )


def _board(row: dict[str, object]) -> BoardNow:
    return BoardNow(str(row["board_id"]), str(row["source"]), str(row["title"] or ""), _text(row["url"]))


def _cards(warehouse: Warehouse, ours: pl.Expr, page_url: str) -> dict[str, CardNow]:
    def seen_at(board_id: str) -> str | None:
        return f"{page_url.rstrip('/')}/live_board?board={quote(board_id)}" if page_url else None

    items = warehouse.checklist_items().filter(ours & pl.col("deleted_at").is_null())
    ticked = {
        card_id: (int(done or 0), int(total))
        for card_id, done, total in items.group_by("card_id").agg(pl.col("done").sum(), pl.len()).iter_rows()
    }
    return {
        row["card_id"]: CardNow(
            row["card_id"],
            row["board_id"],
            row["title"] or "",
            row["column_id"],
            row["url"] or seen_at(row["board_id"]),
            _key(row["source"], row["created_by"]),
            frozenset(_keys(row["source"], row["assignee_ids"])),
            *ticked.get(row["card_id"], (0, 0)),
        )
        for row in warehouse.cards().filter(ours).iter_rows(named=True)
    }


def _comment(row: dict[str, object]) -> CommentNow:
    return CommentNow(
        str(row["comment_id"]),
        str(row["card_id"]),
        _key(row["source"], row["member_id"]),
        _text(row["parent_id"]),
        str(row["content"] or ""),
    )


def _keys(source: object, ids: Iterable[object] | None) -> list[str]:
    return [f"{source}:{member_id}" for member_id in ids or ()]


def _key(source: object, member_id: object) -> str | None:
    return f"{source}:{member_id}" if member_id else None


def _text(value: object) -> str | None:
    return str(value) if value else None
