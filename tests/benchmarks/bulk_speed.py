"""How fast a long history comes in, next to what others do with the same pages: one JSON line a figure.

Run: `uv run python tests/benchmarks/bulk_speed.py [ENTRIES]` (200,000; needs `uv` and a package index for the peers),
or with `--alone` for Daybreak only, as for memory at 1,000,000.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from running import ROOT, environment

ENVIRONMENTS = {
    "fetch": ("httpx==0.28.1", "orjson==3.13.0"),
    "loop": ("httpx==0.28.1", "polars==2.1.0", "duckdb==1.5.5", "pyarrow==26.0.1", "pytz"),
    # With our DuckDB: left to itself it takes 2.0.0, and with that four times the memory for the same speed.
    "dlt": ("dlt[duckdb]==1.31.0", "duckdb==1.5.5", "httpx==0.28.1"),
    "dlt-tuned": ("dlt[duckdb,parquet]==1.31.0", "duckdb==1.5.5", "httpx==0.28.1"),
}
KEPT = Path(tempfile.gettempdir()) / "daybreak-benchmarks"
TUNED_PAGES = 10  # of each board: a side figure
LEAST_OVER_DLT, LEAST_OF_FETCHING = 20, 0.5


@dataclass(frozen=True)
class Run:
    """One child process: rows it says it took, seconds it says it worked, seconds from start to end, peak memory in MB."""

    rows: int
    worked: float
    lasted: float
    peak: int


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("entries", nargs="?", type=int, default=200_000)
    asked.add_argument("--alone", action="store_true", help="measure Daybreak only")
    asked.add_argument("--times", type=int, default=3, help="runs of everything but dlt; the median counts")
    asked.add_argument("--dlt-entries", type=int, default=0, help="give dlt about so many only (0: all)")
    options = asked.parse_args()
    folder, facts = world(options.entries)
    tell("the set", facts["entries"], "entries", bytes_each=round(facts["bytes"] / facts["entries"]), cards=facts["cards"])  # fmt: skip
    with serving(folder) as url:
        fetched = [] if options.alone else [peer("fetch", url) for _ in range(options.times)]
        ours = measure(url, facts, options.times)
        if not options.alone:
            compare(url, ours, fetched, options)


def compare(url: str, ours: tuple[float, float], fetched: list[Run], options: argparse.Namespace) -> None:
    """What the peers need, and how far Daybreak is from each."""
    as_called, in_process = ours
    parsing = told("httpx → orjson: fetch and parse, nothing kept", fetched)
    told("httpx → polars → DuckDB with a primary key", [peer("loop", url) for _ in range(options.times)])
    pages = -(-options.dlt_entries // 4000)
    slow = told("dlt 1.31.0 rest_api → DuckDB", [peer("dlt", url, pages)])
    told("dlt 1.31.0 rest_api, tuned (max_table_nesting=0, Parquet), on a slice", [peer("dlt-tuned", url, TUNED_PAGES)])  # fmt: skip
    tell("Daybreak as called, over dlt", round(as_called / slow, 1), "×", target=f"≥ {LEAST_OVER_DLT}")
    tell("Daybreak without Python's start, over fetch and parse", round(in_process / parsing, 3), "×", target=f"≥ {LEAST_OF_FETCHING}")  # fmt: skip


def measure(url: str, facts: Mapping[str, int], times: int) -> tuple[float, float]:
    """Daybreak's own figures; rows a second as a user calls it, and without Python's start."""
    with tempfile.TemporaryDirectory() as root:
        called = [ingest(url, Path(root) / f"called-{turn}") for turn in range(times)]
        pulled = [pull(url, Path(root) / f"pulled-{turn}") for turn in range(times)]
        homes = [Path(root) / f"called-{turn}" for turn in range(times)]
        check(homes[0], facts)
        again = [ingest(url, home) for home in homes]
        again_inside = [pull(url, home) for home in homes]
        live = sum(path.stat().st_size for path in (homes[0] / "warehouse").glob("live.duckdb*"))
    rates = [facts["entries"] / run.lasted for run in called]
    tell("Daybreak: `daybreak ingest flux` from a shell", round(statistics.median(rates)), "rows/s", seconds=round(statistics.median(run.lasted for run in called), 2), peak_mb=max(run.peak for run in called), times=times)  # fmt: skip
    inside = told("Daybreak: the same pass without Python's start", pulled)
    tell("Daybreak: nothing new, from a shell (start, lists, looks at every board, publishes nothing)", round(statistics.median(run.lasted for run in again), 2), "s", peak_mb=max(run.peak for run in again), times=times, target="≤ 1 at 1,000,000 events")  # fmt: skip
    tell("Daybreak: nothing new, without Python's start", round(statistics.median(run.worked for run in again_inside), 3), "s", times=times)  # fmt: skip
    tell("Daybreak: live file", round(live / facts["entries"]), "bytes an event, payloads included")
    return statistics.median(rates), inside


def check(home: Path, facts: Mapping[str, int]) -> None:
    """A figure of a pass that lost something is none."""
    query = (
        "select (select count(*) from events) as entries, (select count(*) from cards) as cards,"
        " (select count(*) from cards where deleted_at is not null) as deleted,"
        " (select count(*) from cards where archived_at is not null) as archived,"
        " (select count(*) from comments) as comments, (select count(*) from checklist_items) as items"
    )
    asking = [sys.executable, "-m", "cli", "--home", str(home), "sql", "--format", "json", query]
    answer = subprocess.run(asking, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    (found,) = json.loads(answer.stdout)
    expected = {name: facts[name] for name in found}
    assert found == expected, f"the warehouse has {found}, the boards say {expected}"


# what is run ------------------------------------------------------------------------------------------------------


def ingest(url: str, home: Path) -> Run:
    access = {"FLUX_BASE_URL": url, "FLUX_API_KEY": "flux_benchmark"}
    return run([sys.executable, "-m", "cli", "--home", str(home), "ingest", "flux"], environment(access))


def pull(url: str, home: Path) -> Run:
    return run([sys.executable, str(HERE / "bulk_pull.py"), url, str(home)], environment())


def peer(name: str, url: str, pages: int = 0) -> Run:
    """A peer in an environment of its own, in a folder of its own."""
    packages = [word for package in ENVIRONMENTS[name] for word in ("--with", package)]
    python = ["uv", "run", "--quiet", "--no-project", *packages, "python", str(HERE / "bulk_peers.py")]
    quiet = environment({"RUNTIME__DLTHUB_TELEMETRY": "false"})
    with tempfile.TemporaryDirectory() as folder:
        return run([*python, name, url, folder, str(pages)], quiet, cwd=Path(folder))


def run(command: list[str], env: Mapping[str, str], cwd: Path = ROOT) -> Run:
    """Run to the end. Its last line may say what it did; its memory is asked of the system."""
    # As after a normal install: compiled modules are kept, whatever this shell says about that.
    env = {**env, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(KEPT / "compiled")}
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        lasted = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().splitlines()
    assert child.returncode == 0, f"{command} ended with {child.returncode}: {lines[-5:]}"
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Run(said.get("rows", 0), said.get("seconds", lasted), lasted, round(usage.ru_maxrss / 1024))


def world(entries: int) -> tuple[Path, dict[str, int]]:
    """The boards' files, made in a child (so that we stay small) unless an earlier run has; and their facts."""
    maker = HERE / "flux_world.py"
    version = hashlib.sha256(maker.read_bytes()).hexdigest()[:8]
    folder = KEPT / f"flux-{entries}-{version}"
    if not (folder / "facts.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, str(maker), str(folder), str(entries)], check=True)
    return folder, json.loads((folder / "facts.json").read_text())


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of this world, in its own process."""
    command = [sys.executable, str(HERE / "flux_server.py"), str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


# what is said -----------------------------------------------------------------------------------------------------


def told(figure: str, runs: list[Run]) -> float:
    """Print rows a second, without Python's start; the median."""
    rate = statistics.median(run.rows / run.worked for run in runs)
    tell(figure, round(rate), "rows/s", rows=runs[0].rows, seconds=round(statistics.median(run.worked for run in runs), 2), peak_mb=max(run.peak for run in runs), times=len(runs))  # fmt: skip
    return rate


def tell(figure: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"figure": figure, "value": value, "unit": unit, **more}, ensure_ascii=False), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
