"""What others do with the same pages. Run in an environment of its own: `python bulk_peers.py PEER URL FOLDER [PAGES]`.

`fetch` only fetches and parses, `loop` is what one writes by hand, `dlt` and `dlt-tuned` are dlt's rest_api source (tuned:
told to leave nested objects as JSON and to load Parquet), at most PAGES pages of each board. Prints `{"rows", "seconds", "rss_mb"}`; the
seconds leave out starting Python and importing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KEY = {"Authorization": "Bearer flux_benchmark"}


def fetch(url: str, folder: Path, pages: int) -> Callable[[], int]:
    """httpx and orjson."""
    import httpx
    import orjson

    def work() -> int:
        with httpx.Client(base_url=url, headers=KEY, trust_env=False) as client:
            return sum(len(page) for page in _pages(client, lambda answer: orjson.loads(answer.content)))

    return work


def loop(url: str, folder: Path, pages: int) -> Callable[[], int]:
    """httpx, polars, and a DuckDB table whose primary key turns repetitions away."""
    import duckdb
    import httpx
    import polars as pl

    def row(entry: dict[str, Any]) -> dict[str, Any]:
        sides = {side: json.dumps(entry[side]) for side in ("before", "after")}
        return {
            "id": entry["id"], "seq": entry["seq"], "board_id": entry["boardId"], "card_id": entry["cardId"],
            "actor_id": entry["actor"]["id"], "action": entry["action"], "entity_type": entry["entityType"],
            "entity_id": entry["entityId"], **sides, "created_at": entry["createdAt"],
        }  # fmt: skip

    def work() -> int:
        with duckdb.connect(str(folder / "loop.duckdb")) as con, httpx.Client(base_url=url, headers=KEY, trust_env=False) as client:  # fmt: skip
            con.execute(
                "create table activity (id varchar primary key, seq bigint, board_id varchar, card_id varchar, actor_id varchar,"
                " action varchar, entity_type varchar, entity_id varchar, before json, after json, created_at timestamptz)"
            )
            for page in _pages(client, lambda answer: answer.json()):
                frame = pl.DataFrame([row(entry) for entry in page])  # noqa: F841 - DuckDB finds it by its name
                con.execute("insert or ignore into activity select * from frame")
            return int(con.execute("select count(*) from activity").fetchall()[0][0])

    return work


def _pages(client: Any, parse: Callable[[Any], Any]) -> Iterator[list[Any]]:
    for board in parse(client.get("/api/boards/all"))["boards"]:
        after: int | None = 0
        while after is not None:
            params = {"after": str(after), "limit": "1000"}
            told = parse(client.get(f"/api/boards/{board['id']}/activity", params=params))
            yield told["activity"]
            after = told["next"]


def dlt(url: str, folder: Path, pages: int, tuned: bool = False) -> Callable[[], int]:
    """dlt's own source for REST, with its cursor paginator; one resource a board, all into one table."""
    import dlt as dlt_
    import httpx
    from dlt.sources.rest_api import rest_api_source

    boards = httpx.get(f"{url}/api/boards/all", headers=KEY, trust_env=False).json()["boards"]

    def resource_of(board: dict[str, Any]) -> Any:
        endpoint = {
            "path": f"/api/boards/{board['id']}/activity", "params": {"after": 0, "limit": 1000}, "data_selector": "activity",
            "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
        }  # fmt: skip
        return {"name": f"activity_{board['shortId']}", "table_name": "activity", "endpoint": endpoint}

    def work() -> int:
        source = rest_api_source(
            {
                "client": {"base_url": url, "headers": KEY},
                "resource_defaults": {"primary_key": "id", "write_disposition": "append"},
                "resources": [resource_of(board) for board in boards],
            }
        )
        if tuned:
            source.max_table_nesting = 0
        if pages:
            source.add_limit(pages)
        pipeline = dlt_.pipeline(
            "flux", pipelines_dir=str(folder / "pipelines"), dataset_name="flux",
            destination=dlt_.destinations.duckdb(str(folder / "dlt.duckdb")),
        )  # fmt: skip
        loaded = pipeline.run(source, loader_file_format="parquet" if tuned else None)
        loaded.raise_on_failed_jobs()
        return int(pipeline.last_trace.last_normalize_info.row_counts["activity"])

    return work


def dlt_tuned(url: str, folder: Path, pages: int) -> Callable[[], int]:
    """The same, by somebody who knows dlt's settings."""
    return dlt(url, folder, pages, tuned=True)


PEERS = {"fetch": fetch, "loop": loop, "dlt": dlt, "dlt-tuned": dlt_tuned}


def main(peer: str, url: str, folder: str, pages: str = "0") -> None:
    work = PEERS[peer](url, Path(folder), int(pages))
    began = time.perf_counter()
    rows = work()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": round(seconds, 3), "rss_mb": round(peak)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
