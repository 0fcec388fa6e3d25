"""What the log never told is found by holding it against the board, and believed only when it stays so."""

from __future__ import annotations

from dataclasses import replace

from wire.standing import START, Standing, card

from ingest.reconcile import drifted
from ingest.sync import pull, reconcile
from warehouse.model import Event, Snapshot, Window
from warehouse.reading import Warehouse


def told(home) -> list[Event]:
    with Warehouse.open(home) as warehouse:
        return warehouse.events(Window(0, warehouse.head()))


def moved(number: int = 1, card_id: str = "c-1") -> Event:
    return Event(
        "standing", f"e-{number}", "b-1", "card.moved", "card", card_id, START, START, card_id=card_id,
        column_from="k-1", column_to="k-2", before={"column_id": "k-1"}, after={"column_id": "k-2"},
    )  # fmt: skip


def test_a_board_whose_log_tells_everything_has_not_drifted(home, board):
    board_id, (todo, done) = board.make_board()
    first = board.add_card(board_id, todo, "Tulips")
    board.add_card(board_id, todo, "Roses")
    board.ask("PATCH", "/api/cards", {"cardId": first, "columnId": done, "dueDate": "2026-04-01T10:00:00Z"})
    board.ask(
        "PATCH", "/api/cards", {"cardId": first, "title": "Tulips, red", "archivedAt": "2026-03-02T10:00:00Z"}
    )
    board.ask("PUT", "/api/columns/reorder", {"boardId": board_id, "columnIds": [done, todo]})
    board.ask("PATCH", f"/api/boards/{board_id}", {"title": "Yard"})
    with board.flux() as flux:
        pull(home, flux, clock=board.clock)
        (drift,) = reconcile(home, flux, clock=board.clock)
    assert (drift.drift, drift.suspected) == (0, 0)


def test_what_the_log_never_told_becomes_inferred_events_once(home):
    source = Standing(level="log")
    pull(home, source, clock=source.clock)
    source.things = (card(title="Roses"), card("c-2"))
    (first,) = reconcile(home, source, clock=source.clock)
    (second,) = reconcile(home, source, clock=source.clock)
    assert (first.drift, second.drift) == (2, 0)
    assert str(first) == "reconcile source=standing board=b-1 things=2 drift=2 suspected=0"
    assert [(event.action, event.inferred) for event in told(home)] == [
        ("card.updated", True),
        ("card.created", True),
    ]
    assert "reconciled" in told(home)[0].payload
    with Warehouse.open(home) as warehouse:
        assert sorted(warehouse.cards()["title"]) == ["Roses", "Tulips"]


def test_what_changed_while_nobody_read_is_told_and_not_just_taken_as_it_stands(home):
    source = Standing(level="log")
    pull(home, source, clock=source.clock)
    source.things = (card(title="Roses"),)
    pull(home, source, clock=source.clock)  # a reader that knows nothing of the one before
    (drift,) = reconcile(home, source, clock=source.clock)
    assert drift.drift == 1
    assert [(event.action, event.after) for event in told(home)] == [("card.updated", {"title": "Roses"})]


def test_what_the_log_tells_meanwhile_is_no_drift(home):
    source = Standing(level="log")
    pull(home, source, clock=source.clock)
    source.log.append(moved())  # the look still shows the card where it was
    (drift,) = reconcile(home, source, clock=source.clock)
    assert drift.drift == 0
    assert [event.event_id for event in told(home)] == ["e-1"]


def test_things_that_have_gone_on_since_the_look_are_left_alone():
    known = Snapshot("standing", "b-1", START, (card(column_id="k-2"), card("c-2", column_id="k-2")))
    seen = replace(known, entities=(card(), card("c-2")))
    assert [event.entity_id for event in drifted(known, seen, frozenset({("card", "c-1")}))] == ["c-2"]
