"""Boards that tell no log are read by looking: what differs has happened, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from wire.standing import START, Ringing, Standing, card

from ingest.looking import Looks
from ingest.sync import pull
from warehouse.log import Log
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


def test_a_board_cut_short_is_believed_when_the_next_look_shows_it_too(home):
    whole = Standing(things=tuple(card(f"c-{n}") for n in range(30)))
    look(home, whole)
    short = Standing(things=whole.things[:9], looks=5)
    with Log.open(home) as log:
        looks = Looks(log)
        assert looks.batch(short.snapshot("b-1", short.clock), None) is None
        back = looks.batch(replace(whole, looks=7).snapshot("b-1", whole.clock), None)
        assert back is not None
        assert back.events == ()
        assert looks.batch(short.snapshot("b-1", short.clock), None) is None
        gone = looks.batch(short.snapshot("b-1", short.clock), None)
    assert gone is not None
    assert [event.action for event in gone.events] == ["card.deleted"] * 21


def test_a_board_that_begins_to_tell_a_log_tells_nothing_again_that_looks_have_told(home):
    look(home, Standing())
    look(home, Standing(things=(card(column_id="k-2"),), looks=5))
    log = [
        happened(2, "card.created"),
        happened(5, "card.moved"),
        happened(8, "card.archived"),
        happened(9, "card.deleted"),
    ]
    source = Standing(level="log", log=log[:2], looks=9)
    look(home, source)
    assert [event.event_id for event in told(home) if not event.inferred] == [], "the looks have told it"
    source.log = log
    look(home, source)
    look(home, source)
    assert [event.event_id for event in told(home) if not event.inferred] == ["e-8", "e-9"]


def happened(minute: int, action: str) -> Event:
    at = START + timedelta(minutes=minute)
    return Event("standing", f"e-{minute}", "b-1", action, "card", "c-1", at, at, card_id="c-1")
