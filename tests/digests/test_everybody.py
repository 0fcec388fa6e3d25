"""Everybody at once is told what each is told alone, and every event of every window is accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digests import ledger, rank
from digests.board import BoardNews, board_lines
from digests.card import CardNews
from digests.catchup import Span, told
from digests.fold import Facet, fold, touched
from digests.following import silent
from digests.gather import Gathering, gather
from digests.model import CardNow, Elsewhere, Line, Person, World
from digests.naming import Everybody, Names, actor
from digests.people import find, people
from digests.telling import Telling
from small_team import fill
from warehouse.home import Home
from warehouse.model import Event, Window

MEMBERS = ("ana", "ben", "chen", "ana2")
BOARDS = ("web", "mobile", "secret")
CARDS = {"c1": "web", "c3": "web", "c4": "mobile", "x1": "secret", "unknown": "web"}
COLUMNS = st.sampled_from(["todo", "doing", "done", "hidden"])
WORDS = st.sampled_from(
    ["Fine", "@ben please look", "@all hear", "@card news", "＠chen see", "Decided: no", "@analima?"]
)
WHO = st.sampled_from(MEMBERS)
SOME = st.lists(WHO, max_size=2)
WHAT = {
    "card.created": st.fixed_dictionaries({"column_to": COLUMNS}),
    "card.moved": st.fixed_dictionaries({"column_from": COLUMNS, "column_to": COLUMNS}),
    "card.deleted": st.just({}),
    "card.archived": st.just({}),
    "card.reordered": st.just({}),
    "card.updated": st.fixed_dictionaries(
        {"after": st.fixed_dictionaries({"due_at": st.sampled_from(["2026-04-01T23:30:00Z", None]), "description": WORDS})}
    ),
    "card.assigned": st.fixed_dictionaries({"after": st.fixed_dictionaries({"member_ids": SOME})}),
    "card.unassigned": st.fixed_dictionaries({"before": st.fixed_dictionaries({"member_ids": SOME})}),
    "comment.created": st.fixed_dictionaries(
        {"after": st.fixed_dictionaries({"content": WORDS}, optional={"parent_id": st.sampled_from(["k1", "k2", "k9"])})}
    ),
    "comment.deleted": st.just({}),
    "checklist.checked": st.just({}),
    "member.joined": st.just({}),
    "column.updated": st.just({"before": {"title": "A"}, "after": {"title": "B"}}),
}  # fmt: skip


@st.composite
def nights(draw: st.DrawFn, story: Any) -> list[Event]:
    """Up to 25 events on three boards, a few minutes apart, some told late."""
    for _ in range(draw(st.integers(1, 25))):
        action = draw(st.sampled_from(sorted(WHAT)))
        kind, card = action.split(".")[0], draw(st.sampled_from(sorted(CARDS)))
        # A card may have been on another board when it happened.
        board = draw(st.sampled_from([CARDS[card], CARDS[card], *BOARDS]))
        about = {"member": draw(WHO), "comment": draw(st.sampled_from(["k1", "k2"])), "column": "todo"}
        ago = draw(st.none() | st.integers(0, 60 * 40).map(lambda minutes: timedelta(minutes=minutes)))
        story.tell(
            action, draw(WHO | st.none()), None if kind in ("member", "column") else card, board=board,
            **draw(WHAT[action]), **({"id": about[kind]} if kind in about else {}), **({"ago": ago} if ago else {}),
        )  # fmt: skip
    return story.events


@st.composite
def readers(draw: st.DrawFn) -> list[Person]:
    """Everybody on the boards and somebody with two memberships, each somewhere, with mutes and sections of their own."""
    keys = [(f"flux:{key}",) for key in MEMBERS] + [("flux:ben", "flux:chen"), ("flux:nobody",)]
    return [
        Person(
            "+".join(members), "Reader", zone=draw(st.sampled_from(["Europe/Berlin", "Asia/Kolkata", None])), members=members,
            muted=tuple(draw(st.sets(st.sampled_from(BOARDS), max_size=1))),
            sections=tuple(draw(st.sets(st.sampled_from(rank.SECTIONS), min_size=4)) | {rank.SECTIONS[0]}),
        )
        for members in keys
    ]  # fmt: skip


def world_of(story: Any, board_ids: list[str]) -> World:
    """What is known on these boards: a column and a comment of "secret" are known there alone."""
    for key, card, author in (("k1", "c1", "ben"), ("k2", "x1", "chen")):
        story.say(author, card, "Old words", key)
    story.cards["c3"] = CardNow(
        "c3", "web", "Address form", "todo", None, "flux:chen", frozenset({"flux:ana2"})
    )
    there = {key for key, card in story.cards.items() if card.board_id in board_ids}
    hidden = "secret" in board_ids
    return World(
        {key: board for key, board in story.boards.items() if key in board_ids},
        {**story.columns} | ({"hidden": replace(story.columns["done"], title="Hidden plans")} if hidden else {}),
        {key: card for key, card in story.cards.items() if key in there},
        story.members,
        {key: on for key, on in story.on_board.items() if key in board_ids},
        {key: comment for key, comment in story.comments.items() if comment.card_id in there},
    )  # fmt: skip


def plainly(
    person: Person, world: World, events: list[Event], now: datetime
) -> tuple[list[tuple[str, Line]], dict[str, list[int]]]:
    """The definition, without anything shared: each event sorted, each card folded anew for the one who reads."""
    quiet, excluded, own, others = silent(person, world.boards), defaultdict(list), [], defaultdict(list)
    for event in events:
        if event.board_id in quiet:
            excluded[quiet[event.board_id]].append(event.event_offset)
        elif actor(event) in person.members:
            excluded["own"].append(event.event_offset)
            own.append(event)
        elif not any(True for _ in touched(event)):
            excluded["noise"].append(event.event_offset)
        else:
            others[event.board_id, event.card_id].append(event)
    orders = {facet: net.touches[-1].order for facet, net in fold(own).items()}
    for facet, order in list(orders.items()):
        exists = Facet(facet.subject, "exists")
        orders[exists] = max(orders.get(exists, order), order)
    names = Names(person, world, Everybody(world.members), now)
    telling = Telling(world, names, orders, frozenset(event.card_id for event in own if event.card_id))
    placed: list[tuple[str, Line]] = []
    for (board_id, card_id), some in others.items():
        nets = {f: net.since(orders[f]) if f in orders else net for f, net in fold(some).items()}
        left = {facet: net for facet, net in nets.items() if net}
        named = BoardNews(board_id, world, Everybody(world.members), (), now).named_in
        placed += (
            CardNews(telling, board_id, card_id, named, left).placed()
            if card_id
            else board_lines(telling, board_id, left)
        )
    return placed, excluded


@given(everybody=readers(), data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_shared_is_exactly_what_each_reader_is_told_alone(
    new_story: Callable[[], Any], everybody: list[Person], data: st.DataObject
) -> None:
    story = new_story()
    now, members, on_board, events = story.now, story.members, story.on_board, data.draw(nights(new_story()))
    starts = data.draw(st.lists(st.integers(0, len(events)), min_size=1, max_size=2))
    shared = {
        (board, start): BoardNews(
            board, world_of(new_story(), [board]), Everybody(members),
            tuple(event for event in events[start:] if event.board_id == board), now,
        )
        for board in BOARDS
        for start in starts
    }  # fmt: skip
    for number, person in enumerate(everybody):
        start = starts[number % len(starts)]
        mine = [board for board in BOARDS if on_board[board] & set(person.members)]
        world, here = (
            world_of(new_story(), mine),
            [event for event in events[start:] if event.board_id in mine],
        )
        window = Window(start, len(events))
        elsewhere = Elsewhere(window, (event.event_offset or 0 for event in here))

        found = told(
            person,
            world,
            [shared[board, start] for board in mine],
            Span(window, now, now),
            elsewhere=elsewhere,
        )

        placed, excluded = plainly(person, world, here, now)
        wanted = [(section, line) for section, line in placed if section in person.sections]
        assert found.sections == rank.arranged(wanted)
        for reason in ("muted", "own", "noise"):
            assert sorted(found.accounted.excluded.get(reason, ())) == sorted(excluded[reason])
        accounted = found.accounted
        parts = [accounted.shown, accounted.folded, *accounted.excluded.values()]
        assert sorted(offset for part in parts for offset in part) == list(range(start + 1, len(events) + 1))
        assert accounted.events == len(events) - start


def test_asked_together_each_is_told_what_they_are_told_alone(home: Home) -> None:
    team, now = fill(home), datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    ledger.caught_up(home, "ada-berlin", 2, now)
    ledger.caught_up(home, "nia-new-york", 4, now)
    team.move("c6", "todo", "done")
    everybody = people(home)
    assert [reader.person_id for reader in everybody] == ["ada-berlin", "kenji-tokyo", "nia-new-york"]
    with Gathering.open(home, now=now) as gathering:
        gathering.expect(everybody)

        together = [gathering.told(person) for person in everybody]

    assert together == [gather(home, person, now=now) for person in everybody]
    assert [one.window for one in together] == [Window(2, 5), Window(0, 5), Window(4, 5)]


def test_who_reads_on_before_their_turn_is_asked_by_their_own_offset(home: Home) -> None:
    fill(home)
    now = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    ada = find(home, "ada-berlin")
    with Gathering.open(home, now=now) as gathering:
        gathering.expect([ada])

        assert gathering.told(ada, after=3).window == Window(3, 4)


@given(st.integers(0, 30), st.integers(0, 30), st.sets(st.integers(1, 60)))
def test_what_lies_elsewhere_is_counted_without_being_named(after: int, length: int, some: set[int]) -> None:
    window = Window(after, after + length)
    here = {offset for offset in some if window.after < offset <= window.upto}
    named = tuple(sorted(set(range(after + 1, after + length + 1)) - here))

    elsewhere = Elsewhere(window, here)

    assert (elsewhere == named, len(elsewhere), tuple(elsewhere)) == (True, len(named), named)
    assert all(one < other for one, other in pairwise(elsewhere))
