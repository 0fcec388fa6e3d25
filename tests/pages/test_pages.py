"""Each page, run without a browser on a small warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from digests import ledger
from digests.people import find, people
from pages import _board, _parts, _sql
from small_team import NOW, Team, mailed
from warehouse.model import Window

Page = Callable[..., AppTest]


@pytest.mark.parametrize("name", ["catch_up", "live_board", "time_zones", "you", "delivery", "sql"])
def test_before_the_first_publish_a_page_says_how_to_begin(page: Page, name: str) -> None:
    test = page(name)
    assert not test.exception
    assert test.subheader[0].value == "Nothing to show yet"
    assert "daybreak up" in words(test)


def test_catch_up_asks_who_you_are(team: Team, page: Page) -> None:
    test = page("catch_up")
    assert test.selectbox(key="person").options == ["Ada Berlin", "Kenji Tokyo", "Nia New York"]
    assert not test.button


def test_catch_up_tells_what_others_did_and_why_it_concerns_you(team: Team, page: Page) -> None:
    test = page("catch_up", person="Ada Berlin")
    assert not test.exception
    told = words(test)
    assert "Waiting on you" in told
    assert "mentions you" in told
    assert "Kenji Tokyo" in told
    assert 'title="Tue 10 Mar 2026 03:00 UTC">04:00</time>' in told, "local to Berlin, UTC when pointed at"
    assert "4 events:" in told


def test_caught_up_moves_the_cursor_to_what_was_shown_and_undo_moves_it_back(team: Team, page: Page) -> None:
    test = page("catch_up", person="Ada Berlin")
    team.move("c7", "todo", "doing")  # happens while Ada reads
    person = find(team.home, "Ada Berlin").person_id
    button(test, "I'm caught up").click().run()
    read = ledger.cursor(team.home, person)
    assert read
    assert read.window.upto == 4, "what happened while she read was not read"
    assert "Card number 7" in words(test)
    button(test, "Undo “I'm caught up”").click().run()
    assert ledger.cursor(team.home, person) is None
    assert "mentions you" in words(test)


def test_nothing_new_is_a_friendly_sentence(team: Team, page: Page) -> None:
    ledger.caught_up(team.home, find(team.home, "Ada Berlin").person_id, 4, NOW)
    test = page("catch_up", person="Ada Berlin")
    assert not test.exception
    assert "Nothing changed for you since" in test.success[0].value


def test_who_was_told_by_mail_can_look_back(team: Team, page: Page) -> None:
    ledger.caught_up(team.home, find(team.home, "Ada Berlin").person_id, 4, NOW)
    test = page("catch_up", person="Ada Berlin", since="24 hours")
    assert not test.exception
    assert "mentions you" in words(test)


def test_a_mail_is_not_a_visit_the_page_shows_what_it_told_until_you_are_caught_up(
    team: Team, page: Page
) -> None:
    (person,) = (one for one in people(team.home) if one.name == "Ada Berlin")
    mailed(team.home, person.person_id, Window(0, 4), NOW)
    test = page("catch_up", person="Ada Berlin")
    assert "What your mail of" in test.caption[0].value
    assert "mentions you" in words(test)
    button(test, "I'm caught up").click().run()
    assert "Nothing changed for you since" in test.success[0].value
    button(test, "Undo “I'm caught up”").click().run()
    assert "mentions you" in words(test)


def test_to_look_at_the_page_is_to_have_come(team: Team, page: Page) -> None:
    ada = find(team.home, "Ada Berlin").person_id
    mailed(team.home, ada, Window(0, 4), NOW - timedelta(hours=1))
    assert find(team.home, ada).unread == 1

    page("catch_up", person="Ada Berlin")

    assert find(team.home, ada).unread == 0


def test_a_link_may_name_a_person_by_id(team: Team, page: Page) -> None:
    assert "mentions you" in words(page("catch_up", person="ada-berlin"))


def test_what_users_wrote_stays_text(team: Team, page: Page) -> None:
    team.move("c0", "todo", "doing")
    told = words(page("catch_up", person="Ada Berlin"))
    assert "<script>" not in told
    assert "&lt;b&gt;Bold&lt;/b&gt;" in told


def test_the_live_board_has_columns_in_order_with_their_cards(team: Team, page: Page) -> None:
    test = page("live_board", board="b1")
    assert not test.exception
    assert test.selectbox(key="board_choice").options == ["Website"]


def test_a_card_says_due_progress_and_people(team: Team, page: Page) -> None:
    board = read_board(page)
    cards = {card["id"]: card for column in board["columns"] for card in column["cards"]}
    assert [column["title"] for column in board["columns"]] == [
        "To do",
        "Doing",
        "In review",
        "Blocked",
        "Done",
    ]
    assert [len(column["cards"]) for column in board["columns"]] == [37, 1, 1, 0, 1]
    assert [one["kind"] for one in cards["c1"]["meta"]] == ["overdue", "age"]
    assert "☑ 2/5" in [one["text"] for one in cards["c2"]["meta"]]
    assert cards["c3"]["people"] == ["Ada Berlin"]
    assert "today" in [one["text"] for one in cards["c3"]["meta"]]


def test_by_time_zone_counts_what_happened_in_each_night(team: Team, page: Page) -> None:
    test = page("time_zones")
    assert not test.exception
    told = words(test)
    assert told.index("America/New_York") < told.index("Europe/Berlin") < told.index("Asia/Tokyo")
    ada = told[told.index("Ada Berlin") :]
    assert "At work" in ada[:200]
    assert "1 done · 1 moved · 1 comment" in ada


def test_delivery_says_next_last_and_why_not_and_names_the_way_back(team: Team, page: Page) -> None:
    mailed(team.home, "kenji-tokyo", Window(0, 4), NOW)
    mailed(team.home, "ada-berlin", Window(0, 4), NOW, refused="550 5.1.1 <b>who?</b>")

    test = page("delivery")

    assert not test.exception
    told = words(test)
    assert told.index("Ada Berlin") < told.index("Kenji Tokyo"), "something in the way comes first"
    assert "2 of 3 get their mail" in told
    assert 'title="Tue 10 Mar 2026 23:00 UTC">Wed 08:00</time> <span>Asia/Tokyo</span>' in told
    assert "550 5.1.1 &lt;b&gt;who?&lt;/b&gt;" in told
    assert "daybreak digest unsuppress ada@example.org" in told


def test_sql_answers_and_offers_the_rows_as_a_file(team: Team, page: Page) -> None:
    test = page("sql", query="select action, count(*) as n from events group by all order by all")
    assert not test.exception
    assert test.dataframe[0].value.to_dict("list") == {
        "action": ["card.moved", "comment.created"],
        "n": [3, 1],
    }
    assert "2 rows in" in words(test)


def test_sql_shows_what_duckdb_says_verbatim(team: Team, page: Page) -> None:
    test = page("sql", query="selct 1")
    assert not test.exception
    assert "syntax error" in test.code[0].value
    assert "^" in test.code[0].value


def test_sql_says_when_it_shows_only_a_part(team: Team, page: Page) -> None:
    test = page("sql", query="select * from range(10001)")
    assert "first 10,000 rows" in test.warning[0].value


def test_every_example_query_runs(team: Team, page: Page) -> None:
    for example in _sql.EXAMPLES.values():
        test = page("sql", query=example)
        assert not test.code, example


def test_a_name_is_never_a_link_or_picture() -> None:
    assert _parts.plain("![x](https://a.example/i.png)") == r"\!\[x\]\(https\://a\.example/i\.png\)"


def test_lists_survive_csv() -> None:
    assert (
        _sql.csv(pl.DataFrame({"labels": [["a", "b"], []], "n": [1, 2]}))
        == 'labels,n\n"[""a"", ""b""]",1\n[],2\n'
    )


def words(test: AppTest) -> str:
    """Everything a page shows as our own HTML or as text, in one string."""
    return "\n".join(str(getattr(one.proto, "body", "") or getattr(one, "value", "")) for one in test.main)


def button(test: AppTest, label: str):
    return next(one for one in test.button if one.label == label)


def read_board(page: Page) -> dict:
    """What the live page would draw."""
    test = page("live_board")
    assert not test.exception
    element = next(one for one in test.main if one.type == "bidi_component")
    return json.loads(element.proto.json)


def test_two_boards_of_one_name_are_told_apart() -> None:
    assert _board.asked_for(["flux|a", "trello|b"], "b") == 1
    assert _board.asked_for(["flux|a", "trello|b"], "gone") == 0
