"""State: what the log said last, else the snapshot; kept step by step it equals a replay of everything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from histories import NO_SHRINKING, START, some_batch, some_event
from lakes import ON_BOTH
from warehouse import state
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Entity, Event, Snapshot
from warehouse.reading import Warehouse

MakeEvent = Callable[..., Event]


def after(home: Home, *batches: Batch) -> Warehouse:
    with Log.open(home) as log:
        for batch in batches:
            log.append(batch)
        log.publish()
    return Warehouse.open(home)


def snapshot(minute: int, *entities: Entity, board_id: str = "b1") -> Snapshot:
    return Snapshot("flux", board_id, START + timedelta(minutes=minute), entities)


def card_row(warehouse: Warehouse, card_id: str = "c1") -> dict[str, Any]:
    return warehouse.cards().row(by_predicate=pl.col("card_id") == card_id, named=True)


def test_a_card_is_what_was_said_of_it_last_by_its_own_clock(home: Home, event: MakeEvent) -> None:
    told_late = event(2, "card.updated", after={"title": "Earlier name", "description": "Kept"})
    batches = [
        Batch((event(1, after={"title": "First"}), event(3, "card.updated", after={"title": "Last name"})))
    ]
    with after(home, *batches, Batch((told_late,))) as warehouse:
        card = card_row(warehouse)
    assert (card["title"], card["description"], card["last_offset"]) == ("Last name", "Kept", 3)


def test_null_empties_a_field_and_silence_leaves_it(home: Home, event: MakeEvent) -> None:
    events = (
        event(
            1, after={"title": "Card", "due_at": "2026-04-01T12:00:00Z", "description": "Text"}, actor_id="m1"
        ),
        event(2, "card.updated", after={"due_at": None}),
    )
    with after(home, Batch(events)) as warehouse:
        card = card_row(warehouse)
    assert (card["due_at"], card["description"], card["created_by"]) == (None, "Text", "m1")
    assert card["created_at"] == START + timedelta(minutes=1)


@ON_BOTH
def test_members_and_labels_are_the_last_word_on_each(home: Home, event: MakeEvent) -> None:
    shown = snapshot(0, Entity("card", "c1", {"member_ids": ["m7", "m8"], "labels": ["old", "shown"]}))
    events = (
        event(1, after={"title": "Card", "labels": ["red"]}),
        event(2, "card.assigned", after={"member_ids": ["m1", "m2"]}),
        event(3, "card.unassigned", before={"member_ids": ["m1", "m7"]}),
        event(4, "card.unlabeled", before={"labels": ["old"]}),
        event(5, "card.assigned", after={"member_ids": ["m7"]}),
    )
    with after(home, Batch(events, shown)) as warehouse:
        card = card_row(warehouse)
        members = warehouse.board_members()["member_id"].to_list()
    assert (card["assignee_ids"], card["labels"]) == (["m2", "m7", "m8"], ["red", "shown"])
    assert members == ["m1", "m2", "m7", "m8"], "who once had a card stays one of the board's people"


def test_archived_and_deleted_are_instants_and_can_be_taken_back(home: Home, event: MakeEvent) -> None:
    events = (
        event(1), event(2, "card.archived"), event(3, card_id="c2"), event(4, "card.archived", card_id="c2"),
        event(5, "card.unarchived", card_id="c2"), event(6, "card.deleted", card_id="c2"),
    )  # fmt: skip
    with after(home, Batch(events)) as warehouse:
        kept, gone = card_row(warehouse, "c1"), card_row(warehouse, "c2")
    assert (kept["archived_at"], kept["deleted_at"]) == (START + timedelta(minutes=2), None)
    assert (gone["archived_at"], gone["deleted_at"]) == (None, START + timedelta(minutes=6))


def test_moving_puts_a_card_in_its_column(home: Home, event: MakeEvent) -> None:
    events = (event(1, column_to="k1"), event(2, "card.moved", column_from="k1", column_to="k2"))
    with after(home, Batch(events)) as warehouse:
        assert card_row(warehouse)["column_id"] == "k2"


@ON_BOTH
def test_the_snapshot_speaks_where_the_log_is_silent(home: Home, event: MakeEvent) -> None:
    made = START - timedelta(days=30)
    shown = snapshot(
        9,
        Entity(
            "card", "c1", {"title": "Shown", "url": "https://example.org/c1", "created_at": made.isoformat()}
        ),
        Entity("card", "c2", {"title": "Only shown", "archived": True, "column_id": "k1"}),
        Entity("column", "k1", {"title": "Doing", "position": 2, "is_done": False}),
        Entity("member", "m1", {"name": "Ada", "username": "ada", "kind": "human"}),
    )
    with after(home, Batch((event(1, "card.updated", after={"title": "Said"}),), shown)) as warehouse:
        said, only = card_row(warehouse, "c1"), card_row(warehouse, "c2")
        columns, members = warehouse.columns().rows(), warehouse.members().rows()
    assert (said["title"], said["url"], said["created_at"]) == ("Said", "https://example.org/c1", made)
    assert (only["title"], only["archived_at"], only["column_id"]) == ("Only shown", shown.taken_at, "k1")
    assert columns == [("k1", "flux", "b1", "Doing", 2.0, False, None, None, None)]
    assert members == [("m1", "flux", "Ada", "ada", "human")]


@ON_BOTH
def test_a_newer_snapshot_replaces_an_older_is_ignored_people_stay(home: Home) -> None:
    first = snapshot(1, Entity("card", "c1", {"title": "One"}), Entity("member", "m1", {"name": "Ada"}))
    second = snapshot(2, Entity("card", "c2", {"title": "Two"}))
    with after(home, Batch((), first), Batch((), second), Batch((), first)) as warehouse:
        assert warehouse.cards()["card_id"].to_list() == ["c2"]
        assert warehouse.members()["name"].to_list() == ["Ada"]
        assert warehouse.board_members()["member_id"].to_list() == ["m1"]


def test_comments_and_checklist_items_are_followed(home: Home, event: MakeEvent) -> None:
    item = {"entity_type": "checklist_item", "entity_id": "i1"}
    events = (
        event(1),
        event(2, "comment.created", entity_id="t1", actor_id="m1", after={"content": "Hello"}),
        event(3, "comment.updated", entity_id="t1", actor_id="m2", after={"content": "Hello!"}),
        event(4, "checklist.created", **item, after={"text": "Sow", "checklist": "Spring", "done": False}),
        event(5, "checklist.checked", **item),
    )
    with after(home, Batch(events)) as warehouse:
        comment, done = (
            warehouse.comments().row(0, named=True),
            warehouse.checklist_items().row(0, named=True),
        )
    assert (comment["content"], comment["member_id"], comment["card_id"]) == ("Hello!", "m1", "c1")
    assert (comment["created_at"], comment["updated_at"]) == tuple(
        START + timedelta(minutes=m) for m in (2, 3)
    )
    assert (done["text"], done["checklist"], done["card_id"], done["done"]) == ("Sow", "Spring", "c1", True)


@ON_BOTH
def test_what_is_known_of_a_board_is_the_log_over_the_snapshot_without_the_deleted(
    home: Home, event: MakeEvent
) -> None:
    shown = snapshot(
        0,
        Entity("card", "c1", {"title": "Shown", "url": "u", "labels": ["red"], "member_ids": []}),
        Entity("card", "c2", {"title": "Gone"}),
        Entity("column", "k1", {"title": "Doing", "position": 1.0}),
    )
    told = (
        event(1, "card.updated", after={"title": "Told"}, column_to="k1"),
        event(2, "card.deleted", card_id="c2"),
        event(3, "card.assigned", after={"member_ids": ["m1"]}),
        event(4, "comment.created", entity_id="t1", after={"content": "Hello"}),
        event(5, board_id="b2", card_id="c9"),
    )
    with Log.open(home) as log:
        log.append(Batch(told, shown))
        known = {(each.entity_type, each.entity_id): each.fields for each in log.known("flux", "b1").entities}
    assert known[("card", "c1")] == {
        "title": "Told", "url": "u", "column_id": "k1", "labels": ["red"], "member_ids": ["m1"], "archived": False,
        "description": None, "position": None, "due_at": None, "due_done": None,
    }  # fmt: skip
    assert known[("column", "k1")] == {
        "title": "Doing", "position": 1.0, "is_done": None, "archived": False,
    }  # fmt: skip
    assert known[("comment", "t1")] == {
        "content": "Hello", "card_id": "c1", "created_at": (START + timedelta(minutes=4)).isoformat(),
    }  # fmt: skip
    assert set(known) == {
        ("card", "c1"),
        ("column", "k1"),
        ("comment", "t1"),
        ("member", "m1"),
    }


@ON_BOTH
def test_many_things_are_derived_in_slices_with_the_same_result(
    home: Home, tmp_path: Path, event: MakeEvent
) -> None:
    told = tuple(
        event(n, "card.updated", card_id=f"c{n % 9}", actor_id=f"m{n % 3}", after={"title": f"T{n}"})
        for n in range(40)
    )
    with Log.open(home) as log:
        log.append(Batch(told))
        whole = tables(log)
    with Log.open(Home(tmp_path / "sliced")) as log:
        log.append(Batch(told))
        assert tables(log, at_once=4) == whole
        replayed = state.replay(log.connection, at_once=4)
        assert [len(replayed[name]) for name in state.TABLES] == [len(rows) for rows in whole[1:]]


def test_what_is_appended_while_state_is_derived_is_taken_in_the_next_time(
    home: Home, event: MakeEvent
) -> None:
    shown = snapshot(1, Entity("card", "c1", {"url": "u1"}), Entity("card", "c8", {"title": "Seen"}))
    with Log.open(home) as log, log.connection.cursor() as beside:
        log.append(Batch((event(1, after={"title": "First"}),)))
        beside.begin()
        state.take_in(beside)  # sees the log as it is now
        log.append(
            Batch((event(2, "card.updated", after={"title": "Second"}), event(3, card_id="c9")), shown)
        )
        beside.commit()
        assert log.connection.execute("select card_id, title, url from cards").fetchall() == [
            ("c1", "First", None)
        ]
        log.publish()
    with Warehouse.open(home) as warehouse:
        told = warehouse.frame("select card_id, title, url from cards order by 1").rows()
    assert told == [("c1", "Second", "u1"), ("c8", "Seen", None), ("c9", None, None)]


# The law: in whatever pieces a history arrives, kept state is what the whole log says.


@settings(max_examples=25, deadline=None, phases=NO_SHRINKING)
@given(st.lists(some_batch, min_size=1, max_size=5))
def test_state_kept_step_by_step_equals_a_replay_of_the_log(batches: list[Batch]) -> None:
    with tempfile.TemporaryDirectory() as root, Log.open(Home(Path(root))) as log:
        for batch in batches:
            log.append(batch)
            state.derive(log.connection)
            for table, replayed in state.replay(log.connection).items():
                kept = log.connection.execute(f"from {table}").pl()
                assert sorted(kept.rows(), key=repr) == sorted(replayed.rows(), key=repr), table


@settings(max_examples=12, deadline=None, phases=NO_SHRINKING)
@given(st.lists(some_event(), max_size=12), st.integers(0, 12))
def test_in_one_piece_or_two_or_twice_the_log_is_the_same(events: list[Event], cut: int) -> None:
    whole, pieces = [], []
    with tempfile.TemporaryDirectory() as root, Log.open(Home(Path(root))) as log:
        log.append(Batch(tuple(events)))
        assert log.append(Batch(tuple(events))).new == 0
        whole = tables(log)
    with tempfile.TemporaryDirectory() as root, Log.open(Home(Path(root))) as log:
        log.append(Batch(tuple(events[:cut])))
        log.append(Batch(tuple(events[cut:])))
        pieces = tables(log)
    assert whole == pieces


def tables(log: Log, at_once: int = state.SLICE) -> list[list[tuple[object, ...]]]:
    state.derive(log.connection, at_once=at_once)
    return [
        sorted(log.connection.execute(f"from {name}").pl().rows(), key=repr)
        for name in ("events", *state.TABLES)
    ]
