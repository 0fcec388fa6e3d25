"""All or nothing: a block of statements as one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keep all that is done in the block, or nothing when it raises; what it reads is of one moment."""
    con.begin()
    try:
        yield
        con.commit()
    except BaseException:
        with suppress(duckdb.Error):  # the database may have ended the transaction itself
            con.rollback()
        raise
