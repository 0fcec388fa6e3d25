"""`daybreak up`: starts the processes, relays their lines, restarts what dies, stops all. Knows them as command lines only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = (
    60.0  # a child that lived this long starts again without waiting out its earlier failures
)
GRACE_SECONDS = 8.0


class PortInUse(Exception):
    """Somebody else listens on a port we need: choose another."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the dashboard and the embedded board listen; no board port where another Flux is read."""

    pages: int
    board: int | None


@dataclass(slots=True)
class Child:
    """One process of the team: what it is called here, how it is started, and how it has fared."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    failures: int = 0
    start_again: float = 0.0


def require_free(port: int, option: str) -> None:
    """Raise `PortInUse` unless `port` can be bound on the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(
                f"port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with {option} N"
            ) from error


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def retry_after(failures: int) -> float:
    """Seconds to wait before the start that follows the n-th failure in a row: doubling, capped."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** (failures - 1), LAST_RETRY_SECONDS))


class Supervisor:
    """Runs children until told to stop; `monotonic` gives seconds, `say` takes one line."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        say: Callable[[str], None],
        monotonic: Callable[[], float],
        stop: threading.Event,
        environment: Mapping[str, str],
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.children = list(children)
        self.grace_seconds = grace_seconds
        self._relays: list[threading.Thread] = []
        self.say = say
        self.monotonic = monotonic
        self.stop = stop
        self.environment = environment
        self._width = max(len(child.name) for child in children)

    def start(self, child: Child) -> None:
        """Start one child in a session of its own, so that Ctrl-C reaches it only through us."""
        child.process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(child.argv),
            env={**self.environment, **child.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        child.started = self.monotonic()
        relay = threading.Thread(target=self._relay, args=(child, child.process), daemon=True)
        self._relays = [*(thread for thread in self._relays if thread.is_alive()), relay]
        relay.start()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Ask until `ready`, while looking after the children; False when the time is over or we were stopped."""
        deadline = self.monotonic() + seconds
        while not self.stop.is_set() and self.monotonic() < deadline:
            if ready():
                return True
            self.look_after()
            self.stop.wait(0.1)
        return False

    def run(self) -> None:
        """Look after the children until stopped."""
        while not self.stop.wait(0.2):
            self.look_after()

    def look_after(self) -> None:
        """Notice who has died, and start again whose time has come."""
        for child in self.children:
            if child.process is None:
                if child.failures and self.monotonic() >= child.start_again:
                    self.start(child)
            elif (code := child.process.poll()) is not None:
                self._bury(child, code)

    def _bury(self, child: Child, code: int) -> None:
        lived = self.monotonic() - child.started
        child.failures = 1 if lived > HEALTHY_AFTER_SECONDS else child.failures + 1
        wait = retry_after(child.failures)
        child.process, child.start_again = None, self.monotonic() + wait
        self.say(f"child={child.name} exit={code} lived_seconds={lived:.1f} restart_in_seconds={wait:g}")

    def _relay(self, child: Child, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.say(f"{child.name:<{self._width}} | {line.rstrip()}")

    def shut_down(self) -> None:
        """Ask every child to stop, last started first; end by force what does not go in time."""
        alive = [(c, c.process) for c in reversed(self.children) if c.process and c.process.poll() is None]
        for _, process in alive:
            process.send_signal(signal.SIGTERM)
        deadline = self.monotonic() + self.grace_seconds
        for child, process in alive:
            try:
                process.wait(timeout=max(0.1, deadline - self.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"child={child.name} stop=forced after_seconds={self.grace_seconds:g}")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for relay in self._relays:
            relay.join(timeout=1)


def _die_with_parent() -> None:
    """Linux: the kernel stops a child whose supervisor was killed, so that no port stays taken."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def run(
    home: Path,
    ports: Ports,
    *,
    sample: bool,
    say: Callable[[str], None],
    monotonic: Callable[[], float],
    stop: threading.Event,
    environment: Mapping[str, str],
) -> None:
    """Run the whole of Daybreak on `home` until `stop` is set."""
    children = _children(home, ports, sample=sample)
    team = Supervisor(children, say=say, monotonic=monotonic, stop=stop, environment=environment)
    say(f"Daybreak is starting in {home}")
    try:
        for child in children:
            team.start(child)
            if child.name == "board" and (board := ports.board):
                team.wait_until(lambda: answers(board), seconds=30)
        if team.wait_until(lambda: answers(ports.pages), seconds=60):
            say(_welcome(home, ports))
        team.run()
    finally:
        team.shut_down()
        say("Daybreak has stopped.")


def _children(home: Path, ports: Ports, *, sample: bool) -> list[Child]:
    daybreak = [sys.executable, "-m", "cli", "--home", str(home)]
    env = {"PYTHONUNBUFFERED": "1", "DAYBREAK_HOME": str(home)}
    board = []
    if ports.board is not None:
        serve = [
            *daybreak,
            "board",
            "serve",
            "--port",
            str(ports.board),
            "--sample" if sample else "--no-sample",
        ]
        board = [Child("board", serve, env)]
        env = {**env, "FLUX_BASE_URL": f"http://127.0.0.1:{ports.board}"}
    return [
        *board,
        Child("ingest", [*daybreak, "ingest", "follow"], env),
        Child(
            "digest",
            [*daybreak, "digest", "run", "--loop"],
            {"DAYBREAK_URL": f"http://127.0.0.1:{ports.pages}", **env},
        ),
        Child("pages", _streamlit(ports.pages), env),
    ]


def _streamlit(port: int) -> list[str]:
    spec = find_spec("app")
    assert spec is not None
    assert spec.origin is not None
    # What the dashboard needs wherever it runs stands in .streamlit/config.toml, which Streamlit finds beside the script.
    options = [
        f"--server.port={port}",
        "--logger.hideWelcomeMessage=true",
    ]  # `up` says where it is, once it answers
    return [sys.executable, "-m", "streamlit", "run", spec.origin, *options]


def _welcome(home: Path, ports: Ports) -> str:
    board = (
        f"\n  Board      http://127.0.0.1:{ports.board}  (key in {home / 'board.key'})" if ports.board else ""
    )
    return (
        f"\nDaybreak is up.\n  Dashboard  http://127.0.0.1:{ports.pages}{board}\n  Mail       {home / 'outbox'}\n"
        f"  Warehouse  {home / 'warehouse.duckdb'}\nCtrl-C stops all of it.\n"
    )
