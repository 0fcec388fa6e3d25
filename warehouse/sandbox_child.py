"""The child of sandbox.py: one query, told on stdin, answered on stdout, then gone. Run as a script, never imported.

The answer is a line of JSON (`error`, or `truncated` and `seconds`) and, if well, the rows as an Arrow stream.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

MEMORY = 3 << 30
ROWS_AT_ONCE = 1_000
MOST_BYTES = 64 << 20
LOCKS = (
    "set TimeZone = 'UTC'",
    "set memory_limit = '1GB'",
    "set threads = 2",
    "set max_temp_directory_size = '0KB'",
    "set temp_directory = ''",
    "set home_directory = ''",
    "set extension_directory = ''",
    "set secret_directory = ''",
    "set allow_persistent_secrets = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)
"""In this order: the last two shut the door behind everything before."""

AS_TEXT = ("INTERVAL", "BIT", "TIME WITH TIME ZONE", "UNION", "BIGNUM", "VARIANT", "GEOMETRY")
"""Types that the parent's frames have no column for."""


def limit(seconds: float) -> None:
    """Take away from this process what a query has no need of. Before any thread exists."""
    os.environ.clear()  # noqa: TID251  # it inherits our keys and has no business with them
    if os.name == "nt":
        return
    import resource

    os.nice(5)
    processor = int(seconds * 2) + 2
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def connect(databases: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that sees the published files, each under its name, and nothing else."""
    con = duckdb.connect(":memory:")
    for name, path in databases.items():
        con.execute(f"attach '{path.replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
    con.execute("use warehouse")
    for lock in LOCKS:
        con.execute(lock)
    return con


def rows(con: duckdb.DuckDBPyConnection, sql: str, max_rows: int) -> tuple[pa.Table, bool]:
    """At most `max_rows` rows of the last statement as an Arrow table, and whether there were more."""
    statements = con.extract_statements(sql)
    for statement in statements:
        con.execute(statement)
    if not statements or con.description is None:
        return pa.table({}), False
    names = distinct([column[0] for column in con.description])
    reader = read(con, statements[-1].query)
    batches, count, size = [], 0, 0
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if size > MOST_BYTES:
            raise MemoryError
        if count > max_rows:
            break
    table = pa.Table.from_batches(batches, schema=reader.schema).rename_columns(names)
    return table.slice(0, max_rows), count > max_rows


def read(con: duckdb.DuckDBPyConnection, statement: str) -> pa.RecordBatchReader:
    """The result just computed, batch by batch; computed again where a type must go as text."""
    kinds = [str(column[1]) for column in con.description]
    odd = [any(word in kind for word in AS_TEXT) for kind in kinds]
    if not any(odd):
        return con.to_arrow_reader(ROWS_AT_ONCE)
    columns = [f"#{place}::varchar" if as_text else f"#{place}" for place, as_text in enumerate(odd, start=1)]
    return con.sql(statement).project(", ".join(columns)).to_arrow_reader(ROWS_AT_ONCE)


def distinct(names: list[str]) -> list[str]:
    """Every name once: a second `n` becomes `n_1`."""
    seen: dict[str, None] = {}
    for name in names:
        fresh, turn = name, 0
        while fresh in seen:
            turn += 1
            fresh = f"{name}_{turn}"
        seen[fresh] = None
    return list(seen)


def without_paths(table: pa.Table, folder: str) -> pa.Table:
    """The table with the server's folder left out of its texts (duckdb_databases() and its like would tell it)."""
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            bare = pc.replace_substring(table.column(place), pattern=folder, replacement="")
            table = table.set_column(place, column, bare)
    return table


def main() -> int:
    """Answer one request."""
    request = json.load(sys.stdin)
    databases: dict[str, str] = request["databases"]
    folder = str(Path(databases["warehouse"]).resolve().parent) + os.sep
    limit(request["seconds"])
    if not all(Path(path).exists() for path in databases.values()):
        return answer({"gone": True})
    started = time.perf_counter()
    try:
        table, truncated = rows(connect(databases), request["sql"], request["max_rows"])
        table = without_paths(table, folder)
    except duckdb.Error as error:
        return answer({"error": str(error).replace(folder, "")})
    except MemoryError:
        return answer(
            {"error": f"The result is larger than {MOST_BYTES >> 20} MB; select less, or aggregate."}
        )
    return answer({"truncated": truncated, "seconds": time.perf_counter() - started}, table)


def answer(told: dict[str, Any], table: pa.Table | None = None) -> int:
    """Write the answer to stdout."""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    if table is not None:
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
            stream.write_table(table)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # nothing to tidy up, and a busy DuckDB thread must not keep the parent waiting
