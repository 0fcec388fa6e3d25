"""What does the log say? Anybody's question in SQL, on the published warehouse."""

from __future__ import annotations

import streamlit as st

from pages import _data, _parts, _sql

st.title("SQL")

with _parts.known_errors():
    tables = _sql.tables()
    _parts.data_age(_data.browser_zone())
    _sql.show_tables(tables)
    _sql.show_examples()
    question = st.text_area(
        "Query",
        _sql.STARTER,
        height=200,
        key="query",
        bind="query-params",
        help="DuckDB SQL, read-only. Ctrl+Enter runs it; the address in the browser keeps it.",
    )
    st.button("Run", type="primary")
    if question.strip():
        _sql.show_answer(question)
