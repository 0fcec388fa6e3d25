"""A real PostgreSQL for tests: its own data and port, as long as it is needed, skipped with a reason where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from running import free_port

USER = "postgres"
# Tests kill clients, never the server: it need not outlive a power cut.
SETTINGS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database `postgres` on a server of our own: `postgresql://postgres@127.0.0.1:PORT/postgres`."""
    if tool("initdb") is None:
        if os.environ.get("DAYBREAK_REQUIRE_POSTGRES"):
            pytest.fail("DAYBREAK_REQUIRE_POSTGRES is set, and there is no PostgreSQL on this machine")
        pytest.skip("no PostgreSQL on this machine (apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="daybreak-postgres-"))  # its user cannot reach pytest's own folders
    try:
        with serving(folder, free_port()) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(folder: Path, port: int, *, settings: str = SETTINGS) -> Iterator[str]:
    """A PostgreSQL below `folder`; the URL of its database `postgres`."""
    data = folder / "postgres"
    data.mkdir(parents=True)
    if os.geteuid() == 0:  # it does not run as root
        for each in (folder, data):
            shutil.chown(each, USER)
    control = [*_as_user(), _required("pg_ctl"), "-D", str(data), "-w"]
    _run([*_as_user(), _required("initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-N"], folder)
    with (folder / "postgres.out").open("w") as said:  # a file: the server keeps it open for good
        options = f"-p {port} -h 127.0.0.1 -k {folder} {settings}"
        subprocess.run([*control, "-o", options, "start"], cwd=folder, stdout=said, stderr=said, check=True)
    try:
        yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder)


def tool(name: str) -> str | None:
    """Where a PostgreSQL tool is: where Debian keeps it, beside the server, or on the path."""
    kept = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
    return kept[-1] if kept else shutil.which(name)


def _required(name: str) -> str:
    found = tool(name)
    if found is None:
        raise SystemExit(f"{name} is not on this machine; install PostgreSQL")
    return found


def _as_user() -> list[str]:
    return ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
