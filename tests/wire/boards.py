"""Generated boards: snapshots with everything that a source may say of a thing, and leave out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from warehouse.model import Entity, Snapshot

SOURCE, BOARD = "poll", "b-1"
FIRST = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
COLUMNS, PEOPLE, LABELS = ("k-1", "k-2", "k-3"), ("ana", "ben", "chi"), ("red", "green", "Señal 🌷")

_texts = st.sampled_from(["", "Tulips", "Roses", "öl & 水 🌷", "x" * 40])
_numbers = st.sampled_from([0.0, 1.0, 2.5, 65535.0])
_instants = st.sampled_from([None, "2026-03-12T17:00:00+00:00", "2026-04-01T08:30:00+00:00"])
_FIELDS = {
    "board": {"title": _texts, "url": _texts, "archived": st.booleans()},
    "column": {"title": _texts, "position": _numbers, "is_done": st.booleans(), "archived": st.booleans()},
    "card": {
        "title": _texts,
        "description": st.none() | _texts,
        "column_id": st.sampled_from(COLUMNS),
        "position": _numbers,
        "due_at": _instants,
        "due_done": st.booleans(),
        "archived": st.booleans(),
        "member_ids": st.lists(st.sampled_from(PEOPLE), unique=True),
        "labels": st.lists(st.sampled_from(LABELS), unique=True),
        "cover": st.none() | _texts,
    },
    "comment": {"content": _texts, "card_id": st.sampled_from(["c-0", "c-1"]), "member_id": st.sampled_from(PEOPLE)},
    "checklist_item": {
        "text": _texts,
        "done": st.booleans(),
        "checklist": st.none() | _texts,
        "position": _numbers,
        "card_id": st.sampled_from(["c-0", "c-1"]),
    },
    "member": {"name": _texts, "username": _texts},
}  # fmt: skip


def _things(kind: str, ids: tuple[str, ...], *, whole: bool) -> st.SearchStrategy[list[Entity]]:
    fields = (
        st.fixed_dictionaries(_FIELDS[kind]) if whole else st.fixed_dictionaries({}, optional=_FIELDS[kind])
    )
    entity = st.builds(Entity, st.just(kind), st.sampled_from(ids), fields)
    return st.lists(entity, unique_by=lambda each: each.entity_id, max_size=len(ids))


def snapshots(minutes: int, *, whole: bool = False) -> st.SearchStrategy[Snapshot]:
    """Boards as they stand some minutes after the start; `whole` ones say every field of everything."""
    board = st.builds(Entity, st.just("board"), st.just(BOARD), st.fixed_dictionaries(_FIELDS["board"]))
    kinds = [
        _things("column", COLUMNS, whole=whole),
        _things("card", tuple(f"c-{number}" for number in range(5)), whole=whole),
        _things("comment", ("m-1", "m-2"), whole=whole),
        _things("checklist_item", ("i-1", "i-2"), whole=whole),
        _things("member", PEOPLE, whole=whole),
    ]
    return st.tuples(board, *kinds).map(lambda told: _board(minutes, told))


def _board(minutes: int, told: tuple[Entity | list[Entity], ...]) -> Snapshot:
    """What hangs on a card is only there where the card is."""
    board, *kinds = told
    entities = [board, *(each for kind in kinds for each in kind)]
    cards = {each.entity_id for each in kinds[1]}
    standing = tuple(each for each in entities if each.fields.get("card_id") in {None, *cards})
    return Snapshot(SOURCE, BOARD, FIRST + timedelta(minutes=minutes), standing)
