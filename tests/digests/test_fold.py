"""The laws of folding, and what a card's net change is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digests.fold import Facet, fold, merge
from warehouse.model import Event

START = datetime(2026, 3, 9, tzinfo=UTC)
COLUMNS = st.sampled_from(["todo", "doing", "done"])
CARDS = st.sampled_from(["c1", "c2"])
PEOPLE = st.sampled_from(["ana", "ben", "chen"])


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to 30 events in log order, with times that do not follow it."""
    events = []
    for offset in range(1, draw(st.integers(0, 30)) + 1):
        action = draw(st.sampled_from(sorted(FIELDS)))
        events.append(
            Event(
                source="flux",
                event_id=f"e{offset}",
                board_id="b",
                action=action,
                entity_type="card",
                entity_id=f"k{draw(st.integers(0, 3))}",
                occurred_at=START + timedelta(minutes=draw(st.integers(0, 20))),
                observed_at=START,
                card_id=draw(CARDS),
                actor_id=draw(PEOPLE),
                event_offset=offset,
                **draw(FIELDS[action]),
            )
        )
    return events


FIELDS = {
    "card.moved": st.fixed_dictionaries({"column_from": COLUMNS, "column_to": COLUMNS}),
    "card.created": st.fixed_dictionaries({"column_to": COLUMNS}),
    "card.deleted": st.just({}),
    "card.archived": st.just({"after": {"archived": True}}),
    "card.unarchived": st.just({"after": {"archived": False}}),
    "card.updated": st.just(
        {"before": {"title": "Old"}, "after": {"title": "New", "due_at": "2026-04-01T10:00:00Z"}}
    ),
    "card.assigned": st.fixed_dictionaries(
        {"after": st.fixed_dictionaries({"member_ids": st.lists(PEOPLE, max_size=2)})}
    ),
    "card.unassigned": st.fixed_dictionaries(
        {"before": st.fixed_dictionaries({"member_ids": st.lists(PEOPLE, max_size=2)})}
    ),
    "card.labeled": st.just({"after": {"labels": ["bug"]}}),
    "comment.created": st.just({"after": {"content": "Hello"}}),
    "comment.deleted": st.just({}),
    "checklist.checked": st.just({}),
    "checklist.unchecked": st.just({}),
    "card.reordered": st.just({}),
    "unknown": st.just({}),
}


@given(histories(), st.data())
def test_folding_two_halves_and_merging_is_folding_the_whole(
    events: list[Event], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))

    assert merge(fold(events[:cut]), fold(events[cut:])) == fold(events)


@given(histories(), st.data())
def test_any_three_parts_merge_in_any_grouping(events: list[Event], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), min_size=2, max_size=2)))
    one, two, three = fold(events[: cuts[0]]), fold(events[cuts[0] : cuts[1]]), fold(events[cuts[1] :])

    assert merge(merge(one, two), three) == merge(one, merge(two, three)) == fold(events)


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_events_are_given_in_does_not_matter(events: list[Event], random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert fold(shuffled) == fold(events)


@given(histories())
def test_merging_a_part_twice_changes_nothing(events: list[Event]) -> None:
    assert merge(fold(events), fold(events[: len(events) // 2])) == fold(events)


def test_there_and_back_is_no_net_change(story) -> None:
    story.move("ana", "c3", "todo", "doing")
    story.move("ana", "c3", "doing", "todo")

    net = fold(story.events)[Facet("c3", "column")]

    assert not net.changed
    assert net.offsets == (1, 2)


def test_a_late_event_takes_its_place_by_when_it_happened(story) -> None:
    story.move("ana", "c3", "doing", "done", ago=timedelta(hours=1))
    story.move("ana", "c3", "todo", "doing", ago=timedelta(hours=2))

    net = fold(story.events)[Facet("c3", "column")]

    assert (net.before, net.after) == ("todo", "done")


def test_undoing_a_deletion_takes_it_back(story) -> None:
    story.tell("card.deleted", "ana", "c3")
    story.tell("action.undone", "ana", "c3", entity="card", after={"deleted": False})

    assert not fold(story.events)[Facet("c3", "exists")].changed
