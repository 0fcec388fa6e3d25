"""What happened between two snapshots: enough to make the later of the earlier, and nothing else."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from wire.boards import BOARD, FIRST, SOURCE, snapshots

from ingest.diff import apply, comparable, diff, things
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import ACTIONS, Batch, Entity, Snapshot
from warehouse.reading import Warehouse

CARD = {
    "title": "Tulips",
    "column_id": "k-1",
    "position": 1.0,
    "archived": False,
    "labels": ["red"],
    "member_ids": [],
}


def board(*entities: Entity, minutes: int = 0) -> Snapshot:
    return Snapshot(SOURCE, BOARD, FIRST + timedelta(minutes=minutes), entities)


def card(**fields) -> Entity:
    return Entity("card", "c-1", CARD | fields)


def happened(before: Snapshot, after: Snapshot) -> list[tuple[str, dict, dict]]:
    return [(event.action, dict(event.before), dict(event.after)) for event in diff(before, after)]


@settings(max_examples=60, deadline=None)
@given(snapshots(0), snapshots(5))
def test_what_differs_makes_the_later_board_of_the_earlier(before, after):
    assert things(apply(before, diff(before, after))) == things(after)


@settings(max_examples=60, deadline=None)
@given(snapshots(0), st.randoms())
def test_nothing_happens_between_a_board_and_itself_in_whatever_order(one, shuffle):
    entities = list(one.entities)
    shuffle.shuffle(entities)
    assert diff(one, replace(one, entities=tuple(entities))) == ()


@settings(max_examples=60, deadline=None)
@given(snapshots(0), snapshots(5), snapshots(9))
def test_every_event_is_inferred_has_an_id_of_its_own_and_a_word_everybody_knows(first, second, third):
    told = [*diff(first, second), *diff(second, third)]
    assert len({event.event_id for event in told}) == len(told)
    assert all(event.inferred and event.actor_id is None and event.action in ACTIONS for event in told)
    assert all(event.occurred_at in (second.taken_at, third.taken_at) for event in told)
    assert told == [*diff(first, second), *diff(second, third)]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"column_id": "k-2", "position": 3.0},
         [("card.moved", {"column_id": "k-1", "position": 1.0}, {"column_id": "k-2", "position": 3.0})]),
        ({"position": 3.0}, [("card.reordered", {"position": 1.0}, {"position": 3.0})]),
        ({"title": "Roses"}, [("card.updated", {"title": "Tulips"}, {"title": "Roses"})]),
        ({"archived": True}, [("card.archived", {"archived": False}, {"archived": True})]),
        ({"member_ids": ["ana"]}, [("card.assigned", {}, {"member_ids": ["ana"]})]),
        ({"labels": ["blue"]}, [("card.labeled", {}, {"labels": ["blue"]}), ("card.unlabeled", {"labels": ["red"]}, {})]),
        ({"deleted": True}, [("card.deleted", {}, {})]),
    ],
)  # fmt: skip
def test_each_change_of_a_card_has_its_word(changed, told):
    assert happened(board(card()), board(card(**changed), minutes=5)) == told


def test_what_comes_and_goes_is_told_with_all_that_is_known():
    item = Entity("checklist_item", "i-1", {"text": "Dig", "done": False, "card_id": "c-1"})
    ana = Entity("member", "ana", {"name": "Ana"})
    came = diff(board(), board(card(), item, ana, minutes=5))
    assert [(event.action, event.card_id, event.column_to) for event in came] == [
        ("member.joined", None, None),
        ("card.created", "c-1", "k-1"),
        ("checklist.created", "c-1", None),
    ]
    went = diff(
        board(card(), item, ana), board(replace(item, fields={**item.fields, "done": True}), minutes=5)
    )
    assert [(event.action, event.card_id) for event in went] == [
        ("checklist.checked", "c-1"),
        ("card.deleted", "c-1"),
        ("member.left", None),
    ]


def test_an_event_tells_between_which_instants_it_happened():
    (moved,) = diff(board(card()), board(card(column_id="k-2"), minutes=5), interval=timedelta(minutes=5))
    assert (moved.occurred_at, moved.observed_at) == (FIRST + timedelta(minutes=5),) * 2
    assert (moved.column_from, moved.column_to) == ("k-1", "k-2")
    assert moved.payload["inferred"] == {
        "from": "2026-03-10T09:00:00+00:00",
        "to": "2026-03-10T09:05:00+00:00",
        "interval_seconds": 300.0,
    }


@pytest.mark.parametrize(("minute", "at"), [(3, 3), (-60, 5), (9, 5)])
def test_a_new_card_that_says_when_it_was_made_was_made_then_if_that_can_be(minute, at):
    made = card(created_at=(FIRST + timedelta(minutes=minute)).isoformat())
    (created,) = diff(board(), board(made, minutes=5))
    assert created.occurred_at == FIRST + timedelta(minutes=at)


def test_two_different_boards_are_not_compared():
    with pytest.raises(ValueError, match="b-2"):
        diff(board(), replace(board(), board_id="b-2"))


# what the log knows, held against what a snapshot says -------------------------------------------


def drift(known: Snapshot, seen: Snapshot) -> list[tuple[str, dict, dict]]:
    return happened(comparable(known, seen), seen)


def test_what_a_snapshot_does_not_speak_of_is_not_compared():
    comment = Entity("comment", "m-1", {"content": "Wet", "card_id": "c-1"})
    left = Entity("member", "zoe", {"name": "Zoe"})
    known = board(
        card(url="https://x", created_by="ana", created_at="2026-03-01T00:00:00+00:00"), comment, left
    )
    seen = board(card(human_id="G-1", created_at="2026-03-01T00:00:00.120Z"), minutes=5)
    assert drift(known, seen) == []


def test_the_same_in_other_words_is_the_same():
    known = board(card(due_at="2026-03-12T17:00:00Z", due_done=None, description=None, cover=None))
    seen = board(
        card(due_at="2026-03-12T17:00:00+00:00", due_done=False, description="", cover=None), minutes=5
    )
    assert drift(known, seen) == []


def test_what_both_speak_of_and_tell_differently_has_drifted():
    second = Entity("card", "c-2", {"title": "Ivy", "due_at": None})
    known = board(card(due_at="2026-03-12T17:00:00Z"), second)
    seen = board(
        card(due_at=None),
        replace(second, fields={"title": "Ivy", "due_at": "2026-03-13T17:00:00Z"}),
        minutes=5,
    )
    assert [action for action, _, _ in drift(known, seen)] == ["card.updated", "card.updated"]
    assert drift(known, board(minutes=5)) == [("card.deleted", {}, {}), ("card.deleted", {}, {})]


@settings(max_examples=60, deadline=None)
@given(snapshots(0))
def test_what_is_known_never_differs_from_itself(known):
    assert diff(comparable(known, known), known) == ()


# and what the warehouse makes of it --------------------------------------------------------------


def _standing(home: Home) -> dict[str, list[tuple]]:
    """What stands on the board by the published tables: what is archived, deleted, and all the rest."""
    with Warehouse.open(home) as warehouse:
        return {
            "cards": warehouse.frame(
                """select card_id, title, description, column_id, position, due_at, due_done, archived_at is not null,
                   assignee_ids, labels from cards where deleted_at is null order by card_id"""
            ).rows(),
            "columns": warehouse.frame(
                """select column_id, title, position, is_done, archived_at is not null from columns
                   where deleted_at is null order by column_id"""
            ).rows(),
            "comments": warehouse.frame(
                "select comment_id, card_id, content from comments where deleted_at is null order by 1"
            ).rows(),
            "items": warehouse.frame(
                """select item_id, card_id, checklist, text, done, position from checklist_items
                   where deleted_at is null order by 1"""
            ).rows(),
            "boards": warehouse.frame("select title, url, archived_at is not null from boards").rows(),
        }


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(snapshots(0, whole=True), snapshots(5, whole=True))
def test_the_state_that_follows_from_what_differs_is_the_later_board(before, after):
    with tempfile.TemporaryDirectory() as folder:
        looked, shown = Home(Path(folder) / "looked"), Home(Path(folder) / "shown")
        for home, batches in (
            (looked, [Batch(snapshot=before), Batch(diff(before, after))]),
            (shown, [Batch(snapshot=after)]),
        ):
            home.root.mkdir()
            with Log.open(home) as log:
                for batch in batches:
                    log.append(batch)
                log.publish()
        assert _standing(looked) == _standing(shown)
