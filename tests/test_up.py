"""The supervisor, with real small processes as its children."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import pytest

from up import Child, PortInUse, Supervisor, require_free, retry_after


def supervise(*children: Child, grace_seconds: float = 5) -> tuple[Supervisor, list[str], threading.Event]:
    said: list[str] = []
    stop = threading.Event()
    team = Supervisor(
        children,
        say=said.append,
        monotonic=time.monotonic,
        stop=stop,
        environment=os.environ,
        grace_seconds=grace_seconds,
    )
    return team, said, stop


def python(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-u", "-c", code])


def test_a_childs_lines_are_told_with_its_name() -> None:
    team, said, _ = supervise(python("board", "print('hello', flush=True); import time; time.sleep(60)"))
    team.start(team.children[0])
    assert team.wait_until(lambda: "board | hello" in said, seconds=10)
    team.shut_down()


def test_a_child_that_dies_is_started_again_later_and_later_and_it_is_said() -> None:
    team, said, _ = supervise(python("ingest", "raise SystemExit(3)"))
    team.start(team.children[0])
    assert team.wait_until(lambda: team.children[0].failures == 2, seconds=20)
    team.shut_down()
    assert "child=ingest exit=3" in said[0]
    assert [retry_after(n) for n in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 30.0]


def test_a_killed_child_comes_back() -> None:
    team, _, _ = supervise(python("digest", "import time; time.sleep(60)"))
    team.start(team.children[0])
    first = team.children[0].process
    assert first
    first.send_signal(signal.SIGKILL)
    assert team.wait_until(lambda: team.children[0].process not in (None, first), seconds=10)
    team.shut_down()


def test_stopping_leaves_nobody_behind_even_who_will_not_listen() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None); print('up', flush=True); time.sleep(60)"
    team, said, _ = supervise(
        python("deaf", stubborn), python("good", "import time; time.sleep(60)"), grace_seconds=0.5
    )
    for child in team.children:
        team.start(child)
    assert team.wait_until(lambda: "deaf | up" in said, seconds=10)
    team.shut_down()
    assert [child.process.poll() is not None for child in team.children if child.process] == [True, True]
    assert any("child=deaf stop=forced" in line for line in said)


def test_a_port_in_use_is_named_with_the_option_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} .* --board-port"):
            require_free(port, "--board-port")
