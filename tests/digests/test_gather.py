"""Which window a person is told, from the published warehouse and their cursor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digests import ledger
from digests.gather import NoSuchWindow, gather
from digests.people import find
from small_team import Team, fill
from warehouse.home import Home
from warehouse.model import Entity, Snapshot, Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture
def team(home: Home) -> Team:
    return fill(home)


def test_without_a_cursor_the_first_window_begins_at_the_beginning_and_tells_a_week(team: Team) -> None:
    old = team.event("card.moved", "c8", "kenji", timedelta(days=30), column_from="todo", column_to="doing")
    team.append(old)

    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW)

    assert (catch_up.window, catch_up.first) == (Window(0, 5), True)
    assert catch_up.accounted.excluded["before_first"] == (5,)
    assert catch_up.from_at == NOW - timedelta(days=7)


def test_what_arrives_late_is_told_in_the_next_window_and_marked(team: Team) -> None:
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)
    team.append(
        team.event("card.moved", "c8", "kenji", timedelta(days=2), column_from="todo", column_to="doing")
    )

    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW)

    assert catch_up.window == Window(4, 5)
    assert [line.late for line in catch_up.lines] == [True]


def test_the_history_of_a_board_imported_later_floods_nobody(team: Team) -> None:
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)
    told = [
        team.event("card.moved", "old", "kenji", timedelta(days=days), column_from="todo", column_to="doing")
        for days in (400, 300, 2)
    ]
    members = Snapshot("flux", "b9", NOW, (Entity("member", "ada", {"name": "Ada Berlin"}),))
    team.append(*(replace(event, board_id="b9") for event in told), snapshot=members)

    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW)

    assert catch_up.window == Window(4, 7)
    assert catch_up.accounted.excluded["before_first"] == (5, 6)
    assert 7 in (*catch_up.accounted.shown, *catch_up.accounted.folded)


def test_since_an_instant_leaves_out_what_was_before_and_counts_it(team: Team) -> None:
    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW, since=NOW - timedelta(hours=8))

    lines = list(catch_up.lines)
    assert all(line.at > NOW - timedelta(hours=8) for line in lines)
    excluded = sum(len(offsets) for offsets in catch_up.accounted.excluded.values())
    assert catch_up.window.upto == 4
    assert (
        len(catch_up.accounted.shown) + len(catch_up.accounted.folded) + excluded == 4 - catch_up.window.after
    )


def test_after_an_offset_nothing_is_too_old(team: Team) -> None:
    team.append(
        team.event("card.moved", "c8", "kenji", timedelta(days=90), column_from="todo", column_to="doing")
    )

    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW, after=4)

    assert catch_up.accounted.shown == (5,)
    assert not catch_up.first


def test_a_card_without_an_address_leads_to_the_live_board(team: Team) -> None:
    team.append(
        team.event("card.created", "c99", "kenji", timedelta(), after={"title": "Bare"}, column_to="todo")
    )

    catch_up = gather(
        team.home, find(team.home, "ada-berlin"), now=NOW, after=4, page_url="http://127.0.0.1:8500"
    )

    assert [line.url for line in catch_up.lines] == ["http://127.0.0.1:8500/live_board?board=b1"]


def test_an_offset_beyond_the_log_is_refused(team: Team) -> None:
    with pytest.raises(NoSuchWindow, match="nothing after offset 99: the log ends at 4"):
        gather(team.home, find(team.home, "ada-berlin"), now=NOW, after=99)


def test_who_has_left_a_board_sees_nothing_more_of_it(team: Team) -> None:
    team.append(team.event("member.left", None, "kenji", timedelta(hours=1), entity_id="ada"))

    catch_up = gather(team.home, find(team.home, "ada-berlin"), now=NOW)

    assert list(catch_up.lines) == []
    assert catch_up.accounted.excluded == {"not_on_board": (1, 2, 3, 4, 5)}
