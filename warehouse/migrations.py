"""Numbered schema files, applied once each, in order."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb

SCHEMA = Path(__file__).parent / "schema"


class WarehouseBroken(Exception):
    """The file cannot be used as it is; a person must look at it."""


def migrate(
    con: duckdb.DuckDBPyConnection,
    where: Path | str,
    folder: Path = SCHEMA,
    *,
    dialect: Callable[[str], str] = str,
) -> None:
    """Bring the database to the newest schema, a transaction a step; refuse one that newer code has written.

    A step that fails or is killed leaves nothing behind: the next start takes it again. `where` is what messages call
    the database; `dialect` puts a step into the words it knows.
    """
    con.execute(
        "create table if not exists schema_migrations (number integer not null, name varchar not null)"
    )
    done = _one_int(con, "select coalesce(max(number), 0) from schema_migrations")
    steps = _steps(folder)
    _require_known(done, max(steps), where)
    for number in range(done + 1, max(steps) + 1):
        try:
            _take(con, number, steps[number], dialect)
        except duckdb.Error as error:
            raise WarehouseBroken(
                f"{where} could not be brought from schema {number - 1} to {number}: {error}\n"
                f"It is as it was; is the disk full? The next start tries again."
            ) from error


def require_known(con: duckdb.DuckDBPyConnection, where: Path | str) -> None:
    """Refuse a file that newer code has written, before a query stumbles over what it does not know."""
    _require_known(_one_int(con, "select max(number) from schema_migrations"), _newest(), where)


def _take(con: duckdb.DuckDBPyConnection, number: int, file: Path, dialect: Callable[[str], str]) -> None:
    con.begin()
    con.execute(dialect(file.read_text()))
    con.execute(
        "insert into schema_migrations values ($number, $name)", {"number": number, "name": file.stem}
    )
    con.commit()


def _steps(folder: Path) -> dict[int, Path]:
    return {int(file.name.split("_")[0]): file for file in sorted(folder.glob("*.sql"))}


@cache
def _newest() -> int:
    return max(_steps(SCHEMA))


def _require_known(done: int, newest: int, where: Path | str) -> None:
    if done > newest:
        raise WarehouseBroken(
            f"{where} was written by a newer Daybreak (schema {done}, this one knows {newest}).\n"
            f"Upgrade Daybreak, or use another home (--home)."
        )


def _one_int(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
