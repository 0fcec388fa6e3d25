"""Boards that tell no log are read by looking: what differs has happened, and nothing else."""

from __future__ import annotations

from wire.standing import Ringing, Standing, card

from ingest.sync import pull
from warehouse.model import Event, Window
from warehouse.reading import Warehouse


def told(home) -> list[Event]:
    with Warehouse.open(home) as warehouse:
        return warehouse.events(Window(0, warehouse.head()))


def look(home, source: Standing) -> str:
    (summary,) = pull(home, source, clock=source.clock)
    return str(summary)


def test_the_first_look_invents_nothing(home):
    line = look(home, Standing())
    assert "level=poll events=0 new=0 unknown=0" in line
    assert told(home) == []
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["title"].to_list() == ["Tulips"]


def test_the_next_look_tells_what_differs_although_the_reader_was_restarted(home):
    look(home, Standing())
    look(home, Standing(things=(card(column_id="k-2"), card("c-2", title="Roses")), looks=5))
    assert [(event.action, event.inferred, event.actor_id) for event in told(home)] == [
        ("card.moved", True, None),
        ("card.created", True, None),
    ]
    assert told(home)[0].payload["inferred"]["to"] == "2026-03-10T09:06:00+00:00"


def test_a_look_that_shows_the_same_tells_nothing(home):
    for looks in (0, 5, 9):
        look(home, Standing(looks=looks))
    assert told(home) == []


def test_what_was_taken_away_and_put_back_stands_again(home):
    look(home, Standing())
    look(home, Standing(things=(), looks=5))
    look(home, Standing(looks=9))
    assert [event.action for event in told(home)] == ["card.deleted", "card.created"]
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards()["deleted_at"].to_list() == [None]


def test_a_board_that_only_rings_is_read_by_looking_too(home):
    assert "level=bell" in look(home, Ringing())
    look(home, Ringing(things=(card(title="Ivy"),), looks=5))
    assert [event.action for event in told(home)] == ["card.updated"]
