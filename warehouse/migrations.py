"""Numbered schema files, applied once each, in order."""

from __future__ import annotations

from pathlib import Path

import duckdb

SCHEMA = Path(__file__).parent / "schema"


class WarehouseBroken(Exception):
    """The file cannot be used as it is; a person must look at it."""


def migrate(con: duckdb.DuckDBPyConnection, path: Path, folder: Path = SCHEMA) -> None:
    """Bring the database to the newest schema, a transaction a step; refuse one that newer code has written."""
    con.execute(
        "create table if not exists schema_migrations (number integer not null, name varchar not null)"
    )
    done = _one_int(con, "select coalesce(max(number), 0) from schema_migrations")
    steps = {int(file.name.split("_")[0]): file for file in sorted(folder.glob("*.sql"))}
    if done > max(steps):
        raise WarehouseBroken(
            f"{path} was written by a newer Daybreak (schema {done}, this one knows {max(steps)}).\n"
            f"Upgrade Daybreak, or use another home (--home)."
        )
    for number in range(done + 1, max(steps) + 1):
        con.begin()
        con.execute(steps[number].read_text())
        con.execute(
            "insert into schema_migrations values ($number, $name)",
            {"number": number, "name": steps[number].stem},
        )
        con.commit()


def _one_int(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
