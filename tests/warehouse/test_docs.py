"""The schema reference is the schema: every table and column explained, in the file and in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from commands.warehouse import docs as print_docs
from warehouse import docs, state
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import ACTIONS

WAREHOUSE = Path(docs.__file__).parent
SILENT = """
    select table_name, null as column_name from duckdb_tables() where coalesce(comment, '') = ''
    union all
    select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''
"""


def test_every_table_and_column_that_readers_get_is_explained_in_the_file(home: Home, batch) -> None:
    with Log.open(home) as log:
        log.append(batch(1, 3))
        log.publish()
    with duckdb.connect(str(home.warehouse_link), read_only=True) as con:
        assert con.execute(SILENT).fetchall() == [], "say what it is with `comment on` in warehouse/schema"


def test_the_reference_in_the_repository_is_the_one_that_is_printed(capsys) -> None:
    print_docs()
    printed = capsys.readouterr().out
    kept = (WAREHOUSE / "SCHEMA.md").read_text()
    assert kept == printed, "read what changed, then `uv run daybreak docs > warehouse/SCHEMA.md`"


def test_the_reference_names_every_table_action_and_field() -> None:
    told = docs.reference()
    assert [table for table in ("events", *state.TABLES) if f"### {table}\n" not in told] == []
    assert [action for action in sorted(ACTIONS) if f"`{action}`" not in told] == []
    assert "| card | due_at |" in told


@pytest.mark.parametrize("table", sorted(state.STATE))
def test_every_field_that_state_reads_is_one_of_the_canonical_ones(table: str) -> None:
    entity_type, _ = state.STATE[table]
    read = set(re.findall(r"fields->>?'(\w+)'", state.definition(table)))
    assert read - set(docs.FIELDS[entity_type]) == set()


def test_the_readme_leads_to_the_reference() -> None:
    readme = (WAREHOUSE.parent / "README.md").read_text()
    assert "warehouse/SCHEMA.md" in readme
    assert "daybreak docs" in readme
