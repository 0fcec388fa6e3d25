"""Keeps a lake small and quick: rows that wait in the catalog become Parquet, small files large ones, old versions go."""

from __future__ import annotations

from datetime import timedelta

import duckdb

EVERY = timedelta(minutes=10)

LARGE_ENOUGH = 16 << 20
"""Bytes from which on a file is not merged with others again: no row is written more than a few times."""

KEPT = timedelta(days=1)
"""How long a version can be read after a newer one is shown; and a killed writer's files lie about."""

WORN = 0.3
"""The part of a file's rows that are replaced before it is written anew."""


def tidy(con: duckdb.DuckDBPyConnection) -> None:
    """Tidy what is attached as `lake`, which nobody else writes meanwhile. Each step is a transaction; readers notice none."""
    old = f"older_than => now() - interval '{KEPT.total_seconds():.0f} seconds'"
    for step in (
        "ducklake_flush_inlined_data('lake')",
        f"ducklake_rewrite_data_files('lake', delete_threshold => {WORN})",
        f"ducklake_merge_adjacent_files('lake', max_file_size => {LARGE_ENOUGH})",
        f"ducklake_expire_snapshots('lake', {old})",
        f"ducklake_cleanup_old_files('lake', {old})",
        f"ducklake_delete_orphaned_files('lake', {old})",
    ):
        con.execute(f"call {step}").fetchall()
