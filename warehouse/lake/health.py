"""What `daybreak doctor` says of a lake: how much lies where, and whether it is tidied."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from warehouse.lake.address import Lake
from warehouse.lake.engine import ask, data_path, engine, translated
from warehouse.lake.tidy import EVERY
from warehouse.model import Finding


def check(lake: Lake) -> Finding:
    """How large the lake is. WarehouseBroken where it cannot be asked."""
    with translated(lake), engine(lake).cursor() as con:
        place = data_path(con)
        files, size, snapshots, seconds = cast(
            "tuple[int, int, int, float]",
            ask(
                con,
                "select count(*), coalesce(sum(file_size_bytes), 0)::bigint as size,"
                " (select count(*) from ducklake_snapshot) as snapshots,"
                " (select extract(epoch from now() - tidied_at)::float8 from daybreak_shown) as tidied"
                " from ducklake_data_file where end_snapshot is null",
            )[0],
        )
    text = (
        f"{files} files of {size / 1_000_000:.1f} MB in {place}, {snapshots} snapshots kept, "
        f"tidied {timedelta(seconds=round(seconds))} ago"
    )
    late = (
        "A writer tidies after it has published: does one run?"
        if seconds > 10 * EVERY.total_seconds()
        else ""
    )
    return Finding(True, "lake", text, late)
