"""Starts the real `daybreak` for tests: one command, or all of `up`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ready: Callable[[], object], *, seconds: float = 30, what: str = "it") -> float:
    """Ask until true; the seconds it took. Fails, naming what was waited for, when the time is over."""
    began = time.monotonic()
    while not ready():
        assert time.monotonic() - began < seconds, f"{what} did not happen within {seconds} s"
        threading.Event().wait(0.05)
    return time.monotonic() - began


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that steers Daybreak."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAYBREAK_", "FLUX_"))}
    return {**clean, **(extra or {})}


def daybreak(
    *arguments: str, home: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one `daybreak` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "--home", str(home), *arguments],
        cwd=ROOT, env=environment(env), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@dataclass
class Up:
    """`daybreak up`, running."""

    home: Path
    port: int = field(default_factory=free_port)
    board_port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> Up:
        ports = ["--port", str(self.port), "--board-port", str(self.board_port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", "--home", str(self.home), "up", *ports],
            cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        until(lambda: self.said(r"^Daybreak is up\.") or self._died(), seconds=90, what="`daybreak up`")
        return self

    def _died(self) -> bool:
        assert self.process
        assert self.process.poll() is None, "\n".join(self.lines)
        return False

    def _read(self) -> None:
        assert self.process
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))

    def said(self, pattern: str) -> list[str]:
        return [line for line in list(self.lines) if re.search(pattern, line)]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal that Ctrl-C sends; the exit status."""
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.reader.join(timeout=5)
        return code
