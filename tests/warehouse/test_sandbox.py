"""Anybody's SQL: answers with their types, DuckDB's own errors, and no way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import polars as pl
import pytest

from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.sandbox import NothingPublished, QueryFailed, query


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Home:
    from datetime import datetime

    from warehouse.model import Event

    home = Home(tmp_path_factory.mktemp("home"))
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    told = Event(
        "flux", "e1", "b1", "card.created", "card", "c1", at, at, card_id="c1", after={"title": "Sow"}
    )
    with Log.open(home) as log:
        log.append(Batch((told,)))
        log.publish()
    return home


def test_rows_come_with_their_types(filled: Home) -> None:
    frame = query(filled, "select card_id, created_at, last_offset, assignee_ids from cards").frame
    assert frame.schema == {
        "card_id": pl.String, "created_at": pl.Datetime("us", "UTC"), "last_offset": pl.Int64, "assignee_ids": pl.List(pl.String),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("with titles as (select title from cards) from titles", [("Sow",)]),
        ("select 1 as n, 2 as n", [(1, 2)]),
        ("select 1; select 2 as second", [(2,)]),
        ("select interval 3 month as span, current_time is null as b", [("3 months", False)]),
        ("create temp table mine as select 7 as n; select n, interval 1 day as d from mine", [(7, "1 day")]),
        ("select name from (show tables) where name = 'cards'", [("cards",)]),
        ("select column_name from (describe boards) limit 1", [("board_id",)]),
        ("", []),
    ],
)
def test_the_usual_ways_of_asking_work(filled: Home, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert query(filled, sql).frame.rows() == rows


def test_too_many_rows_are_cut_and_it_is_said(filled: Home) -> None:
    cut, whole = query(filled, "from range(50)", max_rows=49), query(filled, "from range(50)", max_rows=50)
    assert (len(cut.frame), cut.truncated, len(whole.frame), whole.truncated) == (49, True, 50, False)


def test_a_wrong_query_gets_duckdbs_own_words_and_caret(filled: Home) -> None:
    with pytest.raises(QueryFailed) as caught:
        query(filled, "select titel from cards")
    assert 'Referenced column "titel" not found' in str(caught.value)
    assert str(caught.value).endswith("LINE 1: select titel from cards\n               ^")


def test_before_anything_is_published_it_says_what_to_do(home: Home) -> None:
    with pytest.raises(NothingPublished, match="daybreak ingest"):
        query(home, "select 1")


ESCAPES = """
select * from read_text('/etc/passwd')
select * from '/etc/passwd'
select * from read_csv('https://example.org/x.csv')
select * from glob('/*')
select * from read_blob('/proc/self/environ')
copy cards to '/tmp/daybreak-escape.csv'
export database '/tmp/daybreak-escape'
attach '/tmp/daybreak-escape.duckdb' as other
attach 'http://example.org/x.duckdb' as other
install httpfs
load httpfs
load '/tmp/evil.so'
create persistent secret s (type http, bearer_token 'x')
set enable_external_access = true
set lock_configuration = false
set memory_limit = '100GB'
reset memory_limit
pragma enable_profiling = 'json'; pragma profiling_output = '/tmp/daybreak-escape.json'
set temp_directory = '/tmp'
insert into cards select * from cards
delete from events
drop table events
create table here as select 1
update cards set title = 'x'
with gone as (delete from cards returning *) select * from gone
select * from request
select * from con
select * from sqlite_scan('/tmp/x', 'y')
select getenv('PATH')
call load_aws_credentials()
""".strip().splitlines()


@pytest.mark.parametrize("sql", ESCAPES)
def test_there_is_no_way_out(filled: Home, sql: str) -> None:
    with pytest.raises(QueryFailed):
        query(filled, sql)
    assert not list(Path("/tmp").glob("daybreak-escape*"))
    assert query(filled, "select title from cards").frame.rows() == [("Sow",)]


BOMBS = [
    "select count(*) from range(1000000000) a, range(100000) b",
    "select damerau_levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "select repeat('x', 4000000000)",
    "select repeat('x', 1000000) from range(100000)",
    "select list(i) from range(2000000000) t(i)",
    "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r",
    "select * from range(100000000) t(i) order by hash(i)",
]


@pytest.mark.parametrize("sql", BOMBS)
def test_a_bomb_is_stopped_and_it_is_said(filled: Home, sql: str) -> None:
    with pytest.raises(QueryFailed, match=r"and was stopped|Out of Memory|larger than"):
        query(filled, sql, timeout=timedelta(seconds=2))


def test_where_the_server_keeps_its_files_is_not_told(filled: Home) -> None:
    told = [
        query(filled, "select path, database_name from duckdb_databases()"),
        query(filled, "select name, value from duckdb_settings()"),
        query(filled, "pragma database_list"),
    ]
    assert not [row for result in told for row in result.frame.rows() if str(filled.root) in str(row)]


def test_a_query_that_sends_back_an_endless_stream_is_cut(
    filled: Home, batch: Callable[[int, int], Batch]
) -> None:
    result = query(filled, "from range(100000000000)", max_rows=5)
    assert (len(result.frame), result.truncated) == (5, True)
