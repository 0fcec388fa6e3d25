"""What the scripts here share: somebody else's server, Daybreak following it, and the account of what was done and told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from running import ROOT, daybreak, environment, until
from warehouse.home import Home
from warehouse.reading import Warehouse

Fact = tuple[str, str, str]
"""What happened, to which thing, and the part that tells it from others: the column, the member, the label."""


@contextmanager
def running(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Iterator[None]:
    """A server as long as it is needed; what it says goes to `log`."""
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **env}, stdout=said, stderr=said, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # the whole group: PHP's workers outlive their parent
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """One command to its end; ends the script with what it said where it failed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")


@dataclass
class Account:
    """What was done on the board; filled by several threads."""

    done: Counter[Fact] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def did(self, action: str, thing: object, part: object = "") -> None:
        with self.lock:
            self.done[action, str(thing), str(part)] += 1


@contextmanager
def following(source: str, home: Path, settings: Mapping[str, str], port: int) -> Iterator[None]:
    """`daybreak ingest hooks` on a port, and `daybreak ingest SOURCE --follow` beside it."""
    base = [sys.executable, "-m", "cli", "--home", str(home), "ingest"]
    env, logs = environment(settings), home.parent
    hooks = running([*base, "hooks", "--port", str(port)], cwd=ROOT, env=env, log=logs / "hooks.log")
    follow = running([*base, source, "--follow"], cwd=ROOT, env=env, log=logs / "follow.log")
    with hooks, follow:
        until(lambda: "hooks" in (logs / "hooks.log").read_text(), what="`daybreak ingest hooks`")
        yield


def told(home: Path) -> Counter[Fact]:
    """The facts the log tells that nobody had to infer."""
    query = (
        "select action, coalesce(entity_id, card_id), after, before, column_to from events where not inferred"
    )
    found: Counter[Fact] = Counter()
    with Warehouse.open(Home(home)) as warehouse:
        for action, thing, after, before, column in warehouse.frame(query).iter_rows():
            sides = {**json.loads(before or "{}"), **json.loads(after or "{}")}
            part = next((sides[name][0] for name in ("member_ids", "labels") if sides.get(name)), "")
            found[action, thing, (column or "") if action == "card.moved" else part] += 1
    return found


def work(jobs: Sequence[Callable[[], None]], *, hands: int) -> float:
    """Do jobs with several hands at once; the seconds it took. The first failure is raised."""
    started = time.monotonic()
    with ThreadPoolExecutor(hands) as pool:
        for job in [pool.submit(job) for job in jobs]:
            job.result()
    return time.monotonic() - started


def settled(home: Path, account: Account, *, seconds: float = 60) -> float | None:
    """Wait until everything that was done is published; the seconds it took, None when time was up."""
    try:
        return until(lambda: not account.done - _published(home), seconds=seconds, what="everything told")
    except AssertionError:
        return None  # the comparison says what is missing


def _published(home: Path) -> Counter[Fact]:
    return told(home) if Home(home).warehouse_link.exists() else Counter()


def compare(name: str, home: Path, account: Account, kinds: frozenset[str], **figures: object) -> bool:
    """Say how many of the facts done were told, lost and doubled; whether all were told once.

    `kinds` are the actions that were counted while working; what else the log tells is told by its number only.
    """
    found = told(home)
    ours = Counter({fact: count for fact, count in found.items() if fact[0] in kinds})
    lost, more = account.done - ours, ours - account.done
    beside = sum(found.values()) - sum(ours.values())
    figures = {"done": account.done.total(), "told": ours.total(), "lost": lost.total(), "doubled_or_invented": more.total(), "beside": beside} | figures  # fmt: skip
    print(json.dumps({"what": name, **figures}), flush=True)
    for word, facts in (("lost", lost), ("too many", more)):
        for fact in list(facts)[:10]:
            print(f"  {word}: {fact}", file=sys.stderr)
    return not lost and not more


def compare_drift(
    name: str, home: Path, settings: Mapping[str, str], jobs: Sequence[Callable[[], object]]
) -> bool:
    """Do what no log tells, a fact a job, and say whether holding the log against the board finds each, once."""
    before = _drift(home, settings)
    for job in jobs:
        job()
    found, again = _drift(home, settings), _drift(home, settings)
    figures = {"before": before, "done": len(jobs), "inferred": found, "inferred_again": again}
    print(json.dumps({"what": f"{name}: what its log does not tell", **figures}), flush=True)
    with Warehouse.open(Home(home)) as warehouse:
        for row in warehouse.frame(
            "select action, entity_id, before, after from events where inferred"
        ).iter_rows():
            print("  inferred:", *row, file=sys.stderr)
    return (before, found, again) == (0, len(jobs), 0)


def _drift(home: Path, settings: Mapping[str, str]) -> int:
    return sum(map(int, re.findall(r" drift=(\d+)", command("ingest", "reconcile", home=home, env=settings))))


def command(*arguments: str, home: Path, env: Mapping[str, str]) -> str:
    """What a `daybreak` command says; ends the script where it fails."""
    done = daybreak(*arguments, home=home, env=env)
    if done.returncode:
        raise SystemExit(f"daybreak {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout
