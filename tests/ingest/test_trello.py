"""Reading export files: order, snapshot, what came before the window, and files that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.exports import ANA, BOARD, CARD, DONE, START, TODO, action, card, column, export

from ingest.sources.trello import BadExport, batch, read
from ingest.sources.trello_fields import made_at
from ingest.sync import import_file
from warehouse.model import Window
from warehouse.reading import Warehouse

LATER = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
CREATION = action("createCard", 1, card=card(), list=column())
MOVE = action(
    "updateCard", 2, card=card(idList=DONE), old={"idList": TODO}, listBefore=column(), listAfter=column(DONE)
)


def write(path, told) -> object:
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


def events_of(home) -> list:
    with Warehouse.open(home) as warehouse:
        return warehouse.events(Window(0, warehouse.head()))


def test_events_come_oldest_first_with_their_own_times(now):
    first, second = batch(export([CREATION, MOVE]), now).events
    assert (first.occurred_at, second.occurred_at) == (
        START + timedelta(minutes=1),
        START + timedelta(minutes=2),
    )
    assert {first.observed_at, second.observed_at} == {now}


@given(st.lists(st.integers(0, 5), max_size=12))
def test_actions_of_one_instant_stay_in_the_order_they_happened(minutes):
    actions = [
        action("voteOnCard", number=minute) | {"id": str(place)}
        for place, minute in enumerate(sorted(minutes))
    ]
    told = export([]) | {"actions": actions[::-1], "cards": []}
    assert [event.event_id for event in batch(told, LATER).events] == [each["id"] for each in actions]


def test_an_action_without_id_or_date_is_kept_and_tells_itself_once(now, home, tmp_path):
    told = export([CREATION, {"type": "voteOnCard"}, {"id": "x"}], cards=[])
    path = write(tmp_path / "board.json", told)
    assert [import_file(home, path, now).new for _ in range(2)] == [3, 0]
    assert [event.action for event in events_of(home)].count("unknown") == 2


def test_a_card_made_before_the_window_gets_an_inferred_creation(now):
    made, moved = batch(export([MOVE]), now).events
    assert (made.action, made.inferred, made.event_id) == (
        "card.created",
        True,
        f"inferred:card.created:{CARD}",
    )
    assert made.occurred_at == min(made_at(CARD), START + timedelta(minutes=2, microseconds=-1))
    assert made.column_to == TODO  # where the first move it knows of came from
    assert not moved.inferred


def test_a_creation_an_earlier_export_told_is_not_inferred_again(home, tmp_path, now):
    import_file(home, write(tmp_path / "first.json", export([CREATION])), now)
    second = import_file(home, write(tmp_path / "second.json", export([MOVE])), now)
    assert second.new == 1
    assert not any(event.inferred for event in events_of(home))


def test_an_inferred_creation_is_told_once(home, tmp_path, now):
    path = write(tmp_path / "board.json", export([MOVE]))
    assert [import_file(home, path, now).new for _ in range(2)] == [2, 0]


def test_people_who_left_are_still_known_by_name(now):
    gone = {"id": "m9", "fullName": "Gone Away", "username": "gone"}
    told = export([CREATION | {"memberCreator": gone, "idMemberCreator": "m9"}])
    members = {
        each.entity_id: each.fields
        for each in batch(told, now).snapshot.entities
        if each.entity_type == "member"
    }
    assert members == {
        ANA: {"name": "Ana Lima", "username": "ana"},
        "m9": {"name": "Gone Away", "username": "gone"},
    }


def test_the_snapshot_says_what_no_action_does(now):
    told = export(
        [CREATION],
        cards=[
            card(
                idList=TODO,
                desc="By the wall",
                closed=True,
                pos=3,
                due="2021-06-01T12:00:00+02:00",
                idLabels=["l2"],
            )
        ],
        checklists=[
            {
                "id": "k",
                "name": "Shed",
                "idCard": CARD,
                "checkItems": [{"id": "i", "name": "Dig", "state": "complete"}],
            }
        ],
    )
    seen = batch(told, now).snapshot
    fields = {each.entity_id: each.fields for each in seen.entities}
    assert fields[CARD]["description"] == "By the wall"
    assert (fields[CARD]["archived"], fields[CARD]["labels"], fields[CARD]["created_by"]) == (
        True,
        ["Urgent"],
        ANA,
    )
    assert fields[CARD]["due_at"] == "2021-06-01T10:00:00+00:00"
    assert fields["i"] == {"text": "Dig", "checklist": "Shed", "done": True, "card_id": CARD}
    assert fields[BOARD]["title"] == "Garden"
    assert seen.taken_at == datetime(2021, 5, 17, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not json", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON in UTF-8"),
        (b"[]", "no Trello export"),
        (b'{"id": "b"}', "no Trello export"),
        (b'{"actions": []}', "no Trello export"),
        (b'{"id": "b", "actions": {}}', "no Trello export"),
        (b"[" * 100_000, "is not JSON"),
        (b"", "is not JSON"),
    ],
)
def test_a_file_that_is_no_export_changes_nothing_and_says_why(content, why, home, tmp_path, now):
    path = tmp_path / "board.json"
    path.write_bytes(content)
    with pytest.raises(BadExport, match=why) as refused:
        import_file(home, path, now)
    assert str(path) in str(refused.value)
    assert "export the board again" in str(refused.value)
    assert not home.warehouse_dir.exists()


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_path_that_is_no_file_is_named(name, tmp_path, now):
    with pytest.raises(BadExport, match="cannot read"):
        read(tmp_path / name, now)


def test_half_a_surrogate_pair_and_nan_are_survived(home, tmp_path, now):
    text = json.dumps(export([CREATION], name="Gar\ud83cden")).replace(
        '"idShort": 7', '"idShort": 7, "odd": NaN'
    )
    assert import_file(home, write(tmp_path / "board.json", text), now).new == 1
