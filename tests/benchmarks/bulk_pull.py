"""One pass over a Flux inside this process, timed without Python's start: `python bulk_pull.py URL HOME`; `{"rows", "seconds", "rss_mb"}`."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cli import WithoutPandas
from ingest.sources.flux import Flux
from ingest.sync import pull
from warehouse.home import Home


def main(url: str, folder: str) -> None:
    sys.meta_path.insert(0, WithoutPandas)  # as every command does
    home = Home(Path(folder))
    began = time.perf_counter()
    with Flux(url, "flux_benchmark") as source:
        rows = sum(summary.new for summary in pull(home, source, clock=lambda: datetime.now(UTC)))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": round(seconds, 3), "rss_mb": round(peak)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
