"""The parts of the SQL page: starter and example queries, what can be asked about, the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

import polars as pl
import streamlit as st

from pages import _data, _parts
from warehouse.sandbox import QueryFailed

MAX_ROWS = 10_000

STARTER = """\
-- What happened on which board, newest day first
select occurred_at::date as day, b.title as board, count(*) as events,
       count(*) filter (action = 'card.moved') as moves
from events join boards b using (source, board_id)
group by all
order by day desc, board
limit 50"""

EXAMPLES = {
    "Events by day": STARTER,
    "Newest moves": """\
select e.occurred_at, b.title as board, c.title as card, f.title as from_column, t.title as to_column, m.name as who
from events e
join boards b using (source, board_id)
left join cards c on c.source = e.source and c.card_id = e.card_id
left join columns f on f.source = e.source and f.column_id = e.column_from
left join columns t on t.source = e.source and t.column_id = e.column_to
left join members m on m.source = e.source and m.member_id = e.actor_id
where e.action = 'card.moved'
order by e.occurred_at desc
limit 50""",
    "Open cards by column": """\
select b.title as board, k.title as "column", count(*) as cards, min(c.created_at)::date as oldest
from cards c
join boards b using (source, board_id)
join columns k on k.source = c.source and k.column_id = c.column_id
where c.archived_at is null and c.deleted_at is null
group by b.title, k.title, k.position
order by b.title, k.position""",
    "Who does what": """\
select coalesce(m.name, e.actor_id) as who, e.action, count(*) as times
from events e left join members m on m.source = e.source and m.member_id = e.actor_id
group by all
order by times desc
limit 100""",
}

COLUMNS = """\
select table_name as "table", column_name as "column", data_type as type
from information_schema.columns
where table_catalog = current_database() and table_schema = 'main' and table_name in
    ('events', 'boards', 'columns', 'cards', 'members', 'board_members', 'comments', 'checklist_items')
order by table_name <> 'events', table_name, ordinal_position"""


def tables() -> pl.DataFrame:
    """Every table's columns, in order; raises `NothingPublished` before the first publish."""
    return _data.frame(COLUMNS)


def show_tables(columns: pl.DataFrame) -> None:
    """What can be asked about: every table with its columns, folded away until wanted."""
    with st.expander("Tables and their columns"):
        st.html(
            f"<div class='tables'>{''.join(_table(name, rows) for (name,), rows in _by_table(columns))}</div>"
        )


def _by_table(columns: pl.DataFrame) -> Iterable[tuple[tuple[object, ...], pl.DataFrame]]:
    return columns.group_by("table", maintain_order=True)


def _table(name: object, rows: pl.DataFrame) -> str:
    items = (
        f"<li>{escape(r['column'])} <span>{escape(r['type'].lower())}</span></li>"
        for r in rows.iter_rows(named=True)
    )
    return f"<section><h3>{escape(str(name))}</h3><ul>{''.join(items)}</ul></section>"


def show_examples() -> None:
    """Queries to start from: choosing one puts it in the text area."""
    st.pills("Examples", list(EXAMPLES), key="example", on_change=_take_example)


def _take_example() -> None:
    if chosen := st.session_state.get("example"):
        st.session_state["query"] = EXAMPLES[chosen]


def show_answer(question: str) -> None:
    """The rows, how many they are, whether that is all, and a file of them; or why there are none."""
    try:
        answer = _data.answer(question, max_rows=MAX_ROWS)
    except QueryFailed as error:
        st.error("The query did not run. DuckDB says:")
        st.code(str(error), language=None)
        return
    rows = f"{answer.frame.height:,} row{'s' if answer.frame.height != 1 else ''}"
    if answer.truncated:
        st.warning(
            f"The first {rows} are shown; there are more. Narrow the query, or aggregate, to see all of it."
        )
    else:
        _parts.note(f"{rows} in {answer.seconds:.2f} s")
    days = {
        name: st.column_config.DateColumn() for name, kind in answer.frame.schema.items() if kind == pl.Date
    }
    st.dataframe(answer.frame, hide_index=True, column_config=days)
    label = f"Download CSV (the first {rows})" if answer.truncated else "Download CSV"
    st.download_button(label, csv(answer.frame), "daybreak.csv", "text/csv", disabled=answer.frame.is_empty())


def csv(frame: pl.DataFrame) -> str:
    """The rows as CSV; lists and structs, which CSV does not know, as JSON."""
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    told = [pl.col(name).map_elements(_json, return_dtype=pl.String) for name in nested]
    return frame.with_columns(told).write_csv()


def _json(value: object) -> str:
    items = value.to_list() if isinstance(value, pl.Series) else value
    return json.dumps(items, ensure_ascii=False, default=str)
