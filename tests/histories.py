"""Generated histories of small boards: batches of events and snapshots, some told twice, late or by another clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import Phase
from hypothesis import strategies as st

from warehouse.model import Batch, Entity, Event, Snapshot

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Each example opens databases, so making a failing one smaller would outlast the test's time.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)

some_card = st.sampled_from(["c1", "c2", "c3"])
some_people = st.lists(st.sampled_from(["m1", "m2", "m3"]), max_size=2, unique=True)
some_fields = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["A", "B", None]),
        "archived": st.booleans(),
        "member_ids": some_people,
        "labels": st.lists(st.sampled_from(["red", "blue"]), max_size=2, unique=True),
        "due_at": st.sampled_from(["2026-05-01T00:00:00Z", None, "no date"]),
        "created_at": st.just("2026-01-01T00:00:00Z"),
        "card_id": some_card,
        "member_id": st.sampled_from(["m4", "m5"]),
    },
)
some_boards = st.sampled_from(["b1", "b2"])
some_things = st.sampled_from(
    [
        ("card", "created updated moved archived unarchived deleted restored assigned".split()),
        ("comment", "created updated deleted".split()),
        ("column", "created updated archived".split()),
        ("checklist_item", "created checked unchecked deleted".split()),
        ("member", "joined left updated".split()),
        ("board", "created updated deleted".split()),
    ]
)


@st.composite
def some_event(draw: st.DrawFn) -> Event:
    entity_type, verbs = draw(some_things)
    card_id = draw(some_card) if entity_type in ("card", "comment", "checklist_item") else None
    number = draw(st.integers(0, 30))
    names = {"card": card_id, "board": None, "member": draw(st.sampled_from(["m1", "m6"]))}
    return Event(
        source=draw(st.sampled_from(["flux", "trello"])),
        event_id=f"e{number}",
        board_id=draw(some_boards),
        action=f"{entity_type.removesuffix('_item')}.{draw(st.sampled_from(verbs))}",
        entity_type=entity_type,
        entity_id=names.get(entity_type, draw(st.sampled_from(["x1", "x2"]))),
        card_id=card_id,
        actor_id=draw(st.sampled_from(["m1", "m2", None])),
        occurred_at=START + timedelta(minutes=number * 7 % 6),  # never another for the same event
        observed_at=START,
        column_to=draw(st.sampled_from(["k1", "k2", None])) if entity_type == "card" else None,
        before=draw(some_fields),
        after=draw(some_fields),
    )


@st.composite
def some_snapshot(draw: st.DrawFn) -> Snapshot:
    kinds = {
        "card": ["c1", "c2", "c4"],
        "comment": ["x1"],
        "member": ["m1", "m9"],
        "column": ["k1"],
        "board": ["b1"],
    }
    entities = [
        Entity(kind, thing, draw(some_fields))
        for kind, things in kinds.items()
        for thing in things
        if draw(st.booleans())
    ]
    at = START + timedelta(minutes=draw(st.integers(0, 9)))
    return Snapshot("flux", draw(some_boards), at, tuple(entities))


some_batch = st.builds(
    Batch, st.lists(some_event(), max_size=6).map(tuple), st.one_of(st.none(), some_snapshot()), st.none()
)
